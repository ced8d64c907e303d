"""Says which schema this version needs, and whether a database has it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Engine, MetaData, String, Table, inspect, select

from tillbridge.database.engine import transaction
from tillbridge.errors import ConfigurationProblem

MIGRATIONS = Path(__file__).parent / "migrations"
# Alembic's own; not among ours, which the migrations make.
VERSION_TABLE = Table("alembic_version", MetaData(), Column("version_num", String))


def wanted_schema() -> str:
    """Give the number of the last migration: the first word of its file's name."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def require_schema(engine: Engine) -> None:
    """Make sure that the schema is this version's.

    Raises:
        ConfigurationProblem: it is not there, or is another version's.
    """
    with transaction(engine) as connection:
        is_made = inspect(connection).has_table(VERSION_TABLE.name)
        found = connection.scalars(select(VERSION_TABLE.c.version_num)).all() if is_made else []
    wanted = wanted_schema()
    if found != [wanted]:
        raise ConfigurationProblem(
            f"the database has schema {', '.join(found) or 'none'}, this version needs {wanted}; "
            "run `tillbridge setup`"
        )
