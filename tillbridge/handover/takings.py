"""Counts how often a file was taken without an end, so that one that kills its worker is not taken for ever.

A worker that is killed (out of memory, a power cut) can put nothing away. What it had taken is taken
again by the next run, which the same file may kill as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine, delete, select

from tillbridge.database.engine import database_now, transaction
from tillbridge.database.insertion import insert_or_update
from tillbridge.database.ledger_tables import file_taking
from tillbridge.errors import FileRejected, Finding, TillbridgeError

MOST = 10
"""Times that a file may be taken without an end. Power cuts and restarts happen; ten on one file do not."""


@contextmanager
def counted(engine: Engine, folder: str, names: Sequence[str]) -> Iterator[dict[str, int]]:
    """Do the work inside on these files of a folder; gives how often they were taken without an end before.

    However the work ends, the count is back at 0 when this process lives to see it.
    """
    with transaction(engine) as connection:
        before = _without_an_end(connection, folder)
        now = database_now(connection)
        rows = [
            {"folder": folder, "name": name, "times": before.get(name, 0) + 1, "taken_at": now}
            for name in dict.fromkeys(names)
        ]
        insert_or_update(connection, file_taking, rows)
    try:
        yield before
    finally:
        with suppress(TillbridgeError), transaction(engine) as connection:
            connection.execute(
                delete(file_taking).where(
                    file_taking.c.folder == folder, file_taking.c.name.in_(names)
                )
            )


def without_an_end(engine: Engine, folder: str) -> dict[str, int]:
    """Give the files of a folder that were taken without an end, and how often."""
    with transaction(engine) as connection:
        return _without_an_end(connection, folder)


def require_an_end(name: str, times: int) -> None:
    """Make sure that a file may be taken once more.

    Raises:
        FileRejected: it was taken too often without an end.
    """
    if times >= MOST:
        expected = (
            f"a file whose work comes to an end; the runs over this one were killed, {times} by now. See what "
            "killed them, mostly a lack of memory, before it is dropped in again"
        )
        raise FileRejected(name, (Finding("", None, expected),))


def _without_an_end(connection: Connection, folder: str) -> dict[str, int]:
    rows = connection.execute(
        select(file_taking.c.name, file_taking.c.times).where(file_taking.c.folder == folder)
    )
    return {row.name: row.times for row in rows}
