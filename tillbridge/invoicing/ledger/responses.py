"""Answers of Retail Pro that still have to be stored on SFTP, in batches with a name of their own.

A batch keeps its name and content until it is stored, so storing it twice gives the same file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, select, update

from tillbridge.database.engine import database_now, transaction
from tillbridge.database.ledger_tables import invoice_attempt, invoice_order

LARGEST_BATCH = 500


@dataclass(frozen=True, slots=True)
class Response:
    """One attempt that ended: what was asked when, and what came back."""

    order_no: str
    order_id: str | None
    attempt: int
    sent_at: datetime
    ended_at: datetime
    outcome: str
    http_status: int | None
    answer: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """The responses of one file."""

    file_name: str
    responses: tuple[Response, ...]


def next_batch(engine: Engine, product_store_id: str) -> Batch | None:
    """Give the responses for the next file, those of an interrupted run first; None when all are stored."""
    waiting = (
        invoice_attempt.c.product_store_id == product_store_id,
        invoice_attempt.c.ended_at.is_not(None),
        invoice_attempt.c.response_stored_at.is_(None),
    )
    with transaction(engine) as connection:
        name: str | None = connection.scalar(
            select(func.min(invoice_attempt.c.response_file)).where(*waiting)
        )
        if name is None:
            ids = connection.scalars(
                select(invoice_attempt.c.id)
                .where(*waiting)
                .order_by(invoice_attempt.c.id)
                .limit(LARGEST_BATCH)
                .with_for_update(skip_locked=True)
            ).all()
            if not ids:
                return None
            name = f"InvoiceResponses-{database_now(connection):%Y-%m-%d-%H-%M-%S}-{ids[0]}.json"
            connection.execute(
                update(invoice_attempt)
                .where(invoice_attempt.c.id.in_(ids))
                .values(response_file=name)
            )
        rows = connection.execute(
            select(
                invoice_attempt.c.order_no,
                invoice_order.c.order_id,
                invoice_attempt.c.number,
                invoice_attempt.c.armed_at,
                invoice_attempt.c.ended_at,
                invoice_attempt.c.outcome,
                invoice_attempt.c.http_status,
                invoice_attempt.c.answer,
            )
            .join_from(invoice_attempt, invoice_order)
            .where(invoice_attempt.c.response_file == name)
            .order_by(invoice_attempt.c.id)
        )
        return Batch(name, tuple(Response(*row) for row in rows))


def last_attempt(engine: Engine) -> int:
    """Give the number of the last attempt of all; 0 when there was none."""
    with transaction(engine) as connection:
        return connection.scalar(select(func.max(invoice_attempt.c.id))) or 0


def mark_stored(engine: Engine, batch: Batch) -> None:
    """Remember that the file of this batch lies on SFTP."""
    with transaction(engine) as connection:
        connection.execute(
            update(invoice_attempt)
            .where(invoice_attempt.c.response_file == batch.file_name)
            .values(response_stored_at=database_now(connection))
        )
