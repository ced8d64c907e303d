"""Whether anything of an order may ever have left for a server."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, exists, or_, select

from tillbridge.database.ledger_tables import invoice_attempt
from tillbridge.invoicing.ledger.events import OrderKey
from tillbridge.invoicing.ledger.moves import this
from tillbridge.invoicing.outcome import NOT_SENT

_attempt = invoice_attempt.c
_LEFT = select(
    exists().where(
        _attempt.product_store_id == bindparam("of_store"),
        _attempt.order_no == bindparam("of_order"),
        or_(_attempt.outcome.is_(None), _attempt.outcome != NOT_SENT),
    )
)


def may_have_left(connection: Connection, key: OrderKey) -> bool:
    """Say whether one of an order's attempts is not proved to have sent no byte."""
    return bool(connection.scalar(_LEFT, this(key)))
