"""The receipts: SQL on `tlog_receipt`. One row is one order's one revision from one client.

A row is made before anything is stored, so that a repeat after a crash finds the name the file has. As
long as nothing is stored, the row belongs to whoever holds the lease; other content may take it over.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, Update, func, null, select, update

from tillbridge.database.engine import database_now
from tillbridge.database.insertion import insert_new
from tillbridge.database.receiver_tables import tlog_receipt
from tillbridge.receiver.document import TillDocument

LEASE = timedelta(seconds=60)

STORING, ACCEPTED, STORED = "storing", "accepted", "stored"
_ROW = tlog_receipt.c


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a client is told about a TLog, and what its file is called."""

    identity: str
    receipt_id: str
    client: str
    body_sha256: str
    canonical_sha256: str
    file_name: str
    state: str
    epoch: int
    received_at: datetime
    stored_at: datetime | None


class Standing(Enum):
    """How a TLog stands to what came before it."""

    OURS = "to be stored now, by us"
    REPEAT = "stored before, with the same content"
    CONFLICT = "stored before, with other content"
    BUSY = "somebody is storing other content"
    ABANDONED = "other content was to be stored, and nobody is at it any more"


def claim(connection: Connection, document: TillDocument) -> tuple[Standing, Receipt]:
    """Make the row of a TLog, or say how it stands to the row that is there.

    The same bytes are always `OURS` until they are stored: storing them twice is storing them once.
    """
    now = database_now(connection)
    fresh = Receipt(
        identity=document.identity,
        receipt_id=uuid4().hex,
        client=document.client,
        body_sha256=document.body_sha256,
        canonical_sha256=document.canonical_sha256,
        file_name=document.file_name(now),
        state=STORING,
        epoch=0,
        received_at=now,
        stored_at=None,
    )
    others = {
        "order_id": document.order_id,
        "revision": document.revision,
        "lease_until": now + LEASE,
    }
    if insert_new(connection, tlog_receipt, asdict(fresh) | others):
        return Standing.OURS, fresh
    row = connection.execute(
        select(tlog_receipt).where(_ROW.identity == document.identity).with_for_update()
    ).one()
    if row.state != STORING:
        is_same = row.canonical_sha256 == document.canonical_sha256
        return (Standing.REPEAT if is_same else Standing.CONFLICT), _receipt(row)
    if row.body_sha256 == document.body_sha256:
        receipt = _receipt(row)
        connection.execute(_still(receipt).values(lease_until=now + LEASE))
        return Standing.OURS, receipt
    is_busy = row.lease_until is not None and row.lease_until > now
    return (Standing.BUSY if is_busy else Standing.ABANDONED), _receipt(row)


def take_over(connection: Connection, abandoned: Receipt, document: TillDocument) -> Receipt | None:
    """Put other content in the place of what was never stored; None if somebody else moved first."""
    now = database_now(connection)
    done = connection.execute(
        _still(abandoned)
        .where(func.coalesce(_ROW.lease_until, now) <= now)
        .values(
            body_sha256=document.body_sha256,
            canonical_sha256=document.canonical_sha256,
            file_name=document.file_name(abandoned.received_at),
            epoch=abandoned.epoch + 1,
            lease_until=now + LEASE,
        )
    )
    return _by_identity(connection, abandoned.identity) if done.rowcount == 1 else None


def settle(connection: Connection, receipt: Receipt, state: str) -> tuple[bool, Receipt]:
    """Write that its content is safe, and where; says whether this call did, and how the row stands now."""
    stored_at = database_now(connection) if state == STORED else None
    done = connection.execute(
        _still(receipt).values(
            state=state, lease_until=null(), stored_at=stored_at, file_name=receipt.file_name
        )
    )
    if done.rowcount == 1:
        return True, replace(receipt, state=state, stored_at=stored_at)
    return False, _by_identity(connection, receipt.identity)


def shipped(connection: Connection, identity: str, file_name: str) -> None:
    """Write that the file of an accepted TLog is on SFTP, and what it is called there."""
    connection.execute(
        update(tlog_receipt)
        .where(_ROW.identity == identity, _ROW.state == ACCEPTED)
        .values(state=STORED, stored_at=database_now(connection), file_name=file_name)
    )


def release(connection: Connection, receipt: Receipt) -> None:
    """Give the lease back after a try that stored nothing."""
    connection.execute(_still(receipt).values(lease_until=null()))


def find(connection: Connection, client: str, receipt_id: str) -> Receipt | None:
    """Give a receipt of this client; None for those of others, too."""
    row = connection.execute(
        select(tlog_receipt).where(_ROW.receipt_id == receipt_id, _ROW.client == client)
    ).first()
    return None if row is None else _receipt(row)


def clients_of(connection: Connection, identities: Collection[str]) -> set[str]:
    """Return whose of these identities were acknowledged."""
    found = connection.scalars(
        select(_ROW.client).where(_ROW.identity.in_(identities), _ROW.state != STORING)
    )
    return set(found)


def _still(receipt: Receipt) -> Update:
    """Change the row only while it is the one we know."""
    return update(tlog_receipt).where(
        _ROW.identity == receipt.identity,
        _ROW.state == STORING,
        _ROW.epoch == receipt.epoch,
    )


def _by_identity(connection: Connection, identity: str) -> Receipt:
    return _receipt(connection.execute(select(tlog_receipt).where(_ROW.identity == identity)).one())


def _receipt(row: Row[Any]) -> Receipt:
    return Receipt(
        identity=row.identity,
        receipt_id=row.receipt_id,
        client=row.client,
        body_sha256=row.body_sha256,
        canonical_sha256=row.canonical_sha256,
        file_name=row.file_name,
        state=row.state,
        epoch=row.epoch,
        received_at=row.received_at,
        stored_at=row.stored_at,
    )
