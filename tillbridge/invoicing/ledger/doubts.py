"""Orders in doubt: what is due to be looked up, and what a look-up does to an order.

An order is sent again only if nobody can still be sending it: every attempt must have been ended by its
own sender, because a worker that is merely thought dead may wake up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, Row, exists, or_, select

from tillbridge.counting import counted
from tillbridge.database.engine import database_now, transaction
from tillbridge.database.ledger_tables import invoice_attempt, invoice_order
from tillbridge.invoicing.doubt_policy import (
    LONGEST_DOUBT,
    MOST_DOUBTS,
    DoubtPolicy,
    LookUp,
)
from tillbridge.invoicing.ledger import servers
from tillbridge.invoicing.ledger.events import OrderKey, note
from tillbridge.invoicing.ledger.moves import (
    KNOWN,
    Why,
    is_quiet,
    keep,
    key_of,
    locked,
    move,
    reference,
    report,
)
from tillbridge.invoicing.outcome import LOOK_UP
from tillbridge.invoicing.states import State

_MOST_AT_ONCE = 500

_order = invoice_order.c


@dataclass(frozen=True, slots=True)
class Doubt:
    """An order whose invoice is to be looked up, and what was sent."""

    key: OrderKey
    total: Decimal
    line_count: int


def due(engine: Engine, product_store_id: str, server: str, policy: DoubtPolicy) -> list[Doubt]:
    """List orders in doubt that can be looked up at `server`, the longest in doubt first, 500 at most.

    Their quiet time is over: that which was set when they were sent, and that of today's policy.
    """
    with transaction(engine) as connection:
        now = database_now(connection)
        rows = connection.execute(
            select(_order.product_store_id, _order.order_no, _order.total, _order.line_count)
            .where(
                _order.product_store_id == product_store_id,
                _order.state == "UNKNOWN",
                _order.sent_until <= now - policy.quiet,
                or_(_order.quiet_until.is_(None), _order.quiet_until <= now),
                servers.may_have(server),
                or_(_order.not_before.is_(None), _order.not_before <= now),
            )
            .order_by(_order.unknown_since, _order.order_no)
            .limit(_MOST_AT_ONCE)
        )
        return [Doubt(OrderKey(*row[:2]), *row[2:]) for row in rows]


def known_invoice(engine: Engine, product_store_id: str, server: str) -> Doubt | None:
    """Give the order that was last proved to be invoiced at `server`.

    A look-up that misses it can not be trusted.
    """
    with transaction(engine) as connection:
        row = connection.execute(
            select(_order.product_store_id, _order.order_no, _order.total, _order.line_count)
            .where(
                _order.product_store_id == product_store_id,
                _order.state == "CONFIRMED",
                servers.may_have(server),
            )
            .order_by(_order.changed_at.desc())
            .limit(1)
        ).one_or_none()
        return Doubt(OrderKey(*row[:2]), *row[2:]) if row else None


def record(
    engine: Engine,
    key: OrderKey,
    look_up: LookUp,
    server: str,
    policy: DoubtPolicy,
    who: str,
    sound: bool,
) -> State:
    """Do what a look-up at `server` allows; returns the order's state after it.

    `sound` says that the same session found an invoice that is known to be there.
    """
    with transaction(engine) as connection:
        now = database_now(connection)
        found = locked(connection, key)
        assert found is not None  # noqa: S101 - orders are never deleted
        state: State = found.state
        if (
            state != "UNKNOWN"
            or is_quiet(found, policy.quiet, now)
            or not servers.belongs_to(found.server, server)
        ):
            return state
        # An order whose first attempt a restore has forgotten belongs to where it is looked for.
        keep(connection, found, server=server)
        if look_up.result == "same":
            why = Why("adopted", f"Looked up in Retail Pro: invoice {look_up.reference} is it.")
            ref = reference(look_up.reference)
            return move(connection, found, ["CONFIRMED"], why, who, now, erp_ref=ref)
        if look_up.result == "different":
            why = Why(
                "found-different",
                f"Retail Pro has an invoice under this number, but {look_up.difference}.",
                "Compare the two, then decide with resolve-order.",
            )
            report(connection, found, "conflict", why, f"attempt {found.attempts}")
            return move(connection, found, ["PARKED"], why, who, now)
        if look_up.result == "impossible":
            why = Why("no-look-up", f"It cannot be looked up: {look_up.difference}", LOOK_UP)
            return _park(connection, found, why, who, now)
        if policy.level == "L2" and found.absent_since is None:
            note(connection, key, state, state, who, "Looked up: no invoice yet.", now)
            keep(connection, found, absent_since=now, not_before=now + policy.absent)
            return state
        if policy.level == "L2" and not sound:
            note(
                connection,
                key,
                state,
                state,
                who,
                "Looked up, but a known one is missing too.",
                now,
            )
            keep(connection, found, not_before=now + policy.absent)
            return state
        still_open = exists().where(
            invoice_attempt.c.product_store_id == key.product_store_id,
            invoice_attempt.c.order_no == key.order_no,
            invoice_attempt.c.ended_at.is_(None),
        )
        obstacle = _obstacle(policy, found.doubts, bool(connection.scalar(select(still_open))))
        if obstacle:
            why = Why("absent", f"Retail Pro has no invoice for it, but {obstacle}.", LOOK_UP)
            return _park(connection, found, why, who, now)
        why = Why("absent", "Looked up twice: Retail Pro has no invoice. It is sent again.")
        return move(connection, found, ["READY"], why, who, now, absent_since=None)


def park(engine: Engine, product_store_id: str, policy: DoubtPolicy, who: str) -> list[OrderKey]:
    """Park the orders in doubt that the level can do nothing about, or could not for a day."""
    with transaction(engine) as connection:
        now = database_now(connection)
        hopeless = {
            "L0": _order.unknown_since.is_not(None),
            "L1": _order.unknown_since <= now - LONGEST_DOUBT,
            "L2": _order.unknown_since <= now - LONGEST_DOUBT,
            "L3": or_(
                _order.keyed_since.is_(None),
                _order.doubts >= MOST_DOUBTS,
                _order.keyed_since <= now - policy.key_life + policy.quiet,
            ),
        }[policy.level]
        rows = connection.execute(
            select(*KNOWN)
            .where(_order.product_store_id == product_store_id, _order.state == "UNKNOWN", hopeless)
            .with_for_update(skip_locked=True)
        ).all()
        for row in rows:
            why = Why(row.reason_code or "unknown", row.reason or "", LOOK_UP)
            _park(connection, row, why, who, now)
        return [key_of(row) for row in rows]


def _park(connection: Connection, found: Row[Any], why: Why, who: str, now: datetime) -> State:
    report(connection, found, "parked", why, f"attempt {found.attempts}")
    return move(connection, found, ["PARKED"], why, who, now)


def _obstacle(policy: DoubtPolicy, doubts: int, attempt_open: bool) -> str:
    if policy.level != "L2":
        return f"an order is not sent again at level {policy.level}"
    if attempt_open:
        return "its worker vanished and might still send it"
    if doubts >= MOST_DOUBTS:
        return f"it was sent {counted(doubts, 'time')}"
    return ""
