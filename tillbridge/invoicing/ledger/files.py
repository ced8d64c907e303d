"""Files that were taken, known by their content, and where transformed orders came from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, Engine, delete, func, insert, or_, select

from tillbridge import harmless
from tillbridge.database.engine import database_now, transaction
from tillbridge.database.insertion import insert_new, insert_or_update
from tillbridge.database.ledger_tables import (
    file_event,
    invoice_failure,
    invoice_order,
    taken_file,
    transformed_order,
)
from tillbridge.invoicing.transform import InvoiceRequest

Result = Literal["done", "incomplete", "quarantined"]
"""Whether a file was used whole, but for some of its orders, or not at all."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What an invoice request does not say about the order it came from."""

    order_id: str
    currency: str


def is_done(engine: Engine, folder: str, sha256: str) -> bool:
    """Say whether everything in a file with this content was taken from this folder before."""
    with transaction(engine) as connection:
        result = connection.scalar(
            select(taken_file.c.result).where(
                taken_file.c.folder == folder, taken_file.c.sha256 == sha256
            )
        )
        return result == "done"


def mark_taken(
    connection: Connection,
    folder: str,
    sha256: str,
    name: str,
    size: int,
    result: Result,
    orders: int,
) -> None:
    """Remember what became of this content, the last time it came."""
    insert_or_update(
        connection,
        taken_file,
        [
            {
                "folder": folder,
                "sha256": sha256,
                "name": name,
                "size": size,
                "result": result,
                "orders": orders,
                "done_at": database_now(connection),
            }
        ],
    )


def forget(connection: Connection, folder: str, sha256: str, path: str, who: str, why: str) -> None:
    """Let this content be taken from this folder once more, and log who wants it."""
    connection.execute(
        delete(taken_file).where(taken_file.c.folder == folder, taken_file.c.sha256 == sha256)
    )
    connection.execute(
        insert(file_event).values(
            path=harmless.line(path, 400), at=database_now(connection), who=who, why=why
        )
    )


def times_replayed(engine: Engine, folder: str, name: str) -> int:
    """Count how often a file of this folder was handed over again."""
    paths = [f"{folder}/{place}/{name}" for place in ("archive", "quarantine")]
    with transaction(engine) as connection:
        return (
            connection.scalar(
                select(func.count()).select_from(file_event).where(file_event.c.path.in_(paths))
            )
            or 0
        )


def names_with(engine: Engine, product_store_id: str, orders: Sequence[str]) -> set[str]:
    """Name the file that last brought each of `orders`, given by order number or HotWax order id."""
    order, failure = invoice_order.c, invoice_failure.c
    with transaction(engine) as connection:
        taken = connection.execute(
            select(order.order_no, order.order_id, order.source_file).where(
                order.product_store_id == product_store_id,
                or_(order.order_no.in_(orders), order.order_id.in_(orders)),
            )
        ).all()
        in_ledger = {name for row in taken for name in row[:2]}
        others = [name for name in orders if name not in in_ledger]
        failed = connection.execute(
            select(failure.order_no, failure.order_id, failure.source_file)
            .where(
                failure.product_store_id == product_store_id,
                or_(failure.order_no.in_(others), failure.order_id.in_(others)),
            )
            .order_by(failure.id)
        ).all()
    last_failed = {(row.order_no, row.order_id): row.source_file for row in failed}
    return {row.source_file for row in taken} | set(last_failed.values())


def remember_origins(
    connection: Connection, requests: Iterable[InvoiceRequest], feed_name: str
) -> None:
    """Keep order id and currency of transformed orders until their file is taken for invoicing."""
    now = database_now(connection)
    insert_new(
        connection,
        transformed_order,
        [
            {
                "body_sha256": hashlib.sha256(request.body).hexdigest(),
                "product_store_id": request.product_store_id,
                "order_id": request.order_id,
                "currency": request.currency,
                "feed_name": feed_name,
                "transformed_at": now,
            }
            for request in requests
        ],
    )


def origin_of(connection: Connection, product_store_id: str, body: bytes) -> Origin | None:
    """Find where a request came from; None for a request that tillbridge did not make."""
    row = connection.execute(
        select(transformed_order.c.order_id, transformed_order.c.currency).where(
            transformed_order.c.body_sha256 == hashlib.sha256(body).hexdigest(),
            transformed_order.c.product_store_id == product_store_id,
        )
    ).one_or_none()
    return Origin(row.order_id, row.currency) if row else None
