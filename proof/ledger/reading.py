"""What the ledger says, read with queries of the machine's own, never by the product's functions.

The exception is `totals`: they are what the nightly control totals say, which is to be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Engine, Row, Select, bindparam, select

from proof.ledger.world import STORE, Call
from tillbridge.database.engine import transaction
from tillbridge.database.ledger_tables import (
    circuit,
    invoice_attempt,
    invoice_event,
    invoice_failure,
    invoice_order,
    ledger_restore,
)
from tillbridge.invoicing.ledger import totals

_order, _event, _failure = invoice_order.c, invoice_event.c, invoice_failure.c
_attempt = invoice_attempt.c
_ORDERS = select(
    *(_order.order_no, _order.state, _order.epoch, _order.attempts, _order.doubts, _order.owner),
    *(_order.total, _order.erp_ref, _order.conflict_sha256, _order.body_sha256),
)
_EVENTS = (
    select(_event.id, _event.order_no, _event.from_state, _event.to_state, _event.who, _event.why)
    .where(_event.id > bindparam("last"))
    .order_by(_event.id)
)
_FAILURES = select(_failure.order_no, _failure.kind)
_UNTOLD = select(_failure.id).where(_failure.report_id.is_(None))
_CIRCUITS = select(circuit.c.state, circuit.c.holder)
_RESTORES = select(ledger_restore.c.id).where(ledger_restore.c.ended_at.is_(None))
_ATTEMPTS = select(_attempt.order_no, _attempt.number, _attempt.epoch, _attempt.body_sha256).where(
    _attempt.product_store_id == STORE
)


class Facts(NamedTuple):
    """All orders, the events after the last that was read, and all failures."""

    orders: Sequence[Row[Any]]
    events: Sequence[Row[Any]]
    failures: Sequence[Row[Any]]


def facts(engine: Engine, last_event: int) -> Facts:
    """Read what may have changed."""
    with transaction(engine) as connection:
        return Facts(
            connection.execute(_ORDERS).all(),
            connection.execute(_EVENTS, {"last": last_event}).all(),
            connection.execute(_FAILURES).all(),
        )


def attempts(engine: Engine) -> Sequence[Row[Any]]:
    """Read every attempt: its order, its number, its epoch and the digest of its bytes."""
    return _all(engine, _ATTEMPTS)


def is_shut(engine: Engine, call: Call) -> bool:
    """Say whether the circuit is open to this call's worker, or orders are being restored."""
    shut = [
        one
        for one in _all(engine, _CIRCUITS)
        if one.state != "CLOSED" and one.holder != call.worker
    ]
    return bool(shut or _all(engine, _RESTORES))


def untold(engine: Engine) -> list[int]:
    """Name the failures that are in no report."""
    return [row.id for row in _all(engine, _UNTOLD)]


def sums(engine: Engine) -> dict[str, Decimal]:
    """Say what the ledger's own sums are, by state."""
    return {one.state: one.amount for one in totals.by_state(engine, STORE)}


def _all(engine: Engine, statement: Select[Any]) -> Sequence[Row[Any]]:
    with transaction(engine) as connection:
        return connection.execute(statement).all()
