"""Attempts to invoice an order: armed before the first byte, settled by what came back, recovered.

Every change names the state and epoch it starts from, so of two workers one wins. These statements run
for every order, so they are built once.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any

from sqlalchemy import (
    Boolean,
    Connection,
    Engine,
    Row,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)

from tillbridge.contracts.http_exchange import Exchange
from tillbridge.database.engine import database_now, transaction
from tillbridge.database.group_commit import GroupCommit
from tillbridge.database.ledger_tables import invoice_attempt, invoice_order
from tillbridge.invoicing.doubt_policy import MOST_DOUBTS, DoubtPolicy
from tillbridge.invoicing.ledger import circuit, identity, restores, sendings, servers
from tillbridge.invoicing.ledger.events import OrderKey, note
from tillbridge.invoicing.ledger.moves import (
    KNOWN,
    THIS_ORDER,
    Why,
    keep,
    key_of,
    locked,
    move,
    reference,
    report,
    this,
)
from tillbridge.invoicing.outcome import LOOK_UP, NOT_SENT, Verdict
from tillbridge.invoicing.states import State, after_answer

_KEYS = uuid.UUID("8a7c2f1e-5d0b-4b57-9d2c-6f1b0a3c9e44")

_order, _attempt = invoice_order.c, invoice_attempt.c
_IS_DUE = or_(_order.not_before.is_(None), _order.not_before <= bindparam("now"))
_MAY_BE_SENT = and_(_order.state == "READY", _order.conflict_sha256.is_(None), _IS_DUE)
# The same bytes under the same key are booked once, however often they are sent, while the key lives.
_MAY_BE_SENT_AGAIN = and_(
    _order.state == "UNKNOWN",
    _order.doubts < MOST_DOUBTS,
    _order.keyed_since > bindparam("keys_since"),
    _IS_DUE,
)
_IS_THERE = servers.may_have(bindparam("server"))
_CLAIM = (
    select(*KNOWN, _order.body)
    .where(
        *THIS_ORDER,
        or_(_MAY_BE_SENT, and_(bindparam("with_key", type_=Boolean()), _MAY_BE_SENT_AGAIN)),
        _IS_THERE,
        circuit.lets_through(bindparam("server"), bindparam("by")),
        identity.is_its_number(),
        ~restores.is_open(),
    )
    .with_for_update(skip_locked=True)
)
_ARM = (
    update(invoice_order)
    .where(
        *THIS_ORDER,
        _order.state == bindparam("from_state"),
        _order.epoch == bindparam("from_epoch"),
    )
    .values(
        state="INFLIGHT",
        owner=bindparam("by"),
        epoch=_order.epoch + 1,
        attempts=_order.attempts + 1,
        keyed_since=bindparam("first_key"),
        server=bindparam("at_server"),
        lease_until=bindparam("until"),
        sent_until=bindparam("until"),
        changed_at=bindparam("now"),
    )
)
_END_ATTEMPT = update(invoice_attempt).where(
    _attempt.product_store_id == bindparam("of_store"),
    _attempt.order_no == bindparam("of_order"),
    _attempt.number == bindparam("of_number"),
    _attempt.ended_at.is_(None),
)
_READY = (
    select(_order.product_store_id, _order.order_no)
    .where(
        _order.product_store_id == bindparam("of_store"),
        or_(_MAY_BE_SENT, and_(bindparam("with_key", type_=Boolean()), _MAY_BE_SENT_AGAIN)),
        _IS_THERE,
        identity.is_its_number(),
        ~restores.is_open(),
    )
    .order_by(_order.accepted_at, _order.order_no)
)


_QUIET_SECONDS = (
    select(_attempt.quiet_seconds)
    .where(
        _attempt.product_store_id == _order.product_store_id,
        _attempt.order_no == _order.order_no,
        _attempt.number == _order.attempts,
    )
    .scalar_subquery()
    .label("quiet_seconds")
)
"""The quiet time that was set when the last attempt was made, whatever the block says by now."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One armed attempt; the bytes may be posted until the lease ends.

    `sending` counts the attempts of all orders of the store.
    """

    key: OrderKey
    number: int
    sending: int
    epoch: int
    revision: int
    body: bytes
    total: Decimal
    doubtful: bool

    @property
    def idempotency_key(self) -> str:
        """The key of these bytes, the same on every attempt."""
        return str(uuid.uuid5(_KEYS, "\0".join((*self.key, str(self.revision)))))


@dataclass(frozen=True, slots=True)
class Terms:
    """What all sendings of one run have in common: who sends, where to, for how long, on which terms."""

    owner: str
    server: str
    lease: timedelta
    policy: DoubtPolicy


def ready(
    engine: Engine, product_store_id: str, server: str, policy: DoubtPolicy
) -> list[OrderKey]:
    """List the orders that may be sent to `server` now, the longest waiting first."""
    with transaction(engine) as connection:
        now = database_now(connection)
        found = connection.execute(
            _READY,
            {"of_store": product_store_id, "server": server, "now": now, **_with_key(policy, now)},
        )
        return [OrderKey(*row) for row in found]


def arm(engine: Engine | GroupCommit, key: OrderKey, terms: Terms) -> Attempt | None:
    """Write down, and commit, that the order is about to be sent; None when it must not be.

    After this the order is INFLIGHT: whatever happens to the worker, it is never sent again unless
    something proves that nothing was booked, or the server books it once by its key. From now on it
    belongs to the server of these terms, until it is proved that nothing ever left for it.
    """
    with transaction(engine) as connection:
        now = database_now(connection)
        common = {**this(key), "now": now, "by": terms.owner}
        found = connection.execute(
            _CLAIM, {**common, "server": terms.server, **_with_key(terms.policy, now)}
        ).one_or_none()
        if found is None:
            return None
        armed = connection.execute(
            _ARM,
            {
                **common,
                "from_state": found.state,
                "from_epoch": found.epoch,
                "at_server": terms.server,
                "first_key": _first_key(found, terms.policy, now),
                "until": now + terms.lease,
            },
        )
        if armed.rowcount != 1:
            return None
        number, epoch = found.attempts + 1, found.epoch + 1
        connection.execute(
            insert(invoice_attempt),
            {
                **key._asdict(),
                "number": number,
                "epoch": epoch,
                "body_sha256": found.body_sha256,
                "owner": terms.owner,
                "armed_at": now,
                "quiet_seconds": ceil(terms.policy.quiet.total_seconds()),
            },
        )
        note(connection, key, found.state, "INFLIGHT", terms.owner, f"attempt {number}", now)
        # Last, because whoever counts next waits for this commit.
        sending = sendings.count_one(connection, key.product_store_id)
        return Attempt(
            key, number, sending, epoch, found.revision, found.body, found.total, found.doubts > 0
        )


def settle(
    engine: Engine | GroupCommit,
    attempt: Attempt,
    verdict: Verdict,
    exchange: Exchange,
    who: str,
    policy: DoubtPolicy,
) -> State:
    """Record what came of an attempt and move its order; returns the state the order is in now.

    The facts are always kept. The order moves only if this attempt still holds it; but a proof of an
    invoice counts however late it comes, and a late answer without proof undoes a release.
    """
    with transaction(engine) as connection:
        now = database_now(connection)
        ended = connection.execute(
            _END_ATTEMPT,
            {
                **this(attempt.key),
                "of_number": attempt.number,
                "ended_at": now,
                "outcome": verdict.reason_code,
                "http_status": exchange.status,
                "answer": exchange.body,
            },
        )
        found = locked(connection, attempt.key)
        assert found is not None  # noqa: S101 - orders are never deleted
        state: State = found.state
        if not ended.rowcount:
            # A commit whose answer was lost is tried again; the facts are there.
            return state
        to = after_answer(
            verdict.state,
            holds=found.state == "INFLIGHT" and found.epoch == attempt.epoch,
            state=state,
            doubts=found.doubts,
            was_unknown=found.unknown_since is not None,
        )
        if to is None:
            _keep_facts(connection, found, verdict, policy.quiet, now)
            return state
        in_doubt = found.doubts or verdict.state == "UNKNOWN"
        window = _Window(now, policy.quiet) if in_doubt else None
        if to == "READY" and verdict.reason_code == NOT_SENT:
            servers.let_go(connection, found)
        return _move(connection, found, to, verdict, policy, who, now, window)


def recover(engine: Engine, product_store_id: str, who: str, policy: DoubtPolicy) -> list[OrderKey]:
    """Put the orders in doubt whose worker vanished while they were in flight; returns them.

    Nobody can say whether Retail Pro booked them.
    """
    with transaction(engine) as connection:
        now = database_now(connection)
        rows = connection.execute(
            select(*KNOWN, _QUIET_SECONDS)
            .where(
                _order.product_store_id == product_store_id,
                _order.state == "INFLIGHT",
                _order.lease_until <= now,
            )
            .with_for_update(skip_locked=True)
        ).all()
        for row in rows:
            kept = row.quiet_seconds
            quiet = policy.quiet if kept is None else timedelta(seconds=kept)
            window = _Window(row.sent_until, quiet)
            _move(connection, row, "UNKNOWN", _VANISHED, policy, who, now, window)
        return [key_of(row) for row in rows]


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


@dataclass(frozen=True, slots=True)
class _Window:
    """Until when an order that may be booked may have been sent, and how long it may be worked on then."""

    sent_until: datetime
    quiet: timedelta


def _move(
    connection: Connection,
    found: Row[Any],
    to: State,
    verdict: Verdict,
    policy: DoubtPolicy,
    who: str,
    now: datetime,
    window: _Window | None,
) -> State:
    why = Why(verdict.reason_code, verdict.reason, verdict.next_step)
    parks = to == "UNKNOWN" and policy.level == "L0"
    doubts = found.doubts + (verdict.state == "UNKNOWN")
    state = move(
        connection,
        found,
        [to, "PARKED"] if parks else [to],
        why,
        who,
        now,
        doubts=doubts,
        absent_since=None,
        sent_until=window and window.sent_until,
        quiet_until=window and _later(found.quiet_until, window.sent_until + window.quiet),
        not_before=now + timedelta(seconds=verdict.retry_after) if verdict.retry_after else None,
        erp_ref=reference(verdict.erp_ref) or found.erp_ref,
    )
    if state in {"REJECTED", "PARKED"}:
        kind = "rejected" if state == "REJECTED" else "parked"
        report(connection, found, kind, why, f"attempt {found.attempts}")  # type: ignore[arg-type]
    if state == "CONFIRMED" and found.state in {"REJECTED", "CANCELLED", "REPLACED"}:
        report(connection, found, "conflict", _LATE_PROOF, f"attempt {found.attempts}")
    return state


_VANISHED = Verdict(
    "UNKNOWN", "worker-lost", "The worker vanished while the order was being sent.", LOOK_UP
)
_LATE_PROOF = Why(
    "invoiced-after-all",
    "Retail Pro's late answer says that it was invoiced, after it was given up.",
    "Compare the invoice in Retail Pro with the order; void it there if it must not be.",
)


def _keep_facts(
    connection: Connection, found: Row[Any], verdict: Verdict, quiet: timedelta, now: datetime
) -> None:
    """Keep what a late answer says about an order that it does not move."""
    ref = reference(verdict.erp_ref)
    if verdict.state == "CONFIRMED" and ref and not found.erp_ref:
        keep(connection, found, erp_ref=ref)
    elif verdict.state == "CONFIRMED" and ref and ref != found.erp_ref:
        why = Why(
            "invoiced-twice",
            f"Retail Pro made two invoices, {found.erp_ref} and {ref}.",
            "Void one of the two in Retail Pro.",
        )
        report(connection, found, "conflict", why, f"{found.erp_ref} {ref}")
    elif verdict.state == "UNKNOWN":
        # A later attempt may be in flight, which may be sent until its own lease ends.
        keep(
            connection,
            found,
            doubts=found.doubts + 1,
            sent_until=_later(found.sent_until, now),
            quiet_until=_later(found.quiet_until, now + quiet),
            absent_since=None,
        )


def _later(one: datetime | None, other: datetime) -> datetime:
    return max(one, other) if one else other


def _first_key(found: Row[Any], policy: DoubtPolicy, now: datetime) -> datetime | None:
    """Say since when every doubtful sending of the order had its key, this one included."""
    if not policy.has_key:
        return None
    since: datetime | None = found.keyed_since if found.doubts else now
    return since


def _with_key(policy: DoubtPolicy, now: datetime) -> dict[str, Any]:
    # A request may still be applied a quiet time after it was sent; its key has to live until then.
    return {"with_key": policy.has_key, "keys_since": now - policy.key_life + policy.quiet}
