"""The inbox: SQL on `tlog_inbox`. Until it is on SFTP, the database holds the only copy of what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, or_, select, update

from tillbridge.database.engine import database_now
from tillbridge.database.insertion import insert_new
from tillbridge.database.receiver_tables import tlog_inbox

LEASE = timedelta(seconds=60)

_ROW = tlog_inbox.c


@dataclass(frozen=True, slots=True)
class Waiting:
    """Bytes that have to be written to `path`, and the receipt they belong to, if they have one."""

    path: str
    body: bytes
    identity: str | None


def put(connection: Connection, waiting: Waiting) -> None:
    """Keep bytes until they are on SFTP; a path has one content, so what is there already is as good."""
    row = {
        "path": waiting.path,
        "body": waiting.body,
        "identity": waiting.identity,
        "accepted_at": database_now(connection),
    }
    insert_new(connection, tlog_inbox, row)


def take(connection: Connection, most: int) -> list[Waiting]:
    """Take the oldest for writing; nobody else gets them while the lease lasts."""
    now = database_now(connection)
    rows = connection.execute(
        select(_ROW.path, _ROW.body, _ROW.identity)
        .where(or_(_ROW.lease_until.is_(None), _ROW.lease_until <= now))
        .order_by(_ROW.accepted_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    paths = [row.path for row in rows]
    connection.execute(
        update(tlog_inbox).where(_ROW.path.in_(paths)).values(lease_until=now + LEASE)
    )
    return [Waiting(row.path, row.body, row.identity) for row in rows]


def put_back(connection: Connection, path: str) -> None:
    """Let it be taken again."""
    connection.execute(update(tlog_inbox).where(_ROW.path == path).values(lease_until=None))


def remove(connection: Connection, path: str) -> None:
    """Forget what is on SFTP now."""
    connection.execute(delete(tlog_inbox).where(_ROW.path == path))


def backlog(connection: Connection) -> tuple[int, datetime | None]:
    """Say how many wait, and since when the oldest does."""
    count, oldest = connection.execute(select(func.count(), func.min(_ROW.accepted_at))).one()
    return count, oldest
