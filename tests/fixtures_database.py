"""Databases to test on: every test that asks for one runs on SQLite and on PostgreSQL.

PostgreSQL is a throw-away cluster, started once for the whole run where a server is installed. The
migrations run once on each; the tests get copies of what they made.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sandbox import postgresql
from tillbridge.database.engine import connect
from tillbridge.database.upgrading import upgrade

_NEED_TABLES = {"engine", "start_receiver"}
"""The fixtures that find this version's schema in `database_url`; for other tests it is empty."""


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Start an empty PostgreSQL on a free loopback port; gives its URL without a database."""
    if postgresql.programs() is None:
        pytest.skip(f"no PostgreSQL server is installed under {postgresql.INSTALLATIONS}")
    with postgresql.cluster() as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with this version's schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> Iterator[str]:
    """The name of a database with this version's schema, to be copied."""
    with postgresql.fresh_database(postgresql_server) as url:
        _migrate(url)
        yield url.rpartition("/")[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database of the test's own."""
    has_tables = not _NEED_TABLES.isdisjoint(request.fixturenames)
    if request.param == "sqlite":
        path = tmp_path / "orders.db"
        if has_tables:
            shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgresql_server")
    template = request.getfixturevalue("postgresql_template") if has_tables else None
    with postgresql.fresh_database(server, template) as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An open database with this version's schema."""
    engine = connect(database_url)
    yield engine
    engine.dispose()


def _migrate(url: str) -> None:
    engine = connect(url)
    upgrade(engine)
    engine.dispose()
