"""Nobody waits for ever for the database: locks, statements and frozen transactions end, on PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlalchemy import Engine, text

from sandbox import postgresql
from tillbridge.database.engine import connect, transaction
from tillbridge.database.upgrading import upgrade
from tillbridge.errors import Unavailable
from tillbridge.ingestion import tlogs


@pytest.fixture
def url(postgresql_server: str) -> Iterator[str]:
    """An empty database."""
    with postgresql.fresh_database(postgresql_server) as url:
        yield url


@pytest.fixture
def impatient(url: str) -> Iterator[Engine]:
    """A database whose URL has shorter time-outs of its own: they have the last word."""
    options = (
        "-c lock_timeout=200ms -c idle_in_transaction_session_timeout=800ms -c statement_timeout=1s"
    )
    patient = connect(url)
    upgrade(patient)
    patient.dispose()
    engine = connect(f"{url}?options={options}")
    with transaction(engine) as connection:
        tlogs.lock(connection, "STORE")
    yield engine
    engine.dispose()


def test_every_wait_has_an_end(url: str) -> None:
    """PostgreSQL's own default for the three is to wait for ever."""
    engine = connect(url)
    with transaction(engine) as connection:
        shown = [
            connection.exec_driver_sql(f"SHOW {name}").scalar()
            for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
        ]
    engine.dispose()
    assert shown == ["30s", "5min", "2min"]


def test_a_worker_frozen_in_its_transaction_holds_nobody_up(impatient: Engine) -> None:
    """Another run is told, and goes on when the frozen one has lost its place; that one is told too."""
    frozen_is_told = pytest.raises(Unavailable, match="the next run goes on")
    with suppress(Unavailable), frozen_is_told, transaction(impatient) as frozen:
        tlogs.lock(frozen, "STORE")
        with (
            pytest.raises(Unavailable, match="another run holds what this one needs"),
            transaction(impatient) as other,
        ):
            tlogs.lock(other, "STORE")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with suppress(Unavailable), transaction(impatient) as other:
                tlogs.lock(other, "STORE")
                break
        else:
            pytest.fail("the frozen transaction still holds the lock")
        frozen.execute(text("SELECT 1"))


def test_a_statement_that_does_not_end_is_given_up(impatient: Engine) -> None:
    """It is an outage for its run, not a run that hangs."""
    with (
        pytest.raises(Unavailable, match="statement timeout"),
        transaction(impatient) as connection,
    ):
        connection.execute(text("SELECT pg_sleep(30)"))
