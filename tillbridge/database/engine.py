"""Opens the database and runs transactions, alike on SQLite and PostgreSQL.

It knows no table: those are in the `*_tables` modules beside it, and made by `upgrading`.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, func, make_url, select
from sqlalchemy.engine.interfaces import DBAPIConnection

from tillbridge.database.group_commit import GroupCommit
from tillbridge.errors import ConfigurationProblem, Unavailable

_WAIT_SECONDS = 30
TIME_OUTS = {
    "lock_timeout": f"{_WAIT_SECONDS}s",
    "statement_timeout": "5min",
    "idle_in_transaction_session_timeout": "2min",
}
"""PostgreSQL's. A worker that is frozen in a transaction loses it; it can hold up nobody for ever."""
_FIRST_SOUND_WAL = (3, 51, 3)
"""Older SQLite libraries can corrupt a database in WAL mode when two connections reset the log."""

_MISSING_TABLE = ("no such table", "no such column", "undefinedtable", "undefinedcolumn")
_WAITED = ("lock timeout", "statement timeout", "idle-in-transaction timeout")
_NO_RIGHT = ("insufficientprivilege", "permission denied for database")
_WRONG_SETTING = ("authentication failed", "does not exist", "unable to open", "not a database")


def connect(url: str) -> Engine:
    """Open the database at `url`, for use from many threads; nothing is sent to a server yet.

    `url` is `sqlite:///path/to/file` or `postgresql://user:password@host/database`.

    Raises:
        ConfigurationProblem: the URL cannot be used, or the folder of the file cannot be made.
    """
    logging.getLogger("sqlalchemy.engine.Engine").addFilter(_is_no_row)
    address = parsed(url)
    match address.get_backend_name():
        case "sqlite":
            return _sqlite(address)
        case "postgresql":
            return _postgresql(address)
        case _:
            raise ConfigurationProblem(
                "the database URL must look like sqlite:///path/to/file.db or "
                "postgresql://user:password@host:5432/database"
            )


def parsed(url: str) -> URL:
    """Read a URL; one that cannot be read becomes that of no database we know."""
    try:
        return make_url(url)
    except (exc.ArgumentError, ValueError):
        # The reason would quote the URL, and with it the password.
        return URL.create("unreadable")


@contextmanager
def transaction(engine: Engine | GroupCommit) -> Iterator[Connection]:
    """Run the block in one transaction: committed at its end, rolled back when it raises.

    Raises:
        Unavailable: the database is locked, full or out of reach. Do not go on as if the block had
            happened.
        ConfigurationProblem: the database refuses the log-in, is not there, has no or an old schema, or
            gives our role no right to this.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except (exc.DBAPIError, exc.TimeoutError) as problem:
        url = engine.engine.url if isinstance(engine, GroupCommit) else engine.url
        mapped = _mapped(problem, url)
        if mapped is None:
            raise
        raise mapped from problem


def database_now(connection: Connection) -> datetime:
    """Read the database's clock, the one clock that all workers share, as aware UTC."""
    if connection.dialect.name == "sqlite":
        # A SQLite file is on a local disk, and its clock is this host's.
        return datetime.now(UTC)
    # now() would stand still from the start of the transaction.
    moment = connection.scalar(select(func.clock_timestamp()))
    if not isinstance(moment, datetime):
        raise TypeError("the database's clock gave no time")
    return moment.astimezone(UTC)


def _is_no_row(record: logging.LogRecord) -> bool:
    # At DEBUG SQLAlchemy logs every row it reads, and with it customers; hide_parameters covers none of
    # that. A filter holds whatever level somebody sets.
    return record.levelno > logging.DEBUG


def _sqlite(address: URL) -> Engine:
    if address.database in {None, "", ":memory:"}:
        raise ConfigurationProblem(
            "the database URL names no file; a database in memory would forget what was sent. "
            "Write sqlite:///path/to/file.db"
        )
    file = Path(str(address.database))
    try:
        _make_private(file)
    except OSError as problem:
        raise ConfigurationProblem(
            f"the folder of the database file {address.database} cannot be made: {problem.strerror}"
        ) from problem
    # There is one writer anyway. Threads queue for the one connection, because at the file's lock they
    # would sleep and look again, and mostly sleep while it is free; that lock is for other processes.
    engine = create_engine(
        address.set(drivername="sqlite+pysqlite"),
        hide_parameters=True,
        pool_size=1,
        max_overflow=0,
        pool_timeout=_WAIT_SECONDS,
        connect_args={"timeout": _WAIT_SECONDS},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private(file: Path) -> None:
    """Make the file and its missing folders for their owner only; SQLite's journal takes after the file."""
    for folder in reversed([one for one in file.parents if not one.exists()]):
        folder.mkdir(mode=0o700, exist_ok=True)
    # What stands in the way of the file is told when it is opened.
    with suppress(OSError):
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    # Python's driver begins transactions late and deferred; here SQLAlchemy's own begin does it.
    connection.isolation_level = None
    # Without WAL, a journal that is overwritten instead of deleted leaves out the waits for its folder.
    journal = "WAL" if sqlite3.sqlite_version_info >= _FIRST_SOUND_WAL else "PERSIST"
    cursor = connection.cursor()
    for setting in ("foreign_keys=ON", "synchronous=FULL", f"journal_mode={journal}"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that reads first cannot wait for the lock when it comes to write.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _postgresql(address: URL) -> Engine:
    # The URL's own options stand last, and so have the last word.
    ours = [f"-c {name}={value}" for name, value in TIME_OUTS.items()]
    options = " ".join([*ours, *address.normalized_query.get("options", ())])
    return create_engine(
        address.set(drivername="postgresql+psycopg").difference_update_query(["options"]),
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=20,
        pool_timeout=_WAIT_SECONDS,
        connect_args={
            "connect_timeout": _WAIT_SECONDS,
            "application_name": "tillbridge",
            "options": options,
        },
    )


def _mapped(problem: exc.SQLAlchemyError, address: URL) -> Exception | None:
    """Turn what a database can do to us into our errors; None for a fault of our own statement."""
    place = address.set(query={}).render_as_string(hide_password=True)
    if not isinstance(problem, exc.DBAPIError):
        return Unavailable(f"the database {place} has no free connection; run again")
    first_line, *_ = str(problem.orig).splitlines() or [""]
    reason = f"{type(problem.orig).__name__} {first_line}".lower()
    if any(sign in reason for sign in _MISSING_TABLE):
        return ConfigurationProblem(
            f"the database {place} has no or an old schema; run `tillbridge setup`"
        )
    if any(sign in reason for sign in _NO_RIGHT):
        return ConfigurationProblem(
            f"the database {place} does not let its role do this: {first_line}. Tables are made and "
            "changed by their owner, which is `[database_owner]` of the configuration; worker and receiver "
            "have the rights that `tillbridge setup --print-grants` prints, given again after each set-up"
        )
    if any(sign in reason for sign in _WAITED):
        return Unavailable(
            f"the database {place} gave up waiting ({first_line}): another run holds what this one needs, or "
            "this one stood still. Nothing of its transaction was written; the next run goes on"
        )
    if isinstance(problem, exc.ProgrammingError):
        return None
    if any(sign in reason for sign in _WRONG_SETTING):
        return ConfigurationProblem(f"the database {place} cannot be opened: {first_line}")
    if isinstance(problem, exc.OperationalError) or problem.connection_invalidated:
        return Unavailable(f"the database {place} cannot do its part now: {first_line}")
    return None
