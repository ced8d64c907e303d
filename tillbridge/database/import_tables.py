"""The tables of what the order store imports: returns, variances, and the Data Manager's books about it.

Those with a counterpart in HotWax are named after its entities. What is imported how is
`tillbridge/oms`; this module only says what is kept.
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
    Text,
)

from tillbridge.database.metadata import Moment, Units, metadata


def _return_id() -> Column[str]:
    return Column("return_id", ForeignKey("return_header.return_id"), primary_key=True)


product_store_setting = Table(
    "product_store_setting",
    metadata,
    Column("product_store_id", ForeignKey("product_store.product_store_id"), primary_key=True),
    Column("setting_type_enum_id", String, primary_key=True),
    Column("setting_value", String, nullable=False),
)

item_issuance = Table(
    "item_issuance",
    metadata,
    Column("order_id", String, primary_key=True),
    Column("order_item_seq_id", String, primary_key=True),
    Column("facility_id", ForeignKey("facility.facility_id"), nullable=False),
    Column("product_id", ForeignKey("product.product_id"), nullable=False),
    Column("quantity", Units, nullable=False, doc="taken from the stock"),
    Column("short_quantity", Units, nullable=False, doc="sold, but not there to be taken"),
    Column("issued_at", Moment, nullable=False),
    ForeignKeyConstraint(
        ["order_id", "order_item_seq_id"], ["order_item.order_id", "order_item.order_item_seq_id"]
    ),
)

return_header = Table(
    "return_header",
    metadata,
    Column("return_id", String, primary_key=True),
    Column("external_id", String),
    Column("product_store_id", ForeignKey("product_store.product_store_id"), nullable=False),
    # Set once the sale is known; a return may come before its sale.
    Column("order_id", ForeignKey("order_header.order_id"), index=True),
    Column("order_external_id", String),
    Column("order_name", String),
    Column("return_date", Moment, nullable=False),
    Column("entry_date", Moment, nullable=False),
    Column("status_id", String, nullable=False),
    Column("return_channel_enum_id", String, nullable=False),
    Column("currency_uom", String, nullable=False),
    Column("return_total", Units, nullable=False),
    Column("destination_facility_id", ForeignKey("facility.facility_id"), nullable=False),
    Column("customer_party_id", String),
    Column("customer_first_name", String),
    Column("customer_last_name", String),
    Column("customer_email", String),
    Column("customer_phone", String),
    Index("ix_return_header_sale", "product_store_id", "order_external_id"),
)

return_item = Table(
    "return_item",
    metadata,
    _return_id(),
    Column("return_item_seq_id", String, primary_key=True),
    Column("order_item_seq_id", String),
    Column("order_item_external_id", String),
    Column("product_id", ForeignKey("product.product_id"), nullable=False),
    Column("return_quantity", Units, nullable=False),
    Column("return_price", Units, nullable=False),
    Column("return_reason_id", String),
    Column("description", String),
)

return_adjustment = Table(
    "return_adjustment",
    metadata,
    Column(
        "return_adjustment_id",
        BigInteger().with_variant(Integer, "sqlite"),  # SQLite numbers INTEGER keys only
        primary_key=True,
    ),
    Column("return_id", ForeignKey("return_header.return_id"), nullable=False, index=True),
    Column("return_item_seq_id", String, nullable=False),
    Column("return_adjustment_type_id", String, nullable=False),
    Column("amount", Units, nullable=False),
)

return_payment_preference = Table(
    "return_payment_preference",
    metadata,
    _return_id(),
    Column("payment_seq_id", String, primary_key=True),
    Column("payment_method_type_id", String, nullable=False),
    Column("status_id", String, nullable=False),
    Column("max_amount", Units, nullable=False),
)

inventory_variance = Table(
    "inventory_variance",
    metadata,
    # The key is what makes a row of a file change the stock once.
    Column("file_sha256", String, primary_key=True),
    Column("row_number", Integer, primary_key=True),
    Column("file_name", String, nullable=False),
    Column("arrival", String, nullable=False),
    # A refused row has an error and changed nothing; what it names may not exist.
    Column("facility_id", ForeignKey("facility.facility_id")),
    Column("product_id", ForeignKey("product.product_id")),
    Column("available_delta", Units),
    Column("applied_delta", Units),
    Column("variance_reason_id", String),
    Column("location_seq_id", String),
    Column("comments", String),
    Column("error", Text),
    Column("applied_at", Moment, nullable=False),
)

data_manager_config = Table(
    "data_manager_config",
    metadata,
    Column("config_id", String, primary_key=True),
    Column("description", String, nullable=False),
)

data_manager_log = Table(
    "data_manager_log",
    metadata,
    Column("log_id", String, primary_key=True),
    Column("config_id", ForeignKey("data_manager_config.config_id"), nullable=False),
    Column("file_name", String, nullable=False),
    Column("arrival", String, nullable=False),
    Column("status_id", String, nullable=False),
    Column("total_record_count", Integer, nullable=False),
    Column("failed_record_count", Integer, nullable=False),
    Column("known_record_count", Integer, nullable=False),
    Column("warning_count", Integer, nullable=False),
    Column("error_file_name", String),
    Column("created_at", Moment, nullable=False),
)

data_manager_record = Table(
    "data_manager_record",
    metadata,
    Column("config_id", ForeignKey("data_manager_config.config_id"), primary_key=True),
    Column("record_key", String, primary_key=True),
    # Marks of the parts of the record, which say what differs when it comes again.
    Column("content", Text, nullable=False),
    Column("file_name", String, nullable=False),
    Column("arrival", String, nullable=False),
    Column("place", Integer, nullable=False),
    Column("imported_at", Moment, nullable=False),
    Index("ix_data_manager_record_arrival", "config_id", "arrival"),
)
