"""What a person decides about an order, with reason and evidence, written into the order's event log.

Nothing here guesses: a decision that the order's state does not allow is refused with what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, Row, exists, select

from tillbridge.database.engine import database_now, transaction
from tillbridge.database.ledger_tables import invoice_attempt
from tillbridge.invoicing.ledger import servers, two_numbers
from tillbridge.invoicing.ledger.events import OrderKey, remark
from tillbridge.invoicing.ledger.moves import (
    Why,
    keep,
    key_of,
    locked,
    move,
    quiet_until,
    reference,
)
from tillbridge.invoicing.states import EDGES, State


class Decision(StrEnum):
    """What shall become of an order."""

    INVOICED = "invoiced"
    SEND_AGAIN = "send-again"
    MEND = "mend"
    CANCEL = "cancel"
    CHANGE_SERVER = "change-server"


_TARGETS: dict[Decision, State] = {
    Decision.INVOICED: "CONFIRMED",
    Decision.SEND_AGAIN: "READY",
    Decision.MEND: "REJECTED",
    Decision.CANCEL: "CANCELLED",
}


_IN_FLIGHT = "it is being sent now; wait until the run has ended"
_VANISHED = (
    "its worker vanished while it sent the order, and may wake up and send it; make sure that it is "
    "stopped, and say so (worker_is_gone)"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """Who decides, why, and what shows that it is right, such as what was seen in Retail Pro."""

    by: str
    reason: str
    evidence: str
    worker_is_gone: bool = False
    """Whether a worker that vanished while it sent the order is certainly stopped."""
    other_is_void: bool = False
    """Whether the invoice that the order has under another number was voided in Retail Pro."""

    def __str__(self) -> str:
        gone = "; its worker is gone" if self.worker_is_gone else ""
        void = "; its other invoice is void" if self.other_is_void else ""
        return f"{self.reason} (evidence: {self.evidence}{gone}{void})"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What the Retail Pro block of the profile says now: its base URL, and how long it may work on an order."""

    server: str
    quiet: timedelta


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a decision did to an order, or would do; `refusal` says why it does nothing."""

    order_no: str
    before: str
    after: str
    refusal: str = ""


def resolve(
    engine: Engine,
    key: OrderKey,
    decision: Decision,
    statement: Statement,
    invoice: str | None,
    endpoint: Endpoint,
    *,
    dry_run: bool,
) -> Resolution:
    """Carry out a decision about one order; with `dry_run` say only what would become of it.

    Before its quiet time is over nobody can know that an order was not booked. The longest one counts: that
    which was set when the order was sent, or that of `endpoint`.
    """
    with transaction(engine) as connection:
        now = database_now(connection)
        found = locked(connection, key)
        if found is None:
            return Resolution(key.order_no, "", "", "the ledger has no such order")
        if decision is Decision.CHANGE_SERVER:
            return _change_server(connection, found, statement, endpoint.server, now, dry_run)
        state, to = found.state, _TARGETS[decision]
        refusal = _refusal(found, decision, invoice)
        if not refusal and decision is not Decision.INVOICED:
            refusal = _too_early(found, endpoint.quiet, now)
            if not refusal and not statement.worker_is_gone and _worker_may_live(connection, found):
                refusal = _VANISHED
        if not refusal and decision is Decision.SEND_AGAIN:
            refusal = two_numbers.obstacle(connection, found, other_is_void=statement.other_is_void)
        if refusal:
            return Resolution(key.order_no, state, state, refusal)
        if not dry_run:
            why = Why(f"decided-{decision}", str(statement))
            move(
                connection,
                found,
                [to],
                why,
                statement.by,
                now,
                **_columns(found, decision, invoice),
            )
            if decision is Decision.SEND_AGAIN:
                two_numbers.take(connection, found, statement.by, now)
            if decision is Decision.MEND and found.conflict_sha256:
                # The number may turn out to belong to the other order.
                keep(connection, found, order_id=None)
                two_numbers.give_up(connection, found)
        return Resolution(key.order_no, state, to)


def _change_server(
    connection: Connection,
    found: Row[Any],
    statement: Statement,
    server: str,
    now: datetime,
    dry_run: bool,
) -> Resolution:
    """Let an order belong to another server from now on: its Retail Pro has another address."""
    state: State = found.state
    key = key_of(found)
    refusal = ""
    if state == "INFLIGHT":
        refusal = _IN_FLIGHT
    elif servers.belongs_to(found.server, server):
        refusal = f"it belongs to no other server than {server}, which the profile names"
    if refusal:
        return Resolution(key.order_no, state, state, refusal)
    if not dry_run:
        why = f"server changed from {found.server or 'an unknown one'} to {server}: {statement}"
        remark(connection, key, state, statement.by, why, now)
        keep(connection, found, server=server, absent_since=None)
    return Resolution(key.order_no, state, f"{state} at {server}")


def _refusal(found: Row[Any], decision: Decision, invoice: str | None) -> str:
    state: State = found.state
    in_conflict = found.conflict_sha256 is not None
    if state == "INFLIGHT":
        return _IN_FLIGHT
    if state == "CONFIRMED" and not in_conflict:
        return f"it is invoiced already, with the reference {found.erp_ref}"
    if state == "READY" and not in_conflict and decision is Decision.SEND_AGAIN:
        return "it is READY already; the next run sends it"
    if _TARGETS[decision] not in EDGES[state]:
        return f"an order that is {state} cannot become {_TARGETS[decision]}"
    if decision is Decision.INVOICED and not invoice:
        return "the number of its invoice in Retail Pro is needed"
    return ""


def _worker_may_live(connection: Connection, found: Row[Any]) -> bool:
    """Say whether an attempt was never ended by its worker, which may wake up and send."""
    attempt = invoice_attempt.c
    unended = exists().where(
        attempt.product_store_id == found.product_store_id,
        attempt.order_no == found.order_no,
        attempt.ended_at.is_(None),
    )
    return bool(connection.scalar(select(unended)))


def _too_early(found: Row[Any], quiet: timedelta, now: datetime) -> str:
    until = quiet_until(found, quiet)
    if until is None or until <= now:
        return ""
    return f"Retail Pro may still be working on it until {until:%H:%M} UTC; look it up again then"


def _columns(found: Row[Any], decision: Decision, invoice: str | None) -> dict[str, Any]:
    """Give what changes besides the state. The evidence ends every doubt and every conflict."""
    if decision is Decision.INVOICED:
        return {"conflict_sha256": None, "erp_ref": reference(invoice)}
    return {"conflict_sha256": None, "doubts": 0, "absent_since": None}
