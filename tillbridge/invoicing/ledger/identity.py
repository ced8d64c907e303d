"""The one number under which a HotWax order may be sent, kept in a row for each order id.

HotWax's `orderId` is what an order is, product store and order number are what Retail Pro sees. The row is
changed only together with the state of the order that had the number before; a claim asks it last of all.
Which number it is to be is decided in `two_numbers`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, or_, select, update

from tillbridge.database.insertion import insert_new
from tillbridge.database.ledger_tables import invoice_order, order_identity
from tillbridge.invoicing.ledger.events import OrderKey

_order, _identity = invoice_order.c, order_identity.c


def is_its_number() -> ColumnElement[bool]:
    """Give the condition that an order may go under this number; one without an order id always may."""
    return or_(
        _order.order_id.is_(None),
        exists().where(
            _identity.order_id == _order.order_id,
            _identity.product_store_id == _order.product_store_id,
            _identity.order_no == _order.order_no,
        ),
    )


def register(connection: Connection, order_id: str, key: OrderKey) -> bool:
    """Let an order go under this number if it has none yet; says whether it had none."""
    return insert_new(connection, order_identity, {"order_id": order_id, **key._asdict()}) == 1


def holder(connection: Connection, order_id: str) -> OrderKey | None:
    """Read the number an order may go under, and keep others from changing it.

    None means that more than one may have been sent, and a person has to say which.
    """
    row = connection.execute(
        select(_identity.product_store_id, _identity.order_no)
        .where(_identity.order_id == order_id)
        .with_for_update()
    ).one()
    return OrderKey(*row) if row.order_no is not None else None


def give_to(connection: Connection, order_id: str, key: OrderKey | None) -> None:
    """Let an order go under this number from now on, and under no other; with None under none."""
    connection.execute(
        update(order_identity)
        .where(_identity.order_id == order_id)
        .values(
            product_store_id=key.product_store_id if key else None,
            order_no=key.order_no if key else None,
        )
    )


def give_up(connection: Connection, found: Row[Any]) -> None:
    """Forget that an order goes under this number, which turned out to be another order's."""
    connection.execute(
        delete(order_identity).where(
            and_(
                _identity.order_id == found.order_id,
                _identity.product_store_id == found.product_store_id,
                _identity.order_no == found.order_no,
            )
        )
    )
