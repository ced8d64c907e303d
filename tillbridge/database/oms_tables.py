"""The tables of the order store, named after HotWax's (OFBiz') entities.

What a status means and when it changes is tillbridge/oms; this module only says what is kept.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
)

from tillbridge.database.metadata import Moment, Units, metadata

NOT_AN_ITEM = "_NA_"
"""`order_item_seq_id` of an adjustment that belongs to the order as a whole."""

VIRTUAL_FACILITY = "_NA_"
"""`facility_id` of what is fulfilled nowhere, such as a gift card; the first migration makes its row."""

BILLING = "BILLING_LOCATION"
SHIPPING = "SHIPPING_LOCATION"
"""`contact_mech_purpose_type_id` of the two addresses of an order."""


def _order_id() -> Column[str]:
    return Column("order_id", ForeignKey("order_header.order_id"), primary_key=True)


product_store = Table(
    "product_store",
    metadata,
    Column("product_store_id", String, primary_key=True),
    Column("store_name", String, nullable=False),
    Column("auto_approve_order", String, nullable=False, server_default="Y"),
)

facility = Table(
    "facility",
    metadata,
    Column("facility_id", String, primary_key=True),
    Column("external_id", String, nullable=False, unique=True),
    Column("facility_name", String, nullable=False),
    Column("facility_type_id", String, nullable=False),
    Column("parent_facility_type_id", String, nullable=False),
    Column("product_store_id", ForeignKey("product_store.product_store_id")),
    # Retail Pro names a store twice: in the header of an invoice (SVA32) and in its lines (A32).
    Column("invoicing_store_code", String),
    Column("store_code", String),
)

product = Table(
    "product",
    metadata,
    Column("product_id", String, primary_key=True),
    Column("product_name", String, nullable=False),
    Column("product_type_id", String, nullable=False),
)

good_identification = Table(
    "good_identification",
    metadata,
    Column("product_id", ForeignKey("product.product_id"), primary_key=True),
    Column("good_identification_type_id", String, primary_key=True),
    Column("id_value", String, nullable=False, index=True),
)

product_facility = Table(
    "product_facility",
    metadata,
    Column("facility_id", ForeignKey("facility.facility_id"), primary_key=True),
    Column("product_id", ForeignKey("product.product_id"), primary_key=True),
    Column("quantity_on_hand", Units, nullable=False),
)

order_header = Table(
    "order_header",
    metadata,
    Column("order_id", String, primary_key=True),
    Column("product_store_id", ForeignKey("product_store.product_store_id")),
    Column("order_name", String, nullable=False),
    Column("order_date", Moment, nullable=False),
    Column("entry_date", Moment, nullable=False),
    Column("status_id", String, nullable=False),
    Column("completed_at", Moment),
    Column("sales_channel_enum_id", String, nullable=False),
    Column("currency_uom", String, nullable=False),
    Column("grand_total", Units, nullable=False),
    Column("customer_party_id", String),
    Column("customer_first_name", String),
    Column("customer_last_name", String),
    Column("customer_email", String),
    Column("customer_phone", String),
    # The id in the system the order was imported from, and the facility that sold it. The latter is no
    # foreign key: SQLite cannot add one to a table that others refer to.
    Column("external_id", String),
    Column("origin_facility_id", String),
    Column("auto_approve", String),
    Index("ix_order_header_completed", "status_id", "completed_at", "order_id"),
    Index("ix_order_header_external", "product_store_id", "external_id", unique=True),
)

order_identification = Table(
    "order_identification",
    metadata,
    _order_id(),
    Column("order_identification_type_id", String, primary_key=True),
    Column("id_value", String, nullable=False),
)

order_contact_mech = Table(
    "order_contact_mech",
    metadata,
    _order_id(),
    Column("contact_mech_purpose_type_id", String, primary_key=True),
    Column("to_name", String),
    Column("address1", String),
    Column("address2", String),
    Column("city", String),
    Column("postal_code", String),
    Column("state_province_geo_code", String),
    Column("country_geo_code", String),
    Column("country_geo_name", String),
    Column("email", String),
    Column("phone", String),
)

order_attribute = Table(
    "order_attribute",
    metadata,
    _order_id(),
    Column("attr_name", String, primary_key=True),
    Column("attr_value", String),
)

order_payment_preference = Table(
    "order_payment_preference",
    metadata,
    _order_id(),
    Column("payment_seq_id", String, primary_key=True),
    Column("payment_method_type_id", String, nullable=False),
    Column("status_id", String, nullable=False),
    Column("max_amount", Units, nullable=False),
)

order_item_ship_group = Table(
    "order_item_ship_group",
    metadata,
    _order_id(),
    Column("ship_group_seq_id", String, primary_key=True),
    Column("facility_id", ForeignKey("facility.facility_id"), nullable=False),
    Column("shipment_method_type_id", String, nullable=False),
)

shipment = Table(
    "shipment",
    metadata,
    Column("shipment_id", String, primary_key=True),
    Column("order_id", ForeignKey("order_header.order_id"), nullable=False),
    Column("origin_facility_id", ForeignKey("facility.facility_id"), nullable=False),
    Column("shipment_method_type_id", String),
    Column("carrier_party_id", String),
    Column("tracking_number", String),
)

order_item = Table(
    "order_item",
    metadata,
    _order_id(),
    Column("order_item_seq_id", String, primary_key=True),
    Column("external_id", String),
    Column("ship_group_seq_id", String, nullable=False),
    Column("product_id", ForeignKey("product.product_id"), nullable=False),
    Column("quantity", Units, nullable=False),
    Column("cancel_quantity", Units),
    Column("unit_price", Units, nullable=False),
    Column("status_id", String, nullable=False),
    Column("status_datetime", Moment),
    Column("item_description", String),
    # Set when the item left a facility; an item that is never shipped has none.
    Column("shipment_id", ForeignKey("shipment.shipment_id"), index=True),
    ForeignKeyConstraint(
        ["order_id", "ship_group_seq_id"],
        ["order_item_ship_group.order_id", "order_item_ship_group.ship_group_seq_id"],
    ),
)

order_adjustment = Table(
    "order_adjustment",
    metadata,
    Column(
        "order_adjustment_id",
        BigInteger().with_variant(Integer, "sqlite"),  # SQLite numbers INTEGER keys only
        primary_key=True,
    ),
    Column("order_id", ForeignKey("order_header.order_id"), nullable=False, index=True),
    Column("order_item_seq_id", String, nullable=False),
    Column("order_adjustment_type_id", String, nullable=False),
    Column("amount", Units, nullable=False),
)

feed = Table(
    "feed",
    metadata,
    Column("feed_id", String, primary_key=True),
    Column("folder", String, nullable=False),
    Column("file_name", String, nullable=False, unique=True),
    Column("status", String, nullable=False),
    Column("order_count", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("sent_at", Moment),
)

order_fulfillment_history = Table(
    "order_fulfillment_history",
    metadata,
    # The key is what makes an order enter one feed only, whoever else exports at the same time.
    Column("order_id", ForeignKey("order_header.order_id"), primary_key=True),
    Column("feed_id", ForeignKey("feed.feed_id"), nullable=False, index=True),
)
