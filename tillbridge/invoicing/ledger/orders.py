"""Orders and their attempts: accepted, armed, settled, recovered.

Every change of state names the state and epoch it starts from, so of two workers one wins; every change
is written with its event in one transaction. Times are the database's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, and_, func, insert, or_, select, update

from tillbridge import harmless
from tillbridge.contracts.http_exchange import Exchange
from tillbridge.database.engine import database_now, transaction
from tillbridge.database.group_commit import GroupCommit
from tillbridge.database.insertion import insert_new
from tillbridge.database.ledger_tables import invoice_attempt, invoice_event, invoice_order
from tillbridge.invoicing.ledger import failures
from tillbridge.invoicing.outcome import LOOK_UP, Verdict
from tillbridge.invoicing.states import EDGES, REPLACEABLE, State
from tillbridge.invoicing.transform import InvoiceRequest

_LONGEST_REFERENCE = 100


class OrderKey(NamedTuple):
    """The identity of an order: exact text, never folded or trimmed."""

    product_store_id: str
    order_no: str


class Acceptance(StrEnum):
    """What became of an order that was handed to the ledger."""

    NEW = "new"
    KNOWN = "known"
    INVOICED = "already invoiced"
    REVISED = "revised"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One armed attempt; the bytes may be posted until the lease ends."""

    key: OrderKey
    number: int
    epoch: int
    body: bytes
    total: Decimal
    doubtful: bool


def accept(
    connection: Connection, request: InvoiceRequest, source_file: str, who: str
) -> Acceptance:
    """Enter an order, once. Changed content replaces it only while provably nothing was booked.

    A later change, or another order under the same number, is flagged as a conflict: the order is not
    sent until a person has decided, and what was sent stays as it was.
    """
    key = OrderKey(request.product_store_id, request.order_no)
    digest = hashlib.sha256(request.body).hexdigest()
    now = database_now(connection)
    columns = {
        "order_id": request.order_id,
        "body": request.body,
        "body_sha256": digest,
        "total": request.total,
        "currency": request.currency,
        "line_count": request.line_count,
        "invoicing_store": request.invoicing_store,
        "source_file": source_file,
        "changed_at": now,
    }
    first = {**key._asdict(), **columns, "revision": 1, "state": "READY", "accepted_at": now}
    if insert_new(connection, invoice_order, first):
        _note(connection, key, None, "READY", who, f"accepted from {source_file}", now)
        return Acceptance.NEW
    found = _locked(connection, key)
    # A refused order that is handed over again is meant to be tried again, also unchanged: what was
    # wrong may have been mended in Retail Pro.
    if found.body_sha256 == digest and found.state != "REJECTED":
        return Acceptance.INVOICED if found.state == "CONFIRMED" else Acceptance.KNOWN
    if request.order_id is None:
        # A file mended by hand says neither; what is known of the order stays.
        columns |= {"order_id": found.order_id, "currency": found.currency}
    is_other_order = found.order_id is not None and found.order_id != columns["order_id"]
    if found.state in REPLACEABLE and not found.doubtful and not is_other_order:
        connection.execute(
            update(invoice_order)
            .where(_is(key))
            .values(
                **columns,
                revision=found.revision + 1,
                state="READY",
                not_before=None,
                reason_code=None,
                reason=None,
            )
        )
        _note(connection, key, found.state, "READY", who, f"replaced by {source_file}", now)
        return Acceptance.REVISED
    _flag_conflict(connection, found, digest, request, source_file, is_other_order)
    return Acceptance.CONFLICT


def ready(engine: Engine, product_store_id: str) -> list[OrderKey]:
    """List the orders that may be sent now, the longest waiting first."""
    with transaction(engine) as connection:
        now = database_now(connection)
        rows = connection.execute(
            select(invoice_order.c.product_store_id, invoice_order.c.order_no)
            .where(
                invoice_order.c.product_store_id == product_store_id,
                invoice_order.c.state == "READY",
                invoice_order.c.conflict_sha256.is_(None),
                or_(invoice_order.c.not_before.is_(None), invoice_order.c.not_before <= now),
            )
            .order_by(invoice_order.c.accepted_at, invoice_order.c.order_no)
        )
        return [OrderKey(*row) for row in rows]


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
            update(invoice_order)
            .where(
                _is(key),
                invoice_order.c.state == "READY",
                invoice_order.c.conflict_sha256.is_(None),
                or_(invoice_order.c.not_before.is_(None), invoice_order.c.not_before <= now),
            )
            .values(
                state="INFLIGHT",
                owner=owner,
                epoch=invoice_order.c.epoch + 1,
                attempts=invoice_order.c.attempts + 1,
                lease_until=now + lease,
                changed_at=now,
            )
            .returning(invoice_order)
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
        _note(connection, key, "READY", "INFLIGHT", owner, f"attempt {row.attempts}", now)
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
            update(invoice_attempt).where(
                _is(attempt.key, invoice_attempt.c), invoice_attempt.c.number == attempt.number
            ),
            {
                "ended_at": now,
                "outcome": verdict.reason_code,
                "http_status": exchange.status,
                "answer": exchange.body,
            },
        )
        found = _locked(connection, attempt.key)
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
            select(invoice_order)
            .where(
                invoice_order.c.product_store_id == product_store_id,
                invoice_order.c.state == "INFLIGHT",
                invoice_order.c.lease_until <= now,
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
            select(func.max(invoice_order.c.lease_until)).where(
                invoice_order.c.product_store_id == product_store_id,
                invoice_order.c.state == "INFLIGHT",
            )
        )
        return max((last - now).total_seconds(), 0.001) if last else 0.0


def state_of(engine: Engine | GroupCommit, key: OrderKey) -> tuple[State, str | None]:
    """Read an order's state and the reason for it.

    Raises:
        LookupError: the ledger has no such order.
    """
    with transaction(engine) as connection:
        row = connection.execute(
            select(invoice_order.c.state, invoice_order.c.reason).where(_is(key))
        ).one_or_none()
    if row is None:
        raise LookupError(f"the ledger has no order {key.order_no} of {key.product_store_id}")
    return row.state, row.reason


def counts(engine: Engine, product_store_id: str) -> Mapping[State, int]:
    """Count the orders of a product store by state."""
    with transaction(engine) as connection:
        rows = connection.execute(
            select(invoice_order.c.state, func.count())
            .where(invoice_order.c.product_store_id == product_store_id)
            .group_by(invoice_order.c.state)
        )
        return {row[0]: row[1] for row in rows}


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
        _note(connection, key, state, step, who, verdict.reason, now)
        state = step
    wait = timedelta(seconds=verdict.retry_after) if verdict.retry_after else None
    connection.execute(
        update(invoice_order).where(_is(key)),
        {
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


def _flag_conflict(
    connection: Connection,
    found: Row[Any],
    digest: str,
    request: InvoiceRequest,
    source_file: str,
    is_other_order: bool,
) -> None:
    key = OrderKey(found.product_store_id, found.order_no)
    connection.execute(update(invoice_order).where(_is(key)).values(conflict_sha256=digest))
    if is_other_order:
        code = "number-used-twice"
        reason = f"Orders {found.order_id} and {request.order_id} have the same order number."
        next_step = "Decide which of the two has the number; neither is sent until then."
    else:
        code = "changed-after-sending"
        reason = f"The order came again with other content after it was sent ({found.state})."
        next_step = "Compare it with the invoice in Retail Pro and correct the invoice there."
    failures.add(
        connection,
        failures.NewFailure(
            kind="conflict",
            product_store_id=key.product_store_id,
            order_no=key.order_no,
            order_id=request.order_id or found.order_id or "",
            store=request.invoicing_store,
            amount=request.total,
            currency=request.currency,
            reason_code=code,
            reason=reason,
            next_step=next_step,
            source_file=source_file,
            occasion=digest,
        ),
    )


def _note(
    connection: Connection,
    key: OrderKey,
    from_state: State | None,
    to_state: State,
    who: str,
    why: str,
    at: datetime,
) -> None:
    if to_state not in EDGES[from_state]:
        raise ValueError(f"order {key.order_no} cannot go from {from_state} to {to_state}")
    connection.execute(
        insert(invoice_event),
        {
            **key._asdict(),
            "at": at,
            "who": who,
            "from_state": from_state,
            "to_state": to_state,
            "why": why,
        },
    )


def _locked(connection: Connection, key: OrderKey) -> Row[Any]:
    return connection.execute(select(invoice_order).where(_is(key)).with_for_update()).one()


def _is(key: OrderKey, columns: Any = invoice_order.c) -> Any:
    return and_(columns.product_store_id == key.product_store_id, columns.order_no == key.order_no)
