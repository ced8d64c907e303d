"""What the order store imports: orders of tills, returns, variances, and the log of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and let orders say which system they came from."""
    _change_the_order_store()
    _make_the_data_manager()
    _make_returns_and_stock_movements()


def _change_the_order_store() -> None:
    op.add_column("order_header", sa.Column("external_id", sa.String(), nullable=True))
    op.add_column("order_header", sa.Column("origin_facility_id", sa.String(), nullable=True))
    op.add_column("order_header", sa.Column("auto_approve", sa.String(), nullable=True))
    op.add_column("order_item", sa.Column("item_description", sa.String(), nullable=True))
    op.add_column(
        "product_store",
        sa.Column("auto_approve_order", sa.String(), server_default="Y", nullable=False),
    )
    op.create_index(
        op.f("ix_good_identification_id_value"), "good_identification", ["id_value"], unique=False
    )
    op.create_index(
        "ix_order_header_external", "order_header", ["product_store_id", "external_id"], unique=True
    )


def _make_the_data_manager() -> None:
    op.create_table(
        "data_manager_config",
        sa.Column("config_id", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("config_id", name=op.f("pk_data_manager_config")),
    )
    op.create_table(
        "data_manager_log",
        sa.Column("log_id", sa.String(), nullable=False),
        sa.Column("config_id", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("arrival", sa.String(), nullable=False),
        sa.Column("status_id", sa.String(), nullable=False),
        sa.Column("total_record_count", sa.Integer(), nullable=False),
        sa.Column("failed_record_count", sa.Integer(), nullable=False),
        sa.Column("known_record_count", sa.Integer(), nullable=False),
        sa.Column("warning_count", sa.Integer(), nullable=False),
        sa.Column("error_file_name", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["config_id"],
            ["data_manager_config.config_id"],
            name=op.f("fk_data_manager_log_config_id"),
        ),
        sa.PrimaryKeyConstraint("log_id", name=op.f("pk_data_manager_log")),
    )
    op.create_table(
        "data_manager_record",
        sa.Column("config_id", sa.String(), nullable=False),
        sa.Column("record_key", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("arrival", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["config_id"],
            ["data_manager_config.config_id"],
            name=op.f("fk_data_manager_record_config_id"),
        ),
        sa.PrimaryKeyConstraint("config_id", "record_key", name=op.f("pk_data_manager_record")),
    )
    op.create_index(
        "ix_data_manager_record_arrival",
        "data_manager_record",
        ["config_id", "arrival"],
        unique=False,
    )
    op.execute(
        "INSERT INTO data_manager_config (config_id, description) VALUES "
        "('IMP_ORDER', 'Orders'), ('IMP_RETURN', 'Returns'), "
        "('MDM_INV_VARIANCE', 'Inventory variances')"
    )


def _make_returns_and_stock_movements() -> None:
    op.create_table(
        "product_store_setting",
        sa.Column("product_store_id", sa.String(), nullable=False),
        sa.Column("setting_type_enum_id", sa.String(), nullable=False),
        sa.Column("setting_value", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_store_id"],
            ["product_store.product_store_id"],
            name=op.f("fk_product_store_setting_product_store_id"),
        ),
        sa.PrimaryKeyConstraint(
            "product_store_id", "setting_type_enum_id", name=op.f("pk_product_store_setting")
        ),
    )
    op.create_table(
        "inventory_variance",
        sa.Column("file_sha256", sa.String(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("arrival", sa.String(), nullable=False),
        sa.Column("facility_id", sa.String(), nullable=True),
        sa.Column("product_id", sa.String(), nullable=True),
        sa.Column("available_delta", sa.BigInteger(), nullable=True),
        sa.Column("applied_delta", sa.BigInteger(), nullable=True),
        sa.Column("variance_reason_id", sa.String(), nullable=True),
        sa.Column("location_seq_id", sa.String(), nullable=True),
        sa.Column("comments", sa.String(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["facility_id"],
            ["facility.facility_id"],
            name=op.f("fk_inventory_variance_facility_id"),
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.product_id"], name=op.f("fk_inventory_variance_product_id")
        ),
        sa.PrimaryKeyConstraint("file_sha256", "row_number", name=op.f("pk_inventory_variance")),
    )
    op.create_table(
        "return_header",
        sa.Column("return_id", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("product_store_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=True),
        sa.Column("order_external_id", sa.String(), nullable=True),
        sa.Column("order_name", sa.String(), nullable=True),
        sa.Column("return_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status_id", sa.String(), nullable=False),
        sa.Column("return_channel_enum_id", sa.String(), nullable=False),
        sa.Column("currency_uom", sa.String(), nullable=False),
        sa.Column("return_total", sa.BigInteger(), nullable=False),
        sa.Column("destination_facility_id", sa.String(), nullable=False),
        sa.Column("customer_party_id", sa.String(), nullable=True),
        sa.Column("customer_first_name", sa.String(), nullable=True),
        sa.Column("customer_last_name", sa.String(), nullable=True),
        sa.Column("customer_email", sa.String(), nullable=True),
        sa.Column("customer_phone", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["destination_facility_id"],
            ["facility.facility_id"],
            name=op.f("fk_return_header_destination_facility_id"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["order_header.order_id"], name=op.f("fk_return_header_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["product_store_id"],
            ["product_store.product_store_id"],
            name=op.f("fk_return_header_product_store_id"),
        ),
        sa.PrimaryKeyConstraint("return_id", name=op.f("pk_return_header")),
    )
    op.create_index(op.f("ix_return_header_order_id"), "return_header", ["order_id"], unique=False)
    op.create_index(
        "ix_return_header_sale",
        "return_header",
        ["product_store_id", "order_external_id"],
        unique=False,
    )
    op.create_table(
        "return_adjustment",
        sa.Column(
            "return_adjustment_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("return_id", sa.String(), nullable=False),
        sa.Column("return_item_seq_id", sa.String(), nullable=False),
        sa.Column("return_adjustment_type_id", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["return_id"], ["return_header.return_id"], name=op.f("fk_return_adjustment_return_id")
        ),
        sa.PrimaryKeyConstraint("return_adjustment_id", name=op.f("pk_return_adjustment")),
    )
    op.create_index(
        op.f("ix_return_adjustment_return_id"), "return_adjustment", ["return_id"], unique=False
    )
    op.create_table(
        "return_item",
        sa.Column("return_id", sa.String(), nullable=False),
        sa.Column("return_item_seq_id", sa.String(), nullable=False),
        sa.Column("order_item_seq_id", sa.String(), nullable=True),
        sa.Column("order_item_external_id", sa.String(), nullable=True),
        sa.Column("product_id", sa.String(), nullable=False),
        sa.Column("return_quantity", sa.BigInteger(), nullable=False),
        sa.Column("return_price", sa.BigInteger(), nullable=False),
        sa.Column("return_reason_id", sa.String(), nullable=True),
        sa.Column("description", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.product_id"], name=op.f("fk_return_item_product_id")
        ),
        sa.ForeignKeyConstraint(
            ["return_id"], ["return_header.return_id"], name=op.f("fk_return_item_return_id")
        ),
        sa.PrimaryKeyConstraint("return_id", "return_item_seq_id", name=op.f("pk_return_item")),
    )
    op.create_table(
        "return_payment_preference",
        sa.Column("return_id", sa.String(), nullable=False),
        sa.Column("payment_seq_id", sa.String(), nullable=False),
        sa.Column("payment_method_type_id", sa.String(), nullable=False),
        sa.Column("status_id", sa.String(), nullable=False),
        sa.Column("max_amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["return_id"],
            ["return_header.return_id"],
            name=op.f("fk_return_payment_preference_return_id"),
        ),
        sa.PrimaryKeyConstraint(
            "return_id", "payment_seq_id", name=op.f("pk_return_payment_preference")
        ),
    )
    op.create_table(
        "item_issuance",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("order_item_seq_id", sa.String(), nullable=False),
        sa.Column("facility_id", sa.String(), nullable=False),
        sa.Column("product_id", sa.String(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("short_quantity", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.facility_id"], name=op.f("fk_item_issuance_facility_id")
        ),
        sa.ForeignKeyConstraint(
            ["order_id", "order_item_seq_id"],
            ["order_item.order_id", "order_item.order_item_seq_id"],
            name=op.f("fk_item_issuance_order_id_order_item_seq_id"),
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.product_id"], name=op.f("fk_item_issuance_product_id")
        ),
        sa.PrimaryKeyConstraint("order_id", "order_item_seq_id", name=op.f("pk_item_issuance")),
    )
