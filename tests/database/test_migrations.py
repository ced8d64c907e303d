"""The schema that the migrations make, and the ways to bring a database up to it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, Row, text

from tests.fixtures_database import as_owner
from tillbridge.database import (
    import_tables,
    ledger_tables,
    oms_tables,
    receiver_tables,
    till_tables,
)
from tillbridge.database.engine import connect, transaction
from tillbridge.database.metadata import metadata
from tillbridge.database.schema import require_schema
from tillbridge.database.upgrading import upgrade
from tillbridge.errors import ConfigurationProblem
from tillbridge.invoicing.doubt_policy import DoubtPolicy
from tillbridge.invoicing.ledger import attempts, two_numbers
from tillbridge.invoicing.likeness import folded


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


def test_orders_of_an_older_version_keep_what_they_are(database_url: str) -> None:
    """Where one order has two numbers already, one of them goes on at most; nothing is lost or changed."""
    engine = connect(database_url)
    upgrade(engine, "0006")
    with transaction(engine) as connection:
        for number, order_id, state, sent in (
            *(("0003", "M3", "CONFIRMED", 1), ("3", "M3", "CONFIRMED", 1)),
            *(("0004", "M4", "READY", 0), ("4", "M4", "CONFIRMED", 1), ("04", "M4", "PARKED", 1)),
            *(("0005", "M5", "UNKNOWN", 1), ("5", "M5", "PARKED", 1)),
            *(("0006", "M6", "READY", 0), ("6", "M6", "REJECTED", 2)),
            *(("0007", "M7", "CANCELLED", 0), ("7", "M7", "READY", 0)),
            *(("SV 8", None, "READY", 0), ("+9.00", "M9", "INFLIGHT", 1)),
        ):
            connection.execute(
                _OLD_ORDER,
                {"number": number, "order": order_id, "state": state, "attempts": sent},
            )
    before = _orders(engine)

    upgrade(engine)

    assert _orders(engine) == before
    with transaction(engine) as connection:
        numbers = dict(
            connection.execute(text("SELECT order_id, order_no FROM order_identity")).all()
        )
        folds = dict(
            connection.execute(text("SELECT order_no, number_fold FROM invoice_order")).all()
        )
        told = connection.scalar(text("SELECT count(*) FROM invoice_failure"))
    assert numbers.pop("M3") in {"3", "0003"}
    assert numbers == {"M4": "4", "M5": None, "M6": "6", "M7": "7", "M9": "+9.00"}
    assert folds == {number: folded(number) for number in folds}
    assert told == 0
    assert [
        key.order_no
        for key in attempts.ready(engine, "S", "https://retailpro.example.com", DoubtPolicy())
    ] == ["7", "SV 8"]
    held = two_numbers.hold_what_may_not_go(engine, "S", "run")
    assert [key.order_no for key in held] == ["0004", "0006"]
    engine.dispose()


_OLD_ORDER = text(
    "INSERT INTO invoice_order (product_store_id, order_no, order_id, revision, body, body_sha256, state, "
    "attempts, doubts, epoch, total, currency, line_count, invoicing_store, source_file, accepted_at, "
    "changed_at) VALUES ('S', :number, :order, 1, '{}', 'x', :state, :attempts, 0, :attempts, 10000, "
    "'USD', 1, 'A', 'f.json', '2026-11-22 03:15:00', '2026-11-22 03:15:00')"
)


def _orders(engine: Engine) -> list[Row[Any]]:
    with transaction(engine) as connection:
        return list(
            connection.execute(
                text(
                    "SELECT order_no, order_id, state, attempts FROM invoice_order ORDER BY order_no"
                )
            )
        )


def test_a_schema_of_a_newer_version_is_left_alone(engine: Engine) -> None:
    """An old tillbridge says which version to install and changes nothing."""
    with as_owner(engine) as owner:
        with transaction(owner) as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(ConfigurationProblem, match="newer version"):
            upgrade(owner)
    with pytest.raises(ConfigurationProblem, match="9999"):
        require_schema(engine)
