"""Till transactions that were taken in, line by line, and the records made of them for the order store."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
)

from tillbridge.database.metadata import Moment, Units, metadata

till_gate = Table(
    "till_gate",
    metadata,
    # Whoever locks its row takes in transactions of the brand alone.
    Column("product_store_id", String(60), primary_key=True),
)

till_batch = Table(
    "till_batch",
    metadata,
    Column("batch_id", String(40), primary_key=True),
    Column("product_store_id", String(60), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("published_at", Moment, nullable=True, doc="NULL while its files are not on SFTP"),
    Index("ix_till_batch_published", "product_store_id", "published_at"),
)

till_record = Table(
    "till_record",
    metadata,
    Column("batch_id", ForeignKey("till_batch.batch_id"), primary_key=True),
    Column("kind", String(10), primary_key=True, doc="order, return or variance"),
    Column("number", Integer, primary_key=True),
    Column("body", LargeBinary, nullable=False, doc="the record's JSON as it is handed over"),
)

till_transaction = Table(
    "till_transaction",
    metadata,
    Column("batch_id", ForeignKey("till_batch.batch_id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("product_store_id", String(60), nullable=False),
    Column("order_id", String(60), nullable=False),
    Column("file_name", String(255), nullable=False),
    Column("file_sha256", String(64), nullable=False),
    Column("mapping_version", Integer, nullable=False),
    Column("retail_store_id", String(60), nullable=False),
    Column("store", String(60), nullable=False, doc="the facility's external id"),
    Column("workstation_id", String(60), nullable=True),
    Column("sequence_number", BigInteger, nullable=True),
    Column("business_day_date", Date, nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("arrived_at", Moment, nullable=False),
    Column("ingested_at", Moment, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("sale_lines", Integer, nullable=False),
    Column("sales_total", Units, nullable=False),
    Column("return_lines", Integer, nullable=False),
    Column("returns", Integer, nullable=False, doc="how many returns they became"),
    Column("returns_total", Units, nullable=False),
    Column("carried_over", Units, nullable=False, doc="paid with goods that came back"),
    Index("ix_till_transaction_order", "product_store_id", "order_id"),
    Index("ix_till_transaction_began", "product_store_id", "began_at"),
)

till_line = Table(
    "till_line",
    metadata,
    # The key is what makes a line count once, however often its till sends it.
    Column("product_store_id", String(60), primary_key=True),
    Column("order_id", String(60), primary_key=True),
    Column("kind", String(6), primary_key=True, doc="sale or return"),
    Column("line_key", String(80), primary_key=True),
    Column("content_sha256", String(64), nullable=False),
    Column("quantity", Units, nullable=False, doc="of a return all that came back so far"),
    Column("discount", Units, nullable=False),
    Column("tax", Units, nullable=False),
    Column("batch_id", String(40), nullable=False),
    Column("number", Integer, nullable=False, doc="of the transaction that brought it last"),
    ForeignKeyConstraint(
        ["batch_id", "number"], ["till_transaction.batch_id", "till_transaction.number"]
    ),
)
