"""Databases to test on: every test that asks for one runs on SQLite and on PostgreSQL.

PostgreSQL is a throw-away cluster, started once for the whole run where a server is installed. The
migrations run once on each; the tests get copies of what they made.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, make_url

from sandbox import postgresql
from tillbridge.database.engine import connect
from tillbridge.database.grants import Roles, grants
from tillbridge.database.upgrading import upgrade

ROLES = Roles()
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
        give_rights(url)
        _migrate(as_role(url, ROLES.owner))
        give_rights(url)
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
    """An open database with this version's schema, on PostgreSQL with the rights of a worker."""
    engine = connect(as_role(database_url, ROLES.worker))
    yield engine
    engine.dispose()


@pytest.fixture
def closing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command's and a run's process ends with its connections; the process of the tests goes on."""
    opened: list[Engine] = []

    def open_database(url: str) -> Engine:
        opened.append(connect(url))
        return opened[-1]

    for module in ("blocks.order_database", "commands.config"):
        monkeypatch.setattr(f"{module}.connect", open_database)
    yield
    for engine in opened:
        engine.dispose()


@contextmanager
def as_owner(engine: Engine) -> Iterator[Engine]:
    """Open the database of an engine as the role that may do what no flow does, such as fill the catalog."""
    owner = connect(as_role(engine.url.render_as_string(hide_password=False), ROLES.owner))
    try:
        yield owner
    finally:
        owner.dispose()


def as_role(url: str, role: str) -> str:
    """Give the URL of a database for this role; a SQLite file has none, and stays as it is."""
    address = make_url(url)
    return str(address.set(username=role)) if address.host else url


def give_rights(url: str, roles: Roles = ROLES) -> None:
    """Run what set-up prints for this database, as its administrator."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(grants(url, roles).encode())


def _migrate(url: str) -> None:
    engine = connect(url)
    upgrade(engine)
    engine.dispose()
