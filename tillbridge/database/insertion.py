"""Inserts that know what to do with a key that is there, in words SQLite and PostgreSQL share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


def insert_new(
    connection: Connection, table: Table, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]]
) -> int:
    """Insert the rows whose keys are new and leave the others alone; returns how many were new."""
    if not rows:
        return 0
    # The drivers disagree about the row count of many inserts, so the new rows are counted.
    statement = _insert(connection, table).on_conflict_do_nothing()
    return len(connection.execute(statement.returning(*table.primary_key), rows).all())


def insert_or_update(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert `rows`; where a primary key is there, the row's other columns are overwritten.

    All rows have the same columns.
    """
    if not rows:
        return
    statement = _insert(connection, table)
    keys = [column.name for column in table.primary_key]
    others = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=others), rows)


def _insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    # Both have the same words; a process loads the one that its database speaks.
    dialect = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")
    statement: postgresql.Insert | sqlite.Insert = dialect.insert(table)
    return statement
