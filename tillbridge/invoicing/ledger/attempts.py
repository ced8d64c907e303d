"""Attempts to invoice an order: armed before the first byte, settled by what came back, recovered.

Every change names the state and epoch it starts from, so of two workers one wins. These statements run
for every order, so they are built once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Row,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)

from tillbridge import harmless
from tillbridge.contracts.http_exchange import Exchange
from tillbridge.database.engine import database_now, transaction
from tillbridge.database.group_commit import GroupCommit
from tillbridge.database.ledger_tables import invoice_attempt, invoice_order
from tillbridge.invoicing.ledger import failures
from tillbridge.invoicing.ledger.events import OrderKey, note
from tillbridge.invoicing.outcome import LOOK_UP, Verdict
from tillbridge.invoicing.states import State

_LONGEST_REFERENCE = 100

_order, _attempt = invoice_order.c, invoice_attempt.c
_THIS_ORDER = (
    _order.product_store_id == bindparam("of_store"),
    _order.order_no == bindparam("of_order"),
)
_ARM = (
    update(invoice_order)
    .where(
        *_THIS_ORDER,
        _order.state == "READY",
        _order.conflict_sha256.is_(None),
        or_(_order.not_before.is_(None), _order.not_before <= bindparam("now")),
    )
    .values(
        state="INFLIGHT",
        owner=bindparam("by"),
        epoch=_order.epoch + 1,
        attempts=_order.attempts + 1,
        lease_until=bindparam("until"),
        changed_at=bindparam("now"),
    )
    .returning(
        _order.attempts,
        _order.epoch,
        _order.body,
        _order.body_sha256,
        _order.total,
        _order.doubtful,
    )
)
_END_ATTEMPT = update(invoice_attempt).where(
    _attempt.product_store_id == bindparam("of_store"),
    _attempt.order_no == bindparam("of_order"),
    _attempt.number == bindparam("of_number"),
)
_KNOWN = [column for column in _order if column is not _order.body]
_LOCK = select(*_KNOWN).where(*_THIS_ORDER).with_for_update()
_MOVE = update(invoice_order).where(*_THIS_ORDER)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One armed attempt; the bytes may be posted until the lease ends."""

    key: OrderKey
    number: int
    epoch: int
    body: bytes
    total: Decimal
    doubtful: bool


def arm(
    engine: Engine | GroupCommit, key: OrderKey, owner: str, lease: timedelta
) -> Attempt | None:
    """Write down, and commit, that the order is about to be sent; None when it must not be.

    After this the order is INFLIGHT: whatever happens to the worker, it is never sent again unless
    something proves that nothing was booked.
    """
    with transaction(engine) as connection:
        now = database_now(connection)
        row = connection.execute(
            _ARM, {**_this(key), "now": now, "by": owner, "until": now + lease}
        ).one_or_none()
        if row is None:
            return None
        connection.execute(
            insert(invoice_attempt),
            {
                **key._asdict(),
                "number": row.attempts,
                "epoch": row.epoch,
                "body_sha256": row.body_sha256,
                "owner": owner,
                "armed_at": now,
            },
        )
        note(connection, key, "READY", "INFLIGHT", owner, f"attempt {row.attempts}", now)
        return Attempt(key, row.attempts, row.epoch, row.body, row.total, row.doubtful)


def settle(
    engine: Engine | GroupCommit, attempt: Attempt, verdict: Verdict, exchange: Exchange, who: str
) -> State:
    """Record what came of an attempt and move its order; returns the state the order is in now.

    The facts are always kept. The order moves only if this attempt still holds it; a proof that comes
    after the lease ran out still confirms an order that is in doubt.
    """
    with transaction(engine) as connection:
        now = database_now(connection)
        connection.execute(
            _END_ATTEMPT,
            {
                **_this(attempt.key),
                "of_number": attempt.number,
                "ended_at": now,
                "outcome": verdict.reason_code,
                "http_status": exchange.status,
                "answer": exchange.body,
            },
        )
        found = connection.execute(_LOCK, _this(attempt.key)).one()
        holds = found.state == "INFLIGHT" and found.epoch == attempt.epoch
        is_late_proof = verdict.state == "CONFIRMED" and found.state in {"UNKNOWN", "PARKED"}
        if not holds and not is_late_proof:
            state: State = found.state
            return state
        return _move(connection, found, verdict, who, now)


def recover(engine: Engine, product_store_id: str, who: str) -> list[OrderKey]:
    """Park the orders whose worker vanished while they were in flight; returns them.

    Nobody can say whether Retail Pro booked them, so they are never sent again by themselves.
    """
    verdict = Verdict(
        "UNKNOWN",
        "worker-lost",
        "The worker vanished while the order was being sent.",
        LOOK_UP,
    )
    with transaction(engine) as connection:
        now = database_now(connection)
        rows = connection.execute(
            select(*_KNOWN)
            .where(
                _order.product_store_id == product_store_id,
                _order.state == "INFLIGHT",
                _order.lease_until <= now,
            )
            .with_for_update(skip_locked=True)
        ).all()
        for row in rows:
            _move(connection, row, verdict, who, now)
        return [OrderKey(row.product_store_id, row.order_no) for row in rows]


def seconds_in_flight(engine: Engine, product_store_id: str) -> float:
    """Say how long until the last lease of an order in flight ends; 0 when none is in flight."""
    with transaction(engine) as connection:
        now = database_now(connection)
        last: datetime | None = connection.scalar(
            select(func.max(_order.lease_until)).where(
                _order.product_store_id == product_store_id, _order.state == "INFLIGHT"
            )
        )
        return max((last - now).total_seconds(), 0.001) if last else 0.0


def _move(
    connection: Connection, found: Row[Any], verdict: Verdict, who: str, now: datetime
) -> State:
    """Carry out a verdict. UNKNOWN is parked at once: nothing here can find out more."""
    key = OrderKey(found.product_store_id, found.order_no)
    path: list[State] = [verdict.state]
    if verdict.state == "UNKNOWN":
        path.append("PARKED")
    state: State = found.state
    for step in path:
        note(connection, key, state, step, who, verdict.reason, now)
        state = step
    wait = timedelta(seconds=verdict.retry_after) if verdict.retry_after else None
    connection.execute(
        _MOVE,
        {
            **_this(key),
            "state": state,
            "owner": None,
            "lease_until": None,
            "not_before": now + wait if wait else None,
            "doubtful": found.doubtful or verdict.state == "UNKNOWN",
            "erp_ref": _reference(verdict) or found.erp_ref,
            "reason_code": verdict.reason_code,
            "reason": verdict.reason,
            "changed_at": now,
        },
    )
    if state in {"REJECTED", "PARKED"}:
        failures.add(
            connection,
            failures.NewFailure(
                kind="rejected" if state == "REJECTED" else "parked",
                product_store_id=key.product_store_id,
                order_no=key.order_no,
                order_id=found.order_id or "",
                store=found.invoicing_store,
                amount=found.total,
                currency=found.currency,
                reason_code=verdict.reason_code,
                reason=verdict.reason,
                next_step=verdict.next_step,
                source_file=found.source_file,
                occasion=f"attempt {found.attempts}",
            ),
        )
    return state


def _reference(verdict: Verdict) -> str | None:
    # Whatever stands where the invoice number should must not cost the proof that there is one.
    return verdict.erp_ref and harmless.line(verdict.erp_ref, _LONGEST_REFERENCE)


def _this(key: OrderKey) -> dict[str, str]:
    return {"of_store": key.product_store_id, "of_order": key.order_no}
