"""Orders in the ledger: accepted once, listed, counted. Sending them is the business of `attempts`.

Every change is written with its event in one transaction. Times are the database's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, Row, and_, func, select, update

from tillbridge.database.engine import database_now, transaction
from tillbridge.database.group_commit import GroupCommit
from tillbridge.database.insertion import insert_new
from tillbridge.database.ledger_tables import invoice_order
from tillbridge.handover import failures
from tillbridge.invoicing.ledger import identity, look_alikes, restores, two_numbers
from tillbridge.invoicing.ledger.events import OrderKey, note
from tillbridge.invoicing.ledger.look_alikes import HOLD, LookAlikes
from tillbridge.invoicing.ledger.moves import keep, locked
from tillbridge.invoicing.ledger.two_numbers import Standing, is_older
from tillbridge.invoicing.likeness import digest_of, folded
from tillbridge.invoicing.states import REPLACEABLE, State
from tillbridge.invoicing.transform import InvoiceRequest


class Acceptance(StrEnum):
    """What became of an order that was handed to the ledger."""

    NEW = "new"
    KNOWN = "known"
    INVOICED = "already invoiced"
    REVISED = "revised"
    CONFLICT = "conflict"
    HELD = "held back"


def accept(
    connection: Connection,
    request: InvoiceRequest,
    source_file: str,
    who: str,
    look_alike: LookAlikes = HOLD,
) -> Acceptance:
    """Enter an order, once. Changed content replaces it only while provably nothing was booked.

    A later change, another order under the same number, or a second number of an order that may have been
    sent, is a conflict: the order is not sent until a person has decided, and what was sent stays as it
    was. `look_alike` says what is done about what only looks like a known order.
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
        "likeness_sha256": digest_of(request.body, request.total, request.currency),
        "invoicing_store": request.invoicing_store,
        "source_file": source_file,
        "changed_at": now,
    }
    first = {**key._asdict(), **columns, "revision": 1, "accepted_at": now}
    first["number_fold"] = folded(key.order_no)
    first |= _beginning(restores.began_at(connection), now)
    if insert_new(connection, invoice_order, first):
        note(connection, key, None, first["state"], who, f"accepted from {source_file}", now)
        standing = two_numbers.settle_number(connection, key, request.order_id, who, now)
        return _as_it_stands(connection, key, Acceptance.NEW, standing, who, now, look_alike)
    found = locked(connection, key)
    assert found is not None  # noqa: S101 - orders are never deleted
    if found.order_id is None and request.order_id is not None:
        # A file that another program made brought it; from now on it is known what it is.
        identity.register(connection, request.order_id, key)
        keep(connection, found, order_id=request.order_id)
    # A refused order that is handed over again is meant to be tried again, also unchanged: what was
    # wrong may have been mended in Retail Pro. A number that was closed comes back by a newer file.
    is_wanted_again = found.state == "REJECTED" or (
        found.state == "REPLACED" and is_older(found.source_file, source_file)
    )
    if found.body_sha256 == digest and not is_wanted_again:
        return Acceptance.INVOICED if found.state == "CONFIRMED" else Acceptance.KNOWN
    if is_older(source_file, found.source_file):
        return Acceptance.KNOWN
    if request.order_id is None:
        # A file mended by hand says neither; what is known of the order stays.
        columns |= {"order_id": found.order_id, "currency": found.currency}
    is_other_order = found.order_id is not None and found.order_id != columns["order_id"]
    is_free = found.state == "REPLACED"
    if is_free or (found.state in REPLACEABLE and not found.doubts and not is_other_order):
        connection.execute(
            update(invoice_order)
            .where(_is(key))
            .values(
                **columns,
                revision=found.revision + 1,
                state="READY",
                conflict_sha256=None if is_free else found.conflict_sha256,
                not_before=None,
                reason_code=None,
                reason=None,
            )
        )
        note(connection, key, found.state, "READY", who, f"replaced by {source_file}", now)
        order_id = request.order_id or found.order_id
        standing = two_numbers.settle_number(connection, key, order_id, who, now)
        if standing is Standing.FREE and found.state not in {"HELD", "REPLACED"}:
            return Acceptance.REVISED
        result = Acceptance.REVISED
        return _as_it_stands(connection, key, result, standing, who, now, look_alike)
    if found.conflict_sha256 != digest:
        _flag_conflict(connection, found, digest, request, source_file, is_other_order)
    return Acceptance.CONFLICT


def _as_it_stands(
    connection: Connection,
    key: OrderKey,
    result: Acceptance,
    standing: Standing,
    who: str,
    now: datetime,
    look_alike: LookAlikes,
) -> Acceptance:
    """Say what became of an order whose number was not let go yet, after a look at what it is like."""
    if standing is Standing.HELD:
        return Acceptance.CONFLICT
    if standing is Standing.REPLACED:
        return Acceptance.KNOWN
    found = locked(connection, key)
    assert found is not None  # noqa: S101 - it has just come in
    look_alikes.tell_order(connection, found, look_alike.orders_told_days, now)
    if not look_alike.numbers_go and look_alikes.hold_number(connection, found, who, now):
        return Acceptance.HELD
    return result


def _beginning(restored_at: datetime | None, now: datetime) -> dict[str, Any]:
    """Give the columns an order starts with. After a restore it may have been sent before."""
    if restored_at is None:
        return {"state": "READY"}
    return {
        "state": "UNKNOWN",
        "doubts": 1,
        "unknown_since": now,
        "sent_until": restored_at,
        "reason_code": "restored",
        "reason": "It came in while the ledger was being restored; it may have been sent before.",
    }


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
            # A person may have decided about the same conflict before; then it is a new one.
            occasion=f"{digest} {found.changed_at}",
        ),
    )


def _is(key: OrderKey) -> Any:
    return and_(
        invoice_order.c.product_store_id == key.product_store_id,
        invoice_order.c.order_no == key.order_no,
    )
