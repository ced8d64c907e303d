"""SQL of the failures that people are told of. They are only ever added."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Connection, Engine

from tillbridge import harmless
from tillbridge.counting import counted
from tillbridge.database.engine import database_now, transaction
from tillbridge.database.insertion import insert_new
from tillbridge.database.ledger_tables import invoice_failure
from tillbridge.handover.kind import Journey, Kind

_LONGEST_TEXT = 2000
_MOST_OF_A_FILE = 1_000
_AT_ONCE = 300


@dataclass(frozen=True, slots=True)
class NewFailure:
    """A failure to be reported. `occasion` tells two failures of one order apart."""

    kind: Kind
    product_store_id: str
    order_no: str
    order_id: str
    store: str | None
    amount: Decimal | None
    currency: str | None
    reason_code: str
    reason: str
    next_step: str
    source_file: str
    occasion: str
    journey: Journey = "invoicing"


@dataclass
class Told:
    """The failures of one file: the first thousand one by one, the others as a number.

    `place` is the folder where all of them can be read.
    """

    place: str
    failures: list[NewFailure] = field(default_factory=list)
    _more: int = 0

    def add(self, failure: NewFailure) -> None:
        """Have people told of one more."""
        if len(self.failures) < _MOST_OF_A_FILE:
            self.failures.append(failure)
            return
        self._more += 1
        rest = replace(
            failure,
            order_no="",
            order_id="",
            store=None,
            amount=None,
            currency=None,
            reason_code="many-more",
            reason=f"{counted(self._more, 'more record')} of this file could not be used.",
            next_step=f"See what has the first {_MOST_OF_A_FILE:,} refused; all of them are in {self.place}.",
            occasion=f"many more {failure.occasion}",
        )
        self.failures[_MOST_OF_A_FILE:] = [rest]


def tell(engine: Engine, new: Sequence[NewFailure]) -> None:
    """Add failures, some hundred in a transaction, so that nobody waits for long to write beside it.

    Doing it again adds none twice, so it may come before the transaction that says their file is done.
    """
    for start in range(0, len(new), _AT_ONCE):
        with transaction(engine) as connection:
            add(connection, *new[start : start + _AT_ONCE])


def add(connection: Connection, *new: NewFailure) -> None:
    """Add failures; the same failure on the same occasion is added once."""
    now = database_now(connection)
    insert_new(connection, invoice_failure, [{**_row(one), "failed_at": now} for one in new])


def _row(failure: NewFailure) -> dict[str, Any]:
    text = "\0".join(
        (
            failure.kind,
            failure.product_store_id,
            failure.order_no,
            failure.order_id,
            failure.reason_code,
            failure.occasion,
        )
    )
    columns = {
        name: _fit(getattr(failure, name), invoice_failure.c[name])
        for name in NewFailure.__slots__
        if name != "occasion"
    }
    fingerprint = hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()
    return {**columns, "fingerprint": fingerprint}


def _fit(value: Any, column: Column[Any]) -> Any:
    """Make foreign text such that every database holds it; it is for people to read."""
    if not isinstance(value, str):
        return value
    return harmless.line(value, getattr(column.type, "length", None) or _LONGEST_TEXT)
