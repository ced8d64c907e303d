"""Databases to test on: every test that asks for one runs on SQLite and on PostgreSQL.

PostgreSQL is a throw-away cluster, started once for the whole run where a server is installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sandbox import postgresql
from tillbridge.database.engine import connect
from tillbridge.database.upgrading import upgrade


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Start an empty PostgreSQL on a free loopback port; gives its URL without a database."""
    if postgresql.programs() is None:
        pytest.skip(f"no PostgreSQL server is installed under {postgresql.INSTALLATIONS}")
    with postgresql.cluster() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of the test's own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/orders.db"
        return
    with postgresql.fresh_database(request.getfixturevalue("postgresql_server")) as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An open database with this version's schema."""
    engine = connect(database_url)
    upgrade(engine)
    yield engine
    engine.dispose()
