"""What Retail Pro really did: a durable record of requests, invoices and stock.

The journal is the oracle of the tests and the demo, so it is written before the answer goes out and
synced to disk; it knows nothing of HTTP beyond the status of an answer.
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
from typing import Any, Literal

Proof = Literal["invoiced", "refused", "nothing"]
"""What an answer tells somebody who gets all of it: an invoice was made, or this call made none, or neither."""

_SCALE = 10_000
_FOR_EVER = "9999"

_INVOICE = "SELECT invoice_no, order_no, store, total, lines, request_id, made_at FROM invoice"
_INVOICES = f"{_INVOICE} WHERE made_at <= ? ORDER BY id"
_INVOICES_OF_ORDER = f"{_INVOICE} WHERE made_at <= ? AND order_no = ? ORDER BY id"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS request (
    id INTEGER PRIMARY KEY, received_at TEXT NOT NULL, sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL, order_no TEXT, note TEXT, key TEXT);
CREATE TABLE IF NOT EXISTS answer (
    request_id INTEGER PRIMARY KEY REFERENCES request (id), answered_at TEXT NOT NULL,
    status INTEGER, proves TEXT NOT NULL, sha256 TEXT NOT NULL, delivered INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS kept (
    key TEXT PRIMARY KEY, sha256 TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL)
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS invoice (
    id INTEGER PRIMARY KEY, invoice_no TEXT NOT NULL UNIQUE, order_no TEXT NOT NULL,
    store TEXT NOT NULL, total TEXT NOT NULL, lines TEXT NOT NULL,
    request_id INTEGER NOT NULL REFERENCES request (id), made_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS invoice_by_order ON invoice (order_no);
CREATE INDEX IF NOT EXISTS invoice_by_request ON invoice (request_id);
CREATE TABLE IF NOT EXISTS stock (
    store TEXT NOT NULL, upc TEXT NOT NULL, opening INTEGER NOT NULL DEFAULT 0,
    deducted INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (store, upc)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Received:
    """One request to invoice an order as it came in, and how it was answered.

    `note` is the kind of fault that was played on it, or why it was not worked on: `unauthorized`,
    `unfinished` (its client left before all of it was here), `clash` (of its key). `key` is the
    idempotency key it came with. `made` says whether it made an invoice. `status` is None where none
    went out, `proves` while there is no answer at all; `delivered` says that the client was still there
    when the answer's last byte went out, which is no proof that it took it; `answer_sha256` is that of the
    answer's whole body.
    """

    id: int
    received_at: str
    sha256: str
    bytes: int
    order_no: str | None
    note: str | None
    key: str | None
    made: bool
    status: int | None
    proves: Proof | None
    delivered: bool
    answer_sha256: str | None


@dataclass(frozen=True)
class Kept:
    """The first result under an idempotency key, and the digest of the request that it answered."""

    sha256: str
    status: int
    body: dict[str, Any]


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
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        # One synced write per step instead of four; the known faults of WAL need a second connection.
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("PRAGMA foreign_keys=ON")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def receive(
        self, body: bytes, order_no: str | None, note: str | None, key: str | None = None
    ) -> int:
        """Record a request and give its number."""
        with self.transaction() as execute:
            row = execute(
                "INSERT INTO request (received_at, sha256, bytes, order_no, note, key)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (_now(), hashlib.sha256(body).hexdigest(), len(body), order_no, note, key),
            )
            return int(row.lastrowid or 0)

    def answer(
        self, request_id: int, status: int | None, proves: Proof, sha256: str, *, delivered: bool
    ) -> None:
        """Record how a request was answered, once."""
        with self.transaction() as execute:
            execute(
                "INSERT INTO answer (request_id, answered_at, status, proves, sha256, delivered)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (request_id, _now(), status, proves, sha256, delivered),
            )

    def ambiguous(self) -> set[str]:
        """Give the orders whose outcome their client cannot know from the answers it got.

        That is: one request at least has no answer, or one that was not delivered or proves nothing, and
        no request got a success delivered. Two things cannot be seen from here, and who kills clients
        has to add them: an order that was on its way and of which nothing came in that names it, and one
        whose answer was delivered to a client that died before it used it.
        """
        rows = self._rows(
            "SELECT order_no FROM request LEFT JOIN answer ON request_id = id"
            " WHERE order_no IS NOT NULL GROUP BY order_no"
            " HAVING max(request_id IS NULL OR NOT delivered OR proves = 'nothing')"
            " AND NOT max(coalesce(delivered AND proves = 'invoiced', 0))"
        )
        return {order_no for (order_no,) in rows}

    def kept(self, key: str) -> Kept | None:
        """Give the first result under an idempotency key, if there is one."""
        rows = self._rows("SELECT sha256, status, body FROM kept WHERE key = ?", key)
        return next(
            (
                Kept(digest, status, json.loads(body, parse_float=Decimal))
                for digest, status, body in rows
            ),
            None,
        )

    def keep(self, key: str, result: Kept) -> None:
        """Remember the first result under an idempotency key."""
        with self.transaction() as execute:
            execute(
                "INSERT INTO kept (key, sha256, status, body) VALUES (?, ?, ?, ?)",
                (key, result.sha256, result.status, json.dumps(result.body, default=float)),
            )

    def invoice(
        self, request_id: int, order: Mapping[str, Any], *, refuse_duplicate: bool, line_store: bool
    ) -> str:
        """Make the invoice and deduct the stock, both or neither, and give the invoice's number.

        Stock may go below zero, as it does in a till. `line_store` deducts each line at the store that
        fulfilled it instead of at the invoicing store.

        Raises:
            DuplicateOrder: the order has an invoice and `refuse_duplicate` is set; nothing was done.
        """
        with self.transaction() as execute:
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
        with self.transaction() as execute:
            for store, articles in stock.items():
                for upc, quantity in articles.items():
                    execute(
                        "INSERT OR REPLACE INTO stock (store, upc, opening) VALUES (?, ?, ?)",
                        (store, upc, int(quantity * _SCALE)),
                    )

    def requests(self) -> list[Received]:
        """Give every request in the order it came."""
        rows = self._rows(
            "SELECT id, received_at, request.sha256, bytes, order_no, note, key,"
            " EXISTS (SELECT 1 FROM invoice WHERE invoice.request_id = request.id),"
            " status, proves, coalesce(delivered, 0), answer.sha256"
            " FROM request LEFT JOIN answer ON request_id = id ORDER BY id"
        )
        return [
            Received(
                *[*row[:7], bool(row[7]), *row[8:10], bool(row[10]), row[11]]
            )  # SQLite has no bool
            for row in rows
        ]

    def invoices(
        self, order_no: str | None = None, *, until: datetime | None = None
    ) -> list[Invoice]:
        """Give every invoice, or those of one order, in the order they were made; none made after `until`."""
        rows = self._rows(
            _INVOICES if order_no is None else _INVOICES_OF_ORDER,
            _text(until) if until else _FOR_EVER,
            *([] if order_no is None else [order_no]),
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
    def transaction(self) -> Iterator[Any]:
        """Do all of a `with` block or nothing; inside another such block, all of that."""
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection.execute
                return
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
    return _text(datetime.now(UTC))


def _text(at: datetime) -> str:
    # Of equal length, so that texts sort as times do.
    return at.isoformat(timespec="microseconds")
