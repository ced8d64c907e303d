"""SQL that applies inventory variances to the stock: every row of a file once, known by its number.

A row that was refused is kept with its error, so that a run that was killed comes to the same end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, select

from tillbridge.contracts import import_record
from tillbridge.contracts.inventory_variance import InventoryVariance, Row, read_row
from tillbridge.database.engine import database_now, transaction
from tillbridge.database.import_tables import inventory_variance
from tillbridge.database.insertion import insert_or_update
from tillbridge.database.oms_tables import facility
from tillbridge.errors import InternalError, RecordRejected
from tillbridge.handover import edge
from tillbridge.handover.taken_file import TakenFile
from tillbridge.oms import data_manager_books as books
from tillbridge.oms.reading_references import read_references
from tillbridge.oms.stock import Place, lock_stock, set_stock
from tillbridge.oms.variance import apply, place, product_of

_table = inventory_variance
_COLUMNS = tuple(column.name for column in _table.columns)


@dataclass(frozen=True, slots=True)
class PageResult:
    """What became of the rows of one page; errors are by the number of the row.

    `faults` are the rows that met a fault of this program now; they are among the errors.
    """

    applied: int
    known: int
    errors: Mapping[int, str]
    faults: Sequence[int]


def apply_page(engine: Engine, file: TakenFile, arrival: str, rows: Sequence[Row]) -> PageResult:
    """Apply rows of one file in one transaction; a row that cannot be applied changes nothing.

    Rows that this file changed the stock by before are left alone.
    """
    with transaction(engine) as connection:
        books.lock(connection, books.VARIANCES)
        earlier = _earlier(connection, file.sha256, rows)
        known = sum(row.error is None and row.arrival != arrival for row in earlier.values())
        done = {
            number: row
            for number, row in earlier.items()
            if row.error is None or row.arrival == arrival
        }
        errors = {number: row.error for number, row in done.items() if row.error is not None}
        faults: list[int] = []
        undone = [row for row in rows if row.number not in done]
        new = list(_decide(connection, file, undone, faults))
        now = database_now(connection)
        common = {
            "file_sha256": file.sha256,
            "file_name": file.name,
            "arrival": arrival,
            "applied_at": now,
        }
        insert_or_update(
            connection, _table, [{**dict.fromkeys(_COLUMNS), **common, **row} for row in new]
        )
    errors |= {row["row_number"]: row["error"] for row in new if row.get("error") is not None}
    return PageResult(len(rows) - known - len(errors), known, errors, faults)


def short_rows(connection: Connection, arrival: str) -> list[str]:
    """Name the rows of this arrival by which tills sold more than was on hand."""
    rows = connection.execute(
        select(_table, facility.c.external_id)
        .join(facility, facility.c.facility_id == _table.c.facility_id)
        .where(
            _table.c.arrival == arrival,
            _table.c.error.is_(None),
            _table.c.applied_delta != _table.c.available_delta,
        )
        .order_by(_table.c.row_number)
    )
    return [
        f"row {row.row_number}: {-row.available_delta} of product {row.product_id} sold at "
        f"{row.external_id}, {-row.applied_delta} were on hand"
        for row in rows
    ]


def _earlier(connection: Connection, sha256: str, rows: Sequence[Row]) -> dict[int, Any]:
    found = connection.execute(
        select(_table.c.row_number, _table.c.arrival, _table.c.error).where(
            _table.c.file_sha256 == sha256,
            _table.c.row_number.between(rows[0].number, rows[-1].number),
        )
    )
    return {row.row_number: row for row in found}


def _decide(
    connection: Connection, file: TakenFile, rows: Iterable[Row], faults: list[int]
) -> Iterator[dict[str, Any]]:
    """Change the stock by the rows, one after the other, and yield what to keep of each.

    Rows that meet a fault of this program are added to `faults`.
    """

    def refused(
        row: Row, problem: RecordRejected, variance: InventoryVariance | None = None
    ) -> dict[str, Any]:
        if isinstance(problem, InternalError):
            faults.append(row.number)
        members = _members(row, variance) if variance else {"row_number": row.number}
        return {**members, "error": import_record.sentence(problem)}

    read: list[tuple[Row, InventoryVariance]] = []
    for row in rows:
        try:
            with edge.document(f"row {row.number}"):
                read.append((row, read_row(row)))
        except RecordRejected as problem:
            yield refused(row, problem)
    references = read_references(connection, {product_of(variance) for _, variance in read})
    placed: list[tuple[Row, InventoryVariance, Place]] = []
    for row, variance in read:
        key = f"row {row.number}"
        try:
            with edge.document(key):
                placed.append((row, variance, place(key, variance, references, file.name)))
        except RecordRejected as problem:
            yield refused(row, problem, variance)
    before = lock_stock(connection, {where for _, _, where in placed})
    on_hand = dict(before)
    for row, variance, where in placed:
        try:
            with edge.document(f"row {row.number}"):
                applied = apply(f"row {row.number}", variance, on_hand.get(where, Decimal(0)))
        except RecordRejected as problem:
            yield refused(row, problem, variance)
            continue
        if applied.delta:
            on_hand[where] = on_hand.get(where, Decimal(0)) + applied.delta
        yield {
            **_members(row, variance),
            "facility_id": where[0],
            "product_id": where[1],
            "applied_delta": applied.delta,
        }
    set_stock(
        connection, {where: now for where, now in on_hand.items() if now != before.get(where)}
    )


def _members(row: Row, variance: InventoryVariance) -> dict[str, Any]:
    return {
        "row_number": row.number,
        "available_delta": variance.available_delta,
        "variance_reason_id": variance.variance_reason_id,
        "location_seq_id": variance.location_seq_id,
        "comments": variance.comments,
    }
