"""Orders that are known under more than one number: at most one of the numbers is ever sent.

While provably nothing was sent, the newer number takes over and the older is closed. After that nobody but
a person decides. Everything here happens in the transaction that brings the order, or decides about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, Row, and_, or_, select

from tillbridge import money
from tillbridge.database.engine import database_now, transaction
from tillbridge.database.ledger_tables import invoice_order
from tillbridge.invoicing.ledger import departures, identity
from tillbridge.invoicing.ledger.events import OrderKey
from tillbridge.invoicing.ledger.moves import KNOWN, Why, key_of, locked, move, report

CODE = "order-has-two-numbers"

_OWN_FILES = "OrderToInvoice-"
_TIME = slice(len(_OWN_FILES), len(_OWN_FILES) + len("2026-11-22-03-15-00"))
_SENT = {"INFLIGHT", "CONFIRMED", "UNKNOWN", "PARKED"}
_CLOSABLE = {"READY", "HELD", "REJECTED"}

_order = invoice_order.c


class Standing(StrEnum):
    """Whether an order may go under a number."""

    FREE = "free"
    HELD = "held"
    REPLACED = "replaced"


def settle_number(
    connection: Connection, key: OrderKey, order_id: str | None, who: str, now: datetime
) -> Standing:
    """Say whether an order that came in, and is READY or in doubt, may go under its number.

    It may if it has no other; and if nothing was sent under another, which is then closed. Else it is held
    and reported. What an older file says is closed at once.
    """
    if order_id is None or identity.register(connection, order_id, key):
        return Standing.FREE
    holder = identity.holder(connection, order_id)
    if holder == key:
        return Standing.FREE
    found = locked(connection, key)
    assert found is not None  # noqa: S101 - it has just come in
    others = _others(connection, found, holder)
    was_sent = _may_have_been_sent(connection, found)
    in_the_way = [
        one for one in others if one.state == "CANCELLED" or _may_have_been_sent(connection, one)
    ]
    if in_the_way or was_sent:
        if was_sent and all(one.state != "CONFIRMED" for one in others):
            identity.give_to(connection, order_id, None)
        _hold(connection, found, in_the_way or others, who, now)
        return Standing.HELD
    for one in others:
        if one.state != "REPLACED" and is_older(found.source_file, one.source_file):
            _close(connection, found, one, who, now)
            return Standing.REPLACED
    _take(connection, found, others, who, now)
    return Standing.FREE


def hold_what_may_not_go(engine: Engine, product_store_id: str, who: str) -> list[OrderKey]:
    """Hold the READY orders whose order goes under another number, and report them; returns them."""
    with transaction(engine) as connection:
        now = database_now(connection)
        rows = connection.execute(
            select(*KNOWN)
            .where(
                _order.product_store_id == product_store_id,
                _order.state == "READY",
                ~identity.is_its_number(),
            )
            .with_for_update(skip_locked=True)
        ).all()
        for row in rows:
            others = _others(connection, row, identity.holder(connection, row.order_id))
            _hold(connection, row, others, who, now)
        return [key_of(row) for row in rows]


def obstacle(connection: Connection, found: Row[Any], *, other_is_void: bool) -> str:
    """Say why a person may not let an order go under this number; empty when it may.

    `other_is_void` says that the invoice under the other number was voided in Retail Pro.
    """
    if found.order_id is None:
        return ""
    for one in _others(connection, found, identity.holder(connection, found.order_id)):
        if one.state == "CONFIRMED" and not other_is_void:
            return (
                f"its order {found.order_id} is invoiced already, as {_figures(found, one)}; cancel this "
                "one, or say that the other invoice is void (other_is_void)"
            )
        if one.doubts or one.state in _SENT - {"CONFIRMED"}:
            return (
                f"its order {found.order_id} may have been sent as {_figures(found, one)}; decide about "
                "that number first: where each waits for the other, cancel the one that must not be"
            )
    return ""


def take(connection: Connection, found: Row[Any], who: str, now: datetime) -> None:
    """Let a locked order go under this number, as a person decided, and close its others."""
    if found.order_id is not None:
        identity.register(connection, found.order_id, key_of(found))
        holder = identity.holder(connection, found.order_id)
        _take(connection, found, _others(connection, found, holder), who, now)


def give_up(connection: Connection, found: Row[Any]) -> None:
    """Let the order of a locked row go under another number, unless it may have been sent under this."""
    if found.order_id is not None and not _may_have_been_sent(connection, found):
        identity.give_up(connection, found)


def is_older(file: str, than: str) -> bool:
    """Compare the times in the names of our own files; of other files nobody can tell."""
    both_are_ours = file.startswith(_OWN_FILES) and than.startswith(_OWN_FILES)
    return both_are_ours and file[_TIME] < than[_TIME]


def _others(connection: Connection, found: Row[Any], holder: OrderKey | None) -> list[Row[Any]]:
    """Lock and read the other numbers of an order, also one whose row was given to another order."""
    own = key_of(found)
    wanted = _order.order_id == found.order_id
    if holder is not None:
        wanted = or_(wanted, _is(holder))
    rows = connection.execute(
        select(*KNOWN)
        .where(wanted, ~_is(own))
        .order_by(_order.product_store_id, _order.order_no)
        .with_for_update()
    )
    return list(rows)


def _may_have_been_sent(connection: Connection, found: Row[Any]) -> bool:
    if found.state in _SENT or found.doubts or found.sent_until is not None:
        return True
    return bool(found.attempts) and departures.may_have_left(connection, key_of(found))


def _take(
    connection: Connection, found: Row[Any], others: Sequence[Row[Any]], who: str, now: datetime
) -> None:
    for one in others:
        if one.order_id == found.order_id and one.state in _CLOSABLE:
            _close(connection, one, found, who, now)
    identity.give_to(connection, found.order_id, key_of(found))


def _close(
    connection: Connection, found: Row[Any], other: Row[Any], who: str, now: datetime
) -> None:
    why = Why("replaced", f"Its order {found.order_id} goes as {_name(found, other)} from now on.")
    move(connection, found, ["REPLACED"], why, who, now)


def _hold(
    connection: Connection, found: Row[Any], others: Sequence[Row[Any]], who: str, now: datetime
) -> None:
    known = " and ".join(_figures(found, one) for one in others[:3])
    why = Why(
        CODE,
        f"Order {found.order_id} came as {found.order_no} ({_amount(found)}), and is known as {known}.",
        _next_step(found, others),
    )
    report(connection, found, "conflict", why, f"{CODE} {found.body_sha256}")
    move(connection, found, ["HELD"], why, who, now)


def _next_step(found: Row[Any], others: Sequence[Row[Any]]) -> str:
    invoiced = next((one for one in others if one.state == "CONFIRMED"), None)
    if invoiced:
        return (
            f"Nothing is sent. It is invoiced as {_name(found, invoiced)}: cancel {found.order_no} with "
            "resolve-order, and find out what gave it another number."
        )
    return (
        "Nothing is sent under this number. Look up both in Retail Pro, then decide with resolve-order: "
        "cancel the one that must not be, and let the other go."
    )


def _figures(found: Row[Any], other: Row[Any]) -> str:
    invoice = f", invoice {other.erp_ref}" if other.erp_ref else ""
    return f"{_name(found, other)} ({_amount(other)}, {other.state}{invoice})"


def _name(found: Row[Any], other: Row[Any]) -> str:
    is_here = found.product_store_id == other.product_store_id
    return other.order_no if is_here else f"{other.order_no} of {other.product_store_id}"


def _amount(row: Row[Any]) -> str:
    return money.show(row.total, row.currency)


def _is(key: OrderKey) -> Any:
    return and_(_order.product_store_id == key.product_store_id, _order.order_no == key.order_no)
