"""Which ledger this is, and how many orders of each store it has let go."""

from __future__ import annotations

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and give this ledger an id of its own."""
    ledger = op.create_table(
        "ledger",
        sa.Column("ledger_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("ledger_id", name=op.f("pk_ledger")),
    )
    op.bulk_insert(ledger, [{"ledger_id": str(uuid4())}])
    op.create_table(
        "ledger_sending",
        sa.Column("product_store_id", sa.String(length=60), nullable=False),
        sa.Column("sendings", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("product_store_id", name=op.f("pk_ledger_sending")),
    )
