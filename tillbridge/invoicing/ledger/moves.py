"""One order moved from state to state: the row, its events and its failure, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from tillbridge import harmless
from tillbridge.database.ledger_tables import invoice_order
from tillbridge.handover import failures
from tillbridge.handover.kind import Kind
from tillbridge.invoicing.ledger import identity
from tillbridge.invoicing.ledger.events import OrderKey, note
from tillbridge.invoicing.states import State

_LONGEST_REFERENCE = 100

_order = invoice_order.c
THIS_ORDER = (
    _order.product_store_id == bindparam("of_store"),
    _order.order_no == bindparam("of_order"),
)
KNOWN = [column for column in _order if column is not _order.body]
"""All but the bytes of the request, which are long."""

_LOCK = select(*KNOWN).where(*THIS_ORDER).with_for_update()
_MOVE = update(invoice_order).where(*THIS_ORDER)


@dataclass(frozen=True, slots=True)
class Why:
    """Why an order moves: for the row, the event log and, where it fails, for a person."""

    reason_code: str
    reason: str
    next_step: str = ""


def this(key: OrderKey) -> dict[str, str]:
    """Give the parameters of `THIS_ORDER`."""
    return {"of_store": key.product_store_id, "of_order": key.order_no}


def key_of(found: Row[Any]) -> OrderKey:
    """Give the key of a row."""
    return OrderKey(found.product_store_id, found.order_no)


def locked(connection: Connection, key: OrderKey) -> Row[Any] | None:
    """Read an order's row and keep others from changing it; None when there is no such order."""
    return connection.execute(_LOCK, this(key)).one_or_none()


def move(
    connection: Connection,
    found: Row[Any],
    path: Sequence[State],
    why: Why,
    who: str,
    now: datetime,
    **values: Any,
) -> State:
    """Move a locked order along `path`; `values` are further columns to set. Gives the last state.

    Raises:
        ValueError: the states have no such edge; the transaction must not be committed.
    """
    state: State = found.state
    for step in path:
        note(connection, key_of(found), state, step, who, why.reason, now)
        state = step
    connection.execute(
        _MOVE,
        {
            **this(key_of(found)),
            "state": state,
            "owner": None,
            "lease_until": None,
            "not_before": None,
            "unknown_since": (found.unknown_since or now) if state == "UNKNOWN" else None,
            "reason_code": why.reason_code,
            "reason": why.reason,
            "changed_at": now,
            **values,
        },
    )
    if state == "CONFIRMED" and found.state != "INFLIGHT" and found.order_id is not None:
        # A late proof: whatever number its order was to go under, it is invoiced under this one.
        identity.give_to(connection, found.order_id, key_of(found))
    return state


def keep(connection: Connection, found: Row[Any], **values: Any) -> None:
    """Set columns of a locked order without moving it."""
    connection.execute(_MOVE, {**this(key_of(found)), **values})


def report(connection: Connection, found: Row[Any], kind: Kind, why: Why, occasion: str) -> None:
    """Add an order's failure to those that are reported."""
    failures.add(
        connection,
        failures.NewFailure(
            kind=kind,
            product_store_id=found.product_store_id,
            order_no=found.order_no,
            order_id=found.order_id or "",
            store=found.invoicing_store,
            amount=found.total,
            currency=found.currency,
            reason_code=why.reason_code,
            reason=why.reason,
            next_step=why.next_step,
            source_file=found.source_file,
            # It may come to the same once more, after a person's decision or a restore.
            occasion=f"{occasion} {found.changed_at}",
        ),
    )


def quiet_until(found: Row[Any], quiet: timedelta) -> datetime | None:
    """Say until when a server may work on what was sent to it; None when nothing was that may be booked.

    The longest time counts: that which was set when the order was sent, or `quiet`, which is set now.
    """
    if found.sent_until is None:
        return None
    until: datetime = found.sent_until + quiet
    return max(until, found.quiet_until or until)


def is_quiet(found: Row[Any], quiet: timedelta, now: datetime) -> bool:
    """Say whether a server may still work on what was sent to it."""
    until = quiet_until(found, quiet)
    return until is not None and until > now


def reference(text: str | None) -> str | None:
    """Make an invoice number that can be kept; whatever stands there must not cost the proof."""
    return text and harmless.line(text, _LONGEST_REFERENCE)
