"""Till transactions and what was made of them; failures of tills beside those of invoices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and let a failure say which journey it is of."""
    for table in ("invoice_failure", "failure_report"):
        op.add_column(
            table,
            sa.Column("journey", sa.String(length=10), nullable=False, server_default="invoicing"),
        )
    with op.batch_alter_table("invoice_failure") as batch:
        batch.alter_column("store", existing_type=sa.String(5), type_=sa.String(60))
    op.create_table(
        "till_gate",
        sa.Column("product_store_id", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("product_store_id", name=op.f("pk_till_gate")),
    )
    op.create_table(
        "till_batch",
        sa.Column("batch_id", sa.String(length=40), nullable=False),
        sa.Column("product_store_id", sa.String(length=60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_till_batch")),
    )
    op.create_index("ix_till_batch_published", "till_batch", ["product_store_id", "published_at"])
    op.create_table(
        "till_record",
        sa.Column("batch_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["till_batch.batch_id"], name=op.f("fk_till_record_batch_id")
        ),
        sa.PrimaryKeyConstraint("batch_id", "kind", "number", name=op.f("pk_till_record")),
    )
    op.create_table(
        "till_transaction",
        sa.Column("batch_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("product_store_id", sa.String(length=60), nullable=False),
        sa.Column("order_id", sa.String(length=60), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("mapping_version", sa.Integer(), nullable=False),
        sa.Column("retail_store_id", sa.String(length=60), nullable=False),
        sa.Column("store", sa.String(length=60), nullable=False),
        sa.Column("workstation_id", sa.String(length=60), nullable=True),
        sa.Column("sequence_number", sa.BigInteger(), nullable=True),
        sa.Column("business_day_date", sa.Date(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ingested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("sale_lines", sa.Integer(), nullable=False),
        sa.Column("sales_total", sa.BigInteger(), nullable=False),
        sa.Column("return_lines", sa.Integer(), nullable=False),
        sa.Column("returns", sa.Integer(), nullable=False),
        sa.Column("returns_total", sa.BigInteger(), nullable=False),
        sa.Column("carried_over", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["till_batch.batch_id"], name=op.f("fk_till_transaction_batch_id")
        ),
        sa.PrimaryKeyConstraint("batch_id", "number", name=op.f("pk_till_transaction")),
    )
    op.create_index(
        "ix_till_transaction_order", "till_transaction", ["product_store_id", "order_id"]
    )
    op.create_index(
        "ix_till_transaction_began", "till_transaction", ["product_store_id", "began_at"]
    )
    op.create_table(
        "till_line",
        sa.Column("product_store_id", sa.String(length=60), nullable=False),
        sa.Column("order_id", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=6), nullable=False),
        sa.Column("line_key", sa.String(length=80), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id", "number"],
            ["till_transaction.batch_id", "till_transaction.number"],
            name=op.f("fk_till_line_batch_id"),
        ),
        sa.PrimaryKeyConstraint(
            "product_store_id", "order_id", "kind", "line_key", name=op.f("pk_till_line")
        ),
    )
