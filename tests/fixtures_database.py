"""Databases to test on: every test that asks for one runs on SQLite and on PostgreSQL.

PostgreSQL is a throw-away cluster, started once for the whole run where a server is installed.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine

from tillbridge.database.engine import connect, upgrade

_INSTALLATIONS = Path("/usr/lib/postgresql")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Start an empty PostgreSQL on a free loopback port; gives its URL without a database."""
    programs = _newest_programs()
    if programs is None:
        pytest.skip(f"no PostgreSQL server is installed under {_INSTALLATIONS}")
    with _cluster(programs) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of the test's own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/orders.db"
        return
    server = request.getfixturevalue("postgresql_server")
    name = f"test_{uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield f"{server}/{name}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An open database with this version's schema."""
    engine = connect(database_url)
    upgrade(engine)
    yield engine
    engine.dispose()


def _newest_programs() -> Path | None:
    found = [folder for folder in _INSTALLATIONS.glob("*/bin") if (folder / "initdb").exists()]
    return max(found, key=lambda folder: float(folder.parent.name), default=None)


@contextmanager
def _cluster(programs: Path) -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="tillbridge-postgresql-"))
    # PostgreSQL refuses to be started by root.
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
        as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    data, port = folder / "data", _free_port()
    settings = (
        f"-h 127.0.0.1 -p {port} -k {folder} "
        "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=60"
    )
    control = [*as_user, str(programs / "pg_ctl"), "-D", str(data), "-w"]
    initdb = [str(programs / "initdb"), "-D", str(data), "-U", "tillbridge", "-E", "UTF8"]
    try:
        _run([*as_user, *initdb, "--auth=trust", "--no-sync", "--locale=C"], folder)
        _run([*control, "-l", str(folder / "log"), "-o", settings, "start"], folder)
        yield f"postgresql://tillbridge@127.0.0.1:{port}"
    finally:
        if (data / "postmaster.pid").exists():
            _run([*control, "-m", "immediate", "stop"], folder)
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # the server would hold a pipe open
        stderr=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )
    if done.returncode:
        log = folder / "log"
        said = log.read_text() if log.exists() else ""
        raise RuntimeError(f"{command} ended with {done.returncode}; log: {said[-2000:]}")


def _free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
