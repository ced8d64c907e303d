"""The first schema: order store and invoice ledger.

A schema is not taken back by a migration but by restoring the backup made before it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table, and the one facility where nothing is ever shipped from."""
    op.create_table(
        "failure_report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("product_store_id", sa.String(length=60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failure_report")),
        sa.UniqueConstraint("message_id", name=op.f("uq_failure_report_message_id")),
    )
    op.create_table(
        "feed",
        sa.Column("feed_id", sa.String(), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("order_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("feed_id", name=op.f("pk_feed")),
        sa.UniqueConstraint("file_name", name=op.f("uq_feed_file_name")),
    )
    op.create_table(
        "invoice_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("product_store_id", sa.String(length=60), nullable=False),
        sa.Column("order_no", sa.String(length=9), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(length=60), nullable=False),
        sa.Column("from_state", sa.String(length=10), nullable=True),
        sa.Column("to_state", sa.String(length=10), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_event")),
    )
    op.create_index(
        "ix_invoice_event_order", "invoice_event", ["product_store_id", "order_no"], unique=False
    )
    op.create_table(
        "invoice_order",
        sa.Column("product_store_id", sa.String(length=60), nullable=False),
        sa.Column("order_no", sa.String(length=9), nullable=False),
        sa.Column("order_id", sa.String(length=60), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("conflict_sha256", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("doubtful", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=60), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erp_ref", sa.String(length=100), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("line_count", sa.Integer(), nullable=False),
        sa.Column("invoicing_store", sa.String(length=5), nullable=False),
        sa.Column("reason_code", sa.String(length=40), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("source_file", sa.String(length=255), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("product_store_id", "order_no", name=op.f("pk_invoice_order")),
    )
    op.create_index(
        "ix_invoice_order_order_id", "invoice_order", ["product_store_id", "order_id"], unique=False
    )
    op.create_index(
        "ix_invoice_order_work", "invoice_order", ["state", "accepted_at"], unique=False
    )
    op.create_table(
        "product",
        sa.Column("product_id", sa.String(), nullable=False),
        sa.Column("product_name", sa.String(), nullable=False),
        sa.Column("product_type_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_product")),
    )
    op.create_table(
        "product_store",
        sa.Column("product_store_id", sa.String(), nullable=False),
        sa.Column("store_name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("product_store_id", name=op.f("pk_product_store")),
    )
    op.create_table(
        "taken_file",
        sa.Column("folder", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("result", sa.String(length=20), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("folder", "sha256", name=op.f("pk_taken_file")),
    )
    op.create_table(
        "transformed_order",
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("product_store_id", sa.String(length=60), nullable=False),
        sa.Column("order_id", sa.String(length=60), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("feed_name", sa.String(length=255), nullable=False),
        sa.Column("transformed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "body_sha256", "product_store_id", name=op.f("pk_transformed_order")
        ),
    )
    op.create_table(
        "facility",
        sa.Column("facility_id", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("facility_name", sa.String(), nullable=False),
        sa.Column("facility_type_id", sa.String(), nullable=False),
        sa.Column("parent_facility_type_id", sa.String(), nullable=False),
        sa.Column("product_store_id", sa.String(), nullable=True),
        sa.Column("invoicing_store_code", sa.String(), nullable=True),
        sa.Column("store_code", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["product_store_id"],
            ["product_store.product_store_id"],
            name=op.f("fk_facility_product_store_id"),
        ),
        sa.PrimaryKeyConstraint("facility_id", name=op.f("pk_facility")),
        sa.UniqueConstraint("external_id", name=op.f("uq_facility_external_id")),
    )
    op.create_table(
        "good_identification",
        sa.Column("product_id", sa.String(), nullable=False),
        sa.Column("good_identification_type_id", sa.String(), nullable=False),
        sa.Column("id_value", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.product_id"], name=op.f("fk_good_identification_product_id")
        ),
        sa.PrimaryKeyConstraint(
            "product_id", "good_identification_type_id", name=op.f("pk_good_identification")
        ),
    )
    op.create_table(
        "invoice_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("product_store_id", sa.String(length=60), nullable=False),
        sa.Column("order_no", sa.String(length=9), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=60), nullable=False),
        sa.Column("armed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("response_file", sa.String(length=255), nullable=True),
        sa.Column("response_stored_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["product_store_id", "order_no"],
            ["invoice_order.product_store_id", "invoice_order.order_no"],
            name="fk_invoice_attempt_order",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_attempt")),
        sa.UniqueConstraint(
            "product_store_id",
            "order_no",
            "number",
            name=op.f("uq_invoice_attempt_product_store_id_order_no_number"),
        ),
    )
    op.create_index(
        "ix_invoice_attempt_response",
        "invoice_attempt",
        ["response_stored_at", "ended_at"],
        unique=False,
    )
    op.create_table(
        "invoice_failure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("product_store_id", sa.String(length=60), nullable=False),
        sa.Column("order_no", sa.String(length=60), nullable=False),
        sa.Column("order_id", sa.String(length=60), nullable=False),
        sa.Column("store", sa.String(length=5), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("reason_code", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("next_step", sa.Text(), nullable=False),
        sa.Column("source_file", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["report_id"], ["failure_report.id"], name=op.f("fk_invoice_failure_report_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_failure")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_invoice_failure_fingerprint")),
    )
    op.create_index("ix_invoice_failure_report", "invoice_failure", ["report_id"], unique=False)
    op.create_table(
        "order_header",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("product_store_id", sa.String(), nullable=True),
        sa.Column("order_name", sa.String(), nullable=False),
        sa.Column("order_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status_id", sa.String(), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sales_channel_enum_id", sa.String(), nullable=False),
        sa.Column("currency_uom", sa.String(), nullable=False),
        sa.Column("grand_total", sa.BigInteger(), nullable=False),
        sa.Column("customer_party_id", sa.String(), nullable=True),
        sa.Column("customer_first_name", sa.String(), nullable=True),
        sa.Column("customer_last_name", sa.String(), nullable=True),
        sa.Column("customer_email", sa.String(), nullable=True),
        sa.Column("customer_phone", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["product_store_id"],
            ["product_store.product_store_id"],
            name=op.f("fk_order_header_product_store_id"),
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_order_header")),
    )
    op.create_index(
        "ix_order_header_completed",
        "order_header",
        ["status_id", "completed_at", "order_id"],
        unique=False,
    )
    op.create_table(
        "order_adjustment",
        sa.Column(
            "order_adjustment_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("order_item_seq_id", sa.String(), nullable=False),
        sa.Column("order_adjustment_type_id", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["order_header.order_id"], name=op.f("fk_order_adjustment_order_id")
        ),
        sa.PrimaryKeyConstraint("order_adjustment_id", name=op.f("pk_order_adjustment")),
    )
    op.create_index(
        op.f("ix_order_adjustment_order_id"), "order_adjustment", ["order_id"], unique=False
    )
    op.create_table(
        "order_attribute",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("attr_name", sa.String(), nullable=False),
        sa.Column("attr_value", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["order_header.order_id"], name=op.f("fk_order_attribute_order_id")
        ),
        sa.PrimaryKeyConstraint("order_id", "attr_name", name=op.f("pk_order_attribute")),
    )
    op.create_table(
        "order_contact_mech",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("contact_mech_purpose_type_id", sa.String(), nullable=False),
        sa.Column("to_name", sa.String(), nullable=True),
        sa.Column("address1", sa.String(), nullable=True),
        sa.Column("address2", sa.String(), nullable=True),
        sa.Column("city", sa.String(), nullable=True),
        sa.Column("postal_code", sa.String(), nullable=True),
        sa.Column("state_province_geo_code", sa.String(), nullable=True),
        sa.Column("country_geo_code", sa.String(), nullable=True),
        sa.Column("country_geo_name", sa.String(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["order_header.order_id"], name=op.f("fk_order_contact_mech_order_id")
        ),
        sa.PrimaryKeyConstraint(
            "order_id", "contact_mech_purpose_type_id", name=op.f("pk_order_contact_mech")
        ),
    )
    op.create_table(
        "order_fulfillment_history",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("feed_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["feed_id"], ["feed.feed_id"], name=op.f("fk_order_fulfillment_history_feed_id")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["order_header.order_id"],
            name=op.f("fk_order_fulfillment_history_order_id"),
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_order_fulfillment_history")),
    )
    op.create_index(
        op.f("ix_order_fulfillment_history_feed_id"),
        "order_fulfillment_history",
        ["feed_id"],
        unique=False,
    )
    op.create_table(
        "order_identification",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("order_identification_type_id", sa.String(), nullable=False),
        sa.Column("id_value", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["order_header.order_id"], name=op.f("fk_order_identification_order_id")
        ),
        sa.PrimaryKeyConstraint(
            "order_id", "order_identification_type_id", name=op.f("pk_order_identification")
        ),
    )
    op.create_table(
        "order_item_ship_group",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("ship_group_seq_id", sa.String(), nullable=False),
        sa.Column("facility_id", sa.String(), nullable=False),
        sa.Column("shipment_method_type_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["facility_id"],
            ["facility.facility_id"],
            name=op.f("fk_order_item_ship_group_facility_id"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["order_header.order_id"], name=op.f("fk_order_item_ship_group_order_id")
        ),
        sa.PrimaryKeyConstraint(
            "order_id", "ship_group_seq_id", name=op.f("pk_order_item_ship_group")
        ),
    )
    op.create_table(
        "order_payment_preference",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("payment_seq_id", sa.String(), nullable=False),
        sa.Column("payment_method_type_id", sa.String(), nullable=False),
        sa.Column("status_id", sa.String(), nullable=False),
        sa.Column("max_amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["order_header.order_id"],
            name=op.f("fk_order_payment_preference_order_id"),
        ),
        sa.PrimaryKeyConstraint(
            "order_id", "payment_seq_id", name=op.f("pk_order_payment_preference")
        ),
    )
    op.create_table(
        "product_facility",
        sa.Column("facility_id", sa.String(), nullable=False),
        sa.Column("product_id", sa.String(), nullable=False),
        sa.Column("quantity_on_hand", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.facility_id"], name=op.f("fk_product_facility_facility_id")
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.product_id"], name=op.f("fk_product_facility_product_id")
        ),
        sa.PrimaryKeyConstraint("facility_id", "product_id", name=op.f("pk_product_facility")),
    )
    op.create_table(
        "shipment",
        sa.Column("shipment_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("origin_facility_id", sa.String(), nullable=False),
        sa.Column("shipment_method_type_id", sa.String(), nullable=True),
        sa.Column("carrier_party_id", sa.String(), nullable=True),
        sa.Column("tracking_number", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["order_header.order_id"], name=op.f("fk_shipment_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["origin_facility_id"],
            ["facility.facility_id"],
            name=op.f("fk_shipment_origin_facility_id"),
        ),
        sa.PrimaryKeyConstraint("shipment_id", name=op.f("pk_shipment")),
    )
    op.create_table(
        "order_item",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("order_item_seq_id", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("ship_group_seq_id", sa.String(), nullable=False),
        sa.Column("product_id", sa.String(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("cancel_quantity", sa.BigInteger(), nullable=True),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("status_id", sa.String(), nullable=False),
        sa.Column("status_datetime", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shipment_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id", "ship_group_seq_id"],
            ["order_item_ship_group.order_id", "order_item_ship_group.ship_group_seq_id"],
            name=op.f("fk_order_item_order_id_ship_group_seq_id"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["order_header.order_id"], name=op.f("fk_order_item_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.product_id"], name=op.f("fk_order_item_product_id")
        ),
        sa.ForeignKeyConstraint(
            ["shipment_id"], ["shipment.shipment_id"], name=op.f("fk_order_item_shipment_id")
        ),
        sa.PrimaryKeyConstraint("order_id", "order_item_seq_id", name=op.f("pk_order_item")),
    )
    op.create_index(op.f("ix_order_item_shipment_id"), "order_item", ["shipment_id"], unique=False)
    op.execute(
        "INSERT INTO facility (facility_id, external_id, facility_name, facility_type_id, "
        "parent_facility_type_id) VALUES ('_NA_', '_NA_', 'No facility', 'NA', 'VIRTUAL_FACILITY')"
    )
