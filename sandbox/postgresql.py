"""A throw-away PostgreSQL on loopback, where a server is installed on this machine.

It keeps nothing: its files go when it stops, and it does not wait for the disk.
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

INSTALLATIONS = Path("/usr/lib/postgresql")

_SETTINGS = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=100"


def programs() -> Path | None:
    """Find the programs of the newest PostgreSQL of this machine; None when there is none."""
    found = [folder for folder in INSTALLATIONS.glob("*/bin") if (folder / "initdb").exists()]
    return max(found, key=lambda folder: float(folder.parent.name), default=None)


@contextmanager
def cluster() -> Iterator[str]:
    """Run an empty server on a free port while the block lasts; gives its URL without a database.

    Raises:
        FileNotFoundError: no PostgreSQL is installed.
        RuntimeError: it did not start; the text is the end of its log.
    """
    found = programs()
    if found is None:
        raise FileNotFoundError(f"no PostgreSQL server is installed under {INSTALLATIONS}")
    folder = Path(tempfile.mkdtemp(prefix="tillbridge-postgresql-"))
    # PostgreSQL refuses to be started by root.
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
        as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    data, port = folder / "data", _free_port()
    settings = f"-h 127.0.0.1 -p {port} -k {folder} {_SETTINGS}"
    control = [*as_user, str(found / "pg_ctl"), "-D", str(data), "-w"]
    initdb = [str(found / "initdb"), "-D", str(data), "-U", "tillbridge", "-E", "UTF8"]
    try:
        _run([*as_user, *initdb, "--auth=trust", "--no-sync", "--locale=C"], folder)
        _run([*control, "-l", str(folder / "log"), "-o", settings, "start"], folder)
        yield f"postgresql://tillbridge@127.0.0.1:{port}"
    finally:
        if (data / "postmaster.pid").exists():
            _run([*control, "-m", "immediate", "stop"], folder)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh_database(server: str, template: str | None = None) -> Iterator[str]:
    """Give the URL of a database that is dropped with the block: empty, or a copy of `template`."""
    name = f"fresh_{uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}{f' TEMPLATE {template}' if template else ''}")
    try:
        yield f"{server}/{name}"
    finally:
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


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
