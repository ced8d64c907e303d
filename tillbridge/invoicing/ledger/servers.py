"""Which server an order belongs to: that of the first attempt of which anything may have left.

No other is sent it or asked about it: an order that another server has never seen looks absent there, and
would be invoiced a second time. Only a person can say that a server has another address now; see
`docs/runbooks/other-server.md`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, func, or_, select

from tillbridge.counting import counted
from tillbridge.database.engine import transaction
from tillbridge.database.group_commit import GroupCommit
from tillbridge.database.ledger_tables import invoice_order
from tillbridge.invoicing.ledger import departures
from tillbridge.invoicing.ledger.events import OrderKey
from tillbridge.invoicing.ledger.moves import THIS_ORDER, keep, key_of, this

_MOST_NAMED = 5
_WHAT_TO_DO = (
    "Have the profile name that server again. If it is the same Retail Pro under another address, decide "
    "change-server with resolve-order, else look the orders up there"
)

_order = invoice_order.c


def may_have(server: ColumnElement[str] | str) -> ColumnElement[bool]:
    """Give the condition that an order belongs to `server`, or to none yet."""
    return or_(_order.server.is_(None), _order.server == server)


def belongs_to(order_server: str | None, server: str) -> bool:
    """Say whether an order whose server is `order_server` belongs to `server`, or to none yet."""
    return order_server in (None, server)


def let_go(connection: Connection, found: Row[Any]) -> None:
    """Let an order of which provably nothing ever left belong to no server.

    While it is in doubt it stays: attempts that a restore has forgotten are known by the doubt alone.
    """
    if not found.doubts and not departures.may_have_left(connection, key_of(found)):
        keep(connection, found, server=None)


def why_not(engine: Engine | GroupCommit, key: OrderKey, server: str) -> str:
    """Say why an order is not sent to `server`; empty when it belongs to no other one."""
    with transaction(engine) as connection:
        its_own: str | None = connection.scalar(select(_order.server).where(*THIS_ORDER), this(key))
    if its_own is None or its_own == server:
        return ""
    return f"It belongs to {_named(its_own)}, and the profile names {server}. {_WHAT_TO_DO}."


def why_some_wait(engine: Engine, product_store_id: str, server: str) -> str:
    """Say which orders are neither sent nor looked up because they belong to another server; else empty."""
    is_elsewhere = (
        _order.product_store_id == product_store_id,
        _order.state.in_(("READY", "UNKNOWN")),
        ~may_have(server),
    )
    with transaction(engine) as connection:
        number = connection.scalar(select(func.count()).where(*is_elsewhere)) or 0
        some = connection.execute(
            select(_order.order_no, _order.server)
            .where(*is_elsewhere)
            .order_by(_order.accepted_at, _order.order_no)
            .limit(_MOST_NAMED)
        ).all()
    named = ", ".join(f"{row.order_no} ({_named(row.server)})" for row in some)
    if not number:
        return ""
    return (
        f"{counted(number, 'order belongs', 'orders belong')} to another server than {server}, "
        f"which the profile names; nothing is sent there: {named}"
        f"{' and others' if number > len(some) else ''}. {_WHAT_TO_DO}."
    )


def _named(server: str) -> str:
    return server or "a server that an earlier version did not write down"
