"""Brings the schema of the database to this version's, by the migrations in `migrations/`.

Only set-up and what follows a restore do so; a flow run looks at `schema` and never loads Alembic.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine, func, select

from tillbridge.database.engine import TIME_OUTS, transaction
from tillbridge.database.schema import MIGRATIONS
from tillbridge.errors import ConfigurationProblem

_UPGRADE_LOCK = 7_455_425_543
"""Any constant: PostgreSQL's name for "an upgrade of this schema is going on"."""


def upgrade(engine: Engine, to: str = "head") -> None:
    """Bring the schema to this version's, or to that of a migration; may be repeated, and run by two at once.

    Raises:
        ConfigurationProblem: a newer version of tillbridge made the schema.
    """
    migrations = Config()
    migrations.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with transaction(engine) as connection:
        if connection.dialect.name == "postgresql":
            # A large table takes its time, and so does another upgrade.
            connection.exec_driver_sql("; ".join(f"SET LOCAL {name} = 0" for name in TIME_OUTS))
            connection.execute(select(func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
        migrations.attributes["connection"] = connection
        try:
            command.upgrade(migrations, to)
        except CommandError as problem:
            raise ConfigurationProblem(
                "a newer version of tillbridge made this database; install that version"
            ) from problem
