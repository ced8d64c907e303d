"""SQL of the files that were taken, known by their content, and of those handed over again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from sqlalchemy import Connection, Engine, delete, func, insert, select

from tillbridge import harmless
from tillbridge.database.engine import database_now, transaction
from tillbridge.database.insertion import insert_or_update
from tillbridge.database.ledger_tables import file_event, taken_file

Result = Literal["done", "incomplete", "quarantined"]
"""Whether a file was used whole, but for some of its records, or not at all."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A content that was taken: the file's name and size, what became of it, and its records."""

    sha256: str
    name: str
    size: int
    result: Result
    orders: int


def is_done(engine: Engine, folder: str, sha256: str) -> bool:
    """Say whether everything in a file with this content was taken from this folder before."""
    with transaction(engine) as connection:
        result = connection.scalar(
            select(taken_file.c.result).where(
                taken_file.c.folder == folder, taken_file.c.sha256 == sha256
            )
        )
        return result == "done"


def done_among(connection: Connection, folder: str, sha256s: Collection[str]) -> set[str]:
    """Give those of these contents of which everything was taken from this folder before."""
    return set(
        connection.scalars(
            select(taken_file.c.sha256).where(
                taken_file.c.folder == folder,
                taken_file.c.sha256.in_(sha256s),
                taken_file.c.result == "done",
            )
        )
    )


def mark_taken(connection: Connection, folder: str, taken: Sequence[Taken]) -> None:
    """Remember what became of these contents, the last time they came."""
    now = database_now(connection)
    rows = [{"folder": folder, **asdict(one), "done_at": now} for one in taken]
    insert_or_update(connection, taken_file, rows)


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


def times_replayed(connection: Connection, folder: str, name: str) -> int:
    """Count how often a file of this folder was handed over again."""
    paths = [f"{folder}/{place}/{name}" for place in ("archive", "quarantine")]
    return (
        connection.scalar(
            select(func.count()).select_from(file_event).where(file_event.c.path.in_(paths))
        )
        or 0
    )
