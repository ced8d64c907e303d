"""SQL of the till transactions that were taken in, and of the records that go to the order store.

Transactions, their lines, the records made of them and the mark of their file are one database
transaction. The records are an outbox: they are published later, under names that never change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, Engine, insert, select, update

from tillbridge.contracts.customer_order import VERSION
from tillbridge.database.engine import database_now, transaction
from tillbridge.database.insertion import insert_new, insert_or_update
from tillbridge.database.till_tables import (
    till_batch,
    till_gate,
    till_line,
    till_record,
    till_transaction,
)
from tillbridge.ingestion.records import Record, RecordKind
from tillbridge.ingestion.revision import Kind, KnownLine, KnownOrder, News, Sold, known_line
from tillbridge.ingestion.transaction import RetailTransaction

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Arrival:
    """The file that brought a transaction."""

    file_name: str
    file_sha256: str
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """A transaction that brought something new."""

    made: RetailTransaction
    news: News
    arrival: Arrival


def lock(connection: Connection, product_store_id: str) -> None:
    """Let nobody else take in transactions of this brand until the database transaction ends."""
    insert_new(connection, till_gate, {"product_store_id": product_store_id})
    connection.execute(
        select(till_gate).where(till_gate.c.product_store_id == product_store_id).with_for_update()
    )


def known_orders(
    connection: Connection, product_store_id: str, order_ids: Iterable[str]
) -> defaultdict[str, KnownOrder]:
    """Give what is known of these orders; an order that is not known has no lines."""
    known: defaultdict[str, KnownOrder] = defaultdict(KnownOrder)
    wanted = sorted(set(order_ids))
    for start in range(0, len(wanted), _AT_ONCE):
        chunk = wanted[start : start + _AT_ONCE]
        line, made = till_line.c, till_transaction.c
        for row in connection.execute(
            select(till_line).where(
                line.product_store_id == product_store_id, line.order_id.in_(chunk)
            )
        ):
            known[row.order_id].lines[row.kind, row.line_key] = KnownLine(
                row.content_sha256, row.quantity, row.discount, row.tax
            )
        for row in connection.execute(
            select(till_transaction).where(
                made.product_store_id == product_store_id, made.order_id.in_(chunk)
            )
        ):
            order = known[row.order_id]
            order.moments.add(row.began_at)
            order.returns += row.returns
            if row.sale_lines:
                order.sold = Sold(row.sales_total, row.currency, row.store)
    return known


def open_batch(connection: Connection, batch_id: str, product_store_id: str) -> None:
    """Begin a batch of records."""
    connection.execute(
        insert(till_batch).values(
            batch_id=batch_id,
            product_store_id=product_store_id,
            created_at=database_now(connection),
        )
    )


def add_transactions(
    connection: Connection, product_store_id: str, batch_id: str, accepted: Sequence[Accepted]
) -> None:
    """Keep transactions with their new lines."""
    now = database_now(connection)
    rows = [
        {
            "batch_id": batch_id,
            "number": number,
            "product_store_id": product_store_id,
            "order_id": one.made.transaction_id,
            "file_name": one.arrival.file_name,
            "file_sha256": one.arrival.file_sha256,
            "mapping_version": VERSION,
            "retail_store_id": one.made.retail_store_id,
            "store": one.made.store,
            "workstation_id": one.made.workstation_id,
            "sequence_number": one.made.sequence_number,
            "business_day_date": one.made.business_day_date,
            "began_at": one.made.begin_date_time,
            "arrived_at": one.arrival.arrived_at,
            "ingested_at": now,
            "currency": one.made.currency,
            "sale_lines": len(one.news.sales),
            "sales_total": one.made.sales_total if one.news.sales else Decimal(0),
            "return_lines": len(one.news.returns),
            "returns": len(one.news.returns_by_sale),
            "returns_total": sum((line.total for line in one.news.returns), Decimal(0)),
            "carried_over": one.made.carried_over,
        }
        for number, one in enumerate(accepted, 1)
    ]
    lines = [
        {
            "product_store_id": product_store_id,
            "order_id": one.made.transaction_id,
            "kind": kind,
            "line_key": key,
            "content_sha256": known.fingerprint,
            "quantity": known.quantity,
            "discount": known.discount,
            "tax": known.tax,
            "batch_id": batch_id,
            "number": number,
        }
        for number, one in enumerate(accepted, 1)
        for kind, key, known in _known_now(one)
    ]
    if rows:
        connection.execute(insert(till_transaction), rows)
        insert_or_update(connection, till_line, lines)


def _known_now(accepted: Accepted) -> Iterator[tuple[Kind, str, KnownLine]]:
    """Give the lines that are known, or known of in another quantity, since this transaction."""
    for line in accepted.news.sales:
        yield "sale", line.key, known_line(line)
    grown = {line.key for line in accepted.news.returns}
    for line in accepted.made.returns:
        if line.key in grown:
            yield "return", line.key, known_line(line)


def add_records(connection: Connection, batch_id: str, records: Sequence[Record]) -> None:
    """Keep the records of a batch in the order in which they are published."""
    if records:
        connection.execute(
            insert(till_record),
            [
                {"batch_id": batch_id, "kind": one.kind, "number": number, "body": one.body}
                for number, one in enumerate(records, 1)
            ],
        )


def unpublished(engine: Engine, product_store_id: str) -> list[str]:
    """Give the batches whose files may not all be on SFTP, oldest first."""
    with transaction(engine) as connection:
        return list(
            connection.scalars(
                select(till_batch.c.batch_id)
                .where(
                    till_batch.c.product_store_id == product_store_id,
                    till_batch.c.published_at.is_(None),
                )
                .order_by(till_batch.c.batch_id)
            )
        )


def records_of(engine: Engine, batch_id: str) -> dict[RecordKind, list[bytes]]:
    """Give the records of a batch by kind, in their order."""
    found: dict[RecordKind, list[bytes]] = {}
    with transaction(engine) as connection:
        for row in connection.execute(
            select(till_record.c.kind, till_record.c.body)
            .where(till_record.c.batch_id == batch_id)
            .order_by(till_record.c.number)
        ):
            found.setdefault(row.kind, []).append(row.body)
    return found


def mark_published(engine: Engine, batch_id: str) -> None:
    """Remember that every file of the batch is on SFTP."""
    with transaction(engine) as connection:
        connection.execute(
            update(till_batch)
            .where(till_batch.c.batch_id == batch_id)
            .values(published_at=database_now(connection))
        )
