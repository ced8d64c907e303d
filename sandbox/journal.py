"""What Retail Pro really did: a durable record of requests, invoices and stock.

The journal is the oracle of the tests and the demo, so it is written before the answer goes out and
synced to disk; it knows nothing of HTTP.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

_SCALE = 10_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS request (
    id INTEGER PRIMARY KEY, received_at TEXT NOT NULL, sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL, order_no TEXT, note TEXT);
CREATE TABLE IF NOT EXISTS invoice (
    id INTEGER PRIMARY KEY, invoice_no TEXT NOT NULL UNIQUE, order_no TEXT NOT NULL,
    store TEXT NOT NULL, total TEXT NOT NULL, lines TEXT NOT NULL,
    request_id INTEGER NOT NULL REFERENCES request (id), made_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS invoice_by_order ON invoice (order_no);
CREATE TABLE IF NOT EXISTS stock (
    store TEXT NOT NULL, upc TEXT NOT NULL, opening INTEGER NOT NULL DEFAULT 0,
    deducted INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (store, upc)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Received:
    """One request to invoice an order as it came in.

    `note` is the kind of fault that was played on it, or `unauthorized`.
    """

    id: int
    received_at: str
    sha256: str
    bytes: int
    order_no: str | None
    note: str | None


@dataclass(frozen=True)
class Invoice:
    """One invoice as it was made; `lines` are the order's items as they were sent."""

    invoice_no: str
    order_no: str
    store: str
    total: Decimal
    lines: list[dict[str, Any]]
    request_id: int
    made_at: str


@dataclass(frozen=True)
class Stock:
    """What one store has of one article: `quantity` is what it opened with less what was `deducted`."""

    store: str
    upc: str
    quantity: Decimal
    deducted: Decimal


class DuplicateOrder(Exception):
    """An invoice for this order exists and duplicates are refused."""

    def __init__(self, invoice_no: str) -> None:
        super().__init__(invoice_no)
        self.invoice_no = invoice_no


class Journal:
    """The journal in one SQLite file, usable from many threads; open it again and it is all there."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("PRAGMA foreign_keys=ON")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def receive(self, body: bytes, order_no: str | None, note: str | None) -> int:
        """Record a request and give its number."""
        with self._transaction() as execute:
            row = execute(
                "INSERT INTO request (received_at, sha256, bytes, order_no, note)"
                " VALUES (?, ?, ?, ?, ?)",
                (_now(), hashlib.sha256(body).hexdigest(), len(body), order_no, note),
            )
            return int(row.lastrowid or 0)

    def invoice(
        self, request_id: int, order: Mapping[str, Any], *, refuse_duplicate: bool, line_store: bool
    ) -> str:
        """Make the invoice and deduct the stock, both or neither, and give the invoice's number.

        Stock may go below zero, as it does in a till. `line_store` deducts each line at the store that
        fulfilled it instead of at the invoicing store.

        Raises:
            DuplicateOrder: the order has an invoice and `refuse_duplicate` is set; nothing was done.
        """
        with self._transaction() as execute:
            made = execute(
                "SELECT invoice_no FROM invoice WHERE order_no = ? ORDER BY id", (order["OrderNo"],)
            ).fetchone()
            if made and refuse_duplicate:
                raise DuplicateOrder(made[0])
            count = execute("SELECT count(*) FROM invoice").fetchone()[0]
            invoice_no = f"RP{count + 1:07d}"
            execute(
                "INSERT INTO invoice (invoice_no, order_no, store, total, lines, request_id, made_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    invoice_no,
                    order["OrderNo"],
                    order["InvoicingStore"],
                    str(order["TotalAmt"]),
                    json.dumps(order["Items"], default=float),
                    request_id,
                    _now(),
                ),
            )
            for line in order["Items"]:
                execute(
                    "INSERT INTO stock (store, upc, deducted) VALUES (?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET deducted = deducted + excluded.deducted",
                    (
                        line["StoreOrig"] if line_store else order["InvoicingStore"],
                        line["UPC"],
                        int(Decimal(line["Qty"]) * _SCALE),
                    ),
                )
            return invoice_no

    def put_stock(self, stock: Mapping[str, Mapping[str, Decimal | int]]) -> None:
        """Set what stores have, by store code and UPC; earlier deductions of those rows are forgotten."""
        with self._transaction() as execute:
            for store, articles in stock.items():
                for upc, quantity in articles.items():
                    execute(
                        "INSERT OR REPLACE INTO stock (store, upc, opening) VALUES (?, ?, ?)",
                        (store, upc, int(quantity * _SCALE)),
                    )

    def requests(self) -> list[Received]:
        """Give every request in the order it came."""
        return [Received(*row) for row in self._rows("SELECT * FROM request ORDER BY id")]

    def invoices(self, order_no: str | None = None) -> list[Invoice]:
        """Give every invoice, or those of one order, in the order they were made."""
        rows = self._rows(
            "SELECT invoice_no, order_no, store, total, lines, request_id, made_at FROM invoice"
            " WHERE ?1 IS NULL OR order_no = ?1 ORDER BY id",
            order_no,
        )
        return [
            Invoice(
                no,
                order,
                store,
                Decimal(total),
                json.loads(lines, parse_float=Decimal),
                request,
                at,
            )
            for no, order, store, total, lines, request, at in rows
        ]

    def stock(self, page: int = 1, size: int = -1) -> list[Stock]:
        """Give one page of the stock, by store and UPC; all of it by default."""
        rows = self._rows(
            "SELECT store, upc, opening - deducted, deducted FROM stock ORDER BY store, upc"
            " LIMIT ?1 OFFSET ?2",
            size,
            (page - 1) * max(size, 0),
        )
        return [
            Stock(store, upc, _quantity(left), _quantity(deducted))
            for store, upc, left, deducted in rows
        ]

    def _rows(self, statement: str, *values: object) -> list[Any]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection.execute
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


def _quantity(units: int) -> Decimal:
    quantity = Decimal(units) / _SCALE
    return quantity.to_integral_value() if quantity == int(quantity) else quantity


def _now() -> str:
    return datetime.now(UTC).isoformat()
