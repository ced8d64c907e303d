"""The schema that the migrations make, and the ways to bring a database up to it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

from tillbridge.database import (
    import_tables,
    ledger_tables,
    oms_tables,
    receiver_tables,
    till_tables,
)
from tillbridge.database.engine import connect, require_schema, transaction, upgrade
from tillbridge.database.metadata import metadata
from tillbridge.errors import ConfigurationProblem


def test_migrations_make_exactly_the_tables_of_the_metadata(engine: Engine) -> None:
    """Nothing is in the metadata that no migration makes, and the other way round."""
    tables = (
        ledger_tables.invoice_order,
        oms_tables.feed,
        till_tables.till_line,
        import_tables.return_header,
        receiver_tables.tlog_receipt,
    )
    assert {table.metadata for table in tables} == {metadata}
    with transaction(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_an_empty_database_is_refused_with_what_to_do(database_url: str) -> None:
    """Whoever forgets the set-up is told to run it, instead of meeting an SQL error."""
    engine = connect(database_url)
    with pytest.raises(ConfigurationProblem, match="run `tillbridge setup`"):
        require_schema(engine)
    with (
        pytest.raises(ConfigurationProblem, match="run `tillbridge setup`"),
        transaction(engine) as connection,
    ):
        connection.execute(oms_tables.feed.select())
    engine.dispose()


def test_upgrade_can_be_repeated_and_run_by_two_at_once(database_url: str) -> None:
    """Several workers may set the same database up at the same time."""
    engines = [connect(database_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(upgrade, engines))
    upgrade(engines[0])
    require_schema(engines[0])
    for engine in engines:
        engine.dispose()


def test_a_schema_of_a_newer_version_is_left_alone(engine: Engine) -> None:
    """An old tillbridge says which version to install and changes nothing."""
    with transaction(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationProblem, match="newer version"):
        upgrade(engine)
    with pytest.raises(ConfigurationProblem, match="9999"):
        require_schema(engine)
