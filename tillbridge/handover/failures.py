"""SQL of the failures that people are told of. They are only ever added."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Connection

from tillbridge import harmless
from tillbridge.database.engine import database_now
from tillbridge.database.insertion import insert_new
from tillbridge.database.ledger_tables import invoice_failure
from tillbridge.handover.kind import Journey, Kind

_LONGEST_TEXT = 2000


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


def add(connection: Connection, failure: NewFailure) -> None:
    """Add a failure; the same failure on the same occasion is added once."""
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
    fingerprint = hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()
    columns = {
        name: _fit(getattr(failure, name), invoice_failure.c[name])
        for name in NewFailure.__slots__
        if name != "occasion"
    }
    insert_new(
        connection,
        invoice_failure,
        {**columns, "fingerprint": fingerprint, "failed_at": database_now(connection)},
    )


def _fit(value: Any, column: Column[Any]) -> Any:
    """Make foreign text such that every database holds it; it is for people to read."""
    if not isinstance(value, str):
        return value
    return harmless.line(value, getattr(column.type, "length", None) or _LONGEST_TEXT)
