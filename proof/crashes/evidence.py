"""Everything that is left after a proof run, read from each place where it lies, and judged nowhere here.

The far ends' own records come first: Retail Pro's journal, the files, the mails. Of the ledger it is the
facts; what the ledger concluded from them is for the oracle to check.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import select

from proof.crashes.installation import FEEDS, REQUESTS, Installation
from sandbox.journal import Invoice, Received
from tillbridge.database.engine import transaction
from tillbridge.database.ledger_tables import (
    failure_report,
    invoice_attempt,
    invoice_event,
    invoice_failure,
    invoice_order,
)
from tillbridge.database.oms_tables import feed, order_fulfillment_history

T = TypeVar("T")


@dataclass(frozen=True)
class Order:
    """One row of the ledger."""

    order_no: str
    state: str
    total: Decimal
    erp_ref: str | None
    accepted_at: datetime
    changed_at: datetime
    order_id: str | None


@dataclass(frozen=True)
class Attempt:
    """One attempt as its sender wrote it down; `ended_at` is None where it never did.

    `answer_sha256` is that of the bytes that it got, whole or not.
    """

    order_no: str
    number: int
    owner: str
    body_sha256: str
    armed_at: datetime
    ended_at: datetime | None
    http_status: int | None
    answer_sha256: str | None


@dataclass(frozen=True)
class Failure:
    """One failure, and the mail it belongs to; `mailed_at` is None where nothing says it went."""

    kind: str
    order_no: str
    message_id: str | None
    mailed_at: datetime | None


@dataclass(frozen=True)
class Mail:
    """One mail as it arrived: its id, and the order of each row of its list."""

    message_id: str
    orders: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """What was found, by order number where that makes sense; `files` are digests by path.

    `landed` has the times at which the order's attempts ended for the ledger, by their senders or without.
    """

    orders: Mapping[str, Order]
    attempts: Mapping[str, Sequence[Attempt]]
    steps: Mapping[str, Sequence[tuple[str | None, str]]]
    landed: Mapping[str, Sequence[datetime]]
    requests: Mapping[str, Sequence[Received]]
    invoices: Mapping[str, Sequence[Invoice]]
    failures: Sequence[Failure]
    mails: Sequence[Mail]
    responses: Sequence[tuple[str, int]]
    files: Mapping[str, str]
    exported: Sequence[str]
    unsent_feeds: int


def gather(where: Installation) -> Evidence:
    """Read everything."""
    order, attempt, event = invoice_order.c, invoice_attempt.c, invoice_event.c
    failed, report = invoice_failure.c, failure_report.c
    with transaction(where.engine) as connection:
        orders = [
            Order(*row)
            for row in connection.execute(
                select(
                    *(order.order_no, order.state, order.total, order.erp_ref),
                    *(order.accepted_at, order.changed_at, order.order_id),
                )
            )
        ]
        attempts = [
            Attempt(*facts, None if answer is None else hashlib.sha256(answer).hexdigest())
            for *facts, answer in connection.execute(
                select(
                    *(attempt.order_no, attempt.number, attempt.owner, attempt.body_sha256),
                    *(attempt.armed_at, attempt.ended_at, attempt.http_status, attempt.answer),
                ).order_by(attempt.number)
            )
        ]
        steps = connection.execute(
            select(event.order_no, event.from_state, event.to_state, event.at).order_by(event.id)
        ).all()
        failures = [
            Failure(*row)
            for row in connection.execute(
                select(failed.kind, failed.order_no, report.message_id, report.mailed_at)
                .select_from(invoice_failure.outerjoin(failure_report))
                .order_by(failed.id)
            )
        ]
        exported = connection.scalars(select(order_fulfillment_history.c.order_id)).all()
        unsent = connection.scalars(select(feed.c.feed_id).where(feed.c.status != "sent")).all()
    retail_pro = where.far_ends.retail_pro
    return Evidence(
        orders={one.order_no: one for one in orders},
        attempts=_grouped((one.order_no, one) for one in attempts),
        steps=_grouped((row.order_no, (row.from_state, row.to_state)) for row in steps),
        landed=_grouped((row.order_no, row.at) for row in steps if row.from_state == "INFLIGHT"),
        requests=_grouped((one.order_no or "", one) for one in retail_pro.requests()),
        invoices=_grouped((one.order_no, one) for one in retail_pro.invoices()),
        failures=failures,
        mails=_mails(where),
        responses=_responses(where.far_ends.files / REQUESTS / "responses"),
        files=_files(where.far_ends.files),
        exported=exported,
        unsent_feeds=len(unsent),
    )


def _grouped(pairs: Iterable[tuple[str, T]]) -> Mapping[str, list[T]]:
    groups: defaultdict[str, list[T]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


def _mails(where: Installation) -> list[Mail]:
    mails = []
    for message in where.far_ends.inbox.messages():
        (attached,) = message.iter_attachments()
        text: Any = attached.get_payload(decode=True)
        rows = csv.DictReader(io.StringIO(text.decode("utf-8-sig")))
        # A long one stands on a line of its own, behind a space.
        message_id = str(message["Message-ID"]).strip()
        mails.append(Mail(message_id, tuple(sorted(row["Order"] for row in rows))))
    return mails


def _responses(folder: Path) -> list[tuple[str, int]]:
    return [
        (answer["orderNo"], answer["attempt"])
        for path in sorted(folder.glob("*.json"))
        if not path.name.startswith(".")
        for answer in json.loads(path.read_text())
    ]


def _files(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in (FEEDS, REQUESTS)
        for path in (root / folder).rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
