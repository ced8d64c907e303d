"""Where the ledgers of the machine lie: emptied for each run, aged to make time pass, put back from a backup.

Time passes by making everything that is written down older; the product has no hook for it, and reads
the database's own clock as always.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Table, bindparam, delete, make_url, select, update

from tillbridge.database.engine import connect, transaction
from tillbridge.database.ledger_tables import (
    circuit,
    failure_report,
    invoice_attempt,
    invoice_event,
    invoice_failure,
    invoice_order,
    ledger_restore,
    order_identity,
)
from tillbridge.database.metadata import Moment
from tillbridge.database.upgrading import upgrade

_TABLES = (
    *(invoice_attempt, invoice_event, invoice_failure, failure_report),
    *(invoice_order, order_identity, circuit, ledger_restore),
)
"""The tables that the machine fills, those that refer to others first."""

_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - what lies there is made for one run, in a folder of its own


@contextmanager
def sqlite_place() -> Iterator[str]:
    """Give the URL of a SQLite file in a folder of its own, in memory where the machine has that."""
    with tempfile.TemporaryDirectory(dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None) as folder:
        yield f"sqlite:///{folder}/ledger.db"


class Place:
    """One database; each run of the machine starts there with an empty ledger."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = connect(url)
        upgrade(self.engine)
        self._path = Path(make_url(url).database or "") if url.startswith("sqlite") else None

    @property
    def has_backups(self) -> bool:
        """Whether a backup can be taken of this database; only of a file."""
        return self._path is not None

    def empty(self) -> None:
        """Forget everything."""
        with transaction(self.engine) as connection:
            for table in _TABLES:
                connection.execute(delete(table))

    def reopen(self) -> None:
        """Close every connection; the next statement opens the database anew."""
        self.engine.dispose()

    def back_up(self) -> None:
        """Keep a copy of the database as it is."""
        assert self._path
        self.engine.dispose()
        shutil.copyfile(self._path, self._backup)

    def put_back(self) -> None:
        """Put the last copy in place of the database."""
        assert self._path
        self.engine.dispose()
        for beside in self._path.parent.glob(f"{self._path.name}-*"):
            beside.unlink()  # journals of the database that was lost
        shutil.copyfile(self._backup, self._path)

    @property
    def _backup(self) -> Path:
        assert self._path
        return self._path.with_suffix(".backup")

    def age(self, by: timedelta) -> None:
        """Make everything that is written down older."""
        with transaction(self.engine) as connection:
            for table, moments in _MOMENTS.items():
                keys = [column.name for column in table.primary_key]
                rows = connection.execute(select(*table.primary_key, *moments)).mappings().all()
                if rows:
                    moved = [
                        {f"of_{key}": row[key] for key in keys}
                        | {m.name: row[m.name] - by if row[m.name] else None for m in moments}
                        for row in rows
                    ]
                    connection.execute(_BY_KEY[table], moved)


_MOMENTS = {
    table: [column for column in table.columns if isinstance(column.type, Moment)]
    for table in (invoice_order, invoice_attempt, circuit, ledger_restore)
}


def _update_by_key(table: Table):  # type: ignore[no-untyped-def]
    return update(table).where(
        *(column == bindparam(f"of_{column.name}") for column in table.primary_key)
    )


_BY_KEY = {table: _update_by_key(table) for table in _MOMENTS}
