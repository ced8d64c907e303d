"""One number for each HotWax order, and what tells orders and numbers that look alike."""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_AT_ONCE = 1000
_AS_A_NUMBER = re.compile(
    r"(?=.*[0-9])(?P<sign>[+-]?)0*(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*?)0*)?"
)


def upgrade() -> None:
    """Give each order the number under which it was sent, or else came first."""
    op.create_table(
        "order_identity",
        sa.Column("order_id", sa.String(length=60), nullable=False),
        sa.Column("product_store_id", sa.String(length=60), nullable=True),
        sa.Column("order_no", sa.String(length=9), nullable=True),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_order_identity")),
    )
    op.add_column(
        "invoice_order",
        sa.Column("number_fold", sa.String(length=9), nullable=False, server_default=""),
    )
    op.add_column(
        "invoice_order", sa.Column("likeness_sha256", sa.String(length=64), nullable=True)
    )
    _fold_numbers()
    op.create_index("ix_invoice_order_numbers_of", "invoice_order", ["order_id"])
    op.create_index("ix_invoice_order_fold", "invoice_order", ["product_store_id", "number_fold"])
    op.create_index("ix_invoice_order_likeness", "invoice_order", ["likeness_sha256"])
    _choose_numbers()


def _choose_numbers() -> None:
    """Where several numbers of an order may have been sent and none is invoiced, none goes on by itself."""
    op.execute(
        sa.text(
            "INSERT INTO order_identity (order_id, product_store_id, order_no) "
            "SELECT order_id, product_store_id, order_no FROM ("
            "SELECT order_id, product_store_id, order_no, row_number() OVER ("
            "PARTITION BY order_id ORDER BY CASE state WHEN 'CONFIRMED' THEN 0 WHEN 'INFLIGHT' THEN 1 "
            "WHEN 'UNKNOWN' THEN 2 WHEN 'PARKED' THEN 3 WHEN 'CANCELLED' THEN 6 "
            "ELSE CASE WHEN attempts > 0 THEN 4 ELSE 5 END END, accepted_at, product_store_id, order_no"
            ") AS place FROM invoice_order WHERE order_id IS NOT NULL) AS placed WHERE place = 1"
        )
    )
    op.execute(
        sa.text(
            "UPDATE order_identity SET product_store_id = NULL, order_no = NULL WHERE order_id IN ("
            "SELECT order_id FROM invoice_order WHERE order_id IS NOT NULL GROUP BY order_id HAVING "
            "sum(CASE WHEN state IN ('INFLIGHT', 'UNKNOWN', 'PARKED') THEN 1 ELSE 0 END) > 1 "
            "AND sum(CASE WHEN state = 'CONFIRMED' THEN 1 ELSE 0 END) = 0)"
        )
    )


def _fold_numbers() -> None:
    connection = op.get_bind()
    orders = sa.table(
        "invoice_order",
        sa.column("product_store_id", sa.String),
        sa.column("order_no", sa.String),
        sa.column("number_fold", sa.String),
    )
    keys = connection.execute(sa.select(orders.c.product_store_id, orders.c.order_no)).all()
    fold = (
        sa.update(orders)
        .where(
            orders.c.product_store_id == sa.bindparam("of_store"),
            orders.c.order_no == sa.bindparam("of_order"),
        )
        .values(number_fold=sa.bindparam("fold"))
    )
    for start in range(0, len(keys), _AT_ONCE):
        connection.execute(
            fold,
            [
                {"of_store": store, "of_order": number, "fold": _folded(number)}
                for store, number in keys[start : start + _AT_ONCE]
            ],
        )


def _folded(order_no: str) -> str:
    """Fold a number as version 0.1.0 does; what a released migration writes never changes."""
    text = re.sub(r"\s+", "", order_no).casefold()
    found = _AS_A_NUMBER.fullmatch(text)
    if found is None:
        return text
    sign = "-" if found["sign"] == "-" else ""
    part = f".{found['part']}" if found["part"] else ""
    return f"{sign}{found['whole']}{part}" if found["whole"] or part else "0"
