"""SQL of where transformed orders came from, and of the files that brought orders."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, or_, select

from tillbridge.database.engine import database_now, transaction
from tillbridge.database.insertion import insert_new
from tillbridge.database.ledger_tables import (
    invoice_failure,
    invoice_order,
    transformed_order,
)
from tillbridge.invoicing.transform import InvoiceRequest


@dataclass(frozen=True, slots=True)
class Origin:
    """What an invoice request does not say about the order it came from."""

    order_id: str
    currency: str


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
    """Find where a request came from; None for a request that tillbridge did not make.

    Without an origin in this product store it is that of the same bytes in another one, whose file was
    dropped here.
    """
    is_elsewhere = transformed_order.c.product_store_id != product_store_id
    row = connection.execute(
        select(transformed_order.c.order_id, transformed_order.c.currency)
        .where(transformed_order.c.body_sha256 == hashlib.sha256(body).hexdigest())
        .order_by(is_elsewhere, transformed_order.c.product_store_id)
        .limit(1)
    ).one_or_none()
    return Origin(row.order_id, row.currency) if row else None
