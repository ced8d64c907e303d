"""Fixtures live in modules of their own, one per far end."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes depends on the machine and on what else it does; it decides no test.
settings.register_profile("tillbridge", deadline=None)
settings.load_profile("tillbridge")

pytest_plugins = [
    "tests.costs",
    "tests.fixtures_database",
    "tests.fixtures_imports",
    "tests.fixtures_mail",
    "tests.fixtures_prefect",
    "tests.fixtures_receiver",
    "tests.fixtures_retail_pro",
    "tests.fixtures_sftp",
    "tests.golden",
]

_MEMORY = Path("/dev/shm")  # noqa: S108 - each test has folders of its own there
_ROOM_NEEDED = 4 * 2**30

SERVERS = {
    "inbox",
    "postgresql_server",
    "prefect_server",
    "sandbox_settings",
    "ssh_client_key",
    "start_retail_pro",
}
"""The fixtures that start a server."""


def pytest_configure() -> None:
    """Keep the files of tests in memory where there is room, unless `TMPDIR` says where to.

    Databases and far ends wait for the disk at every commit and file; no test outlives the machine.
    """
    has_room = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _ROOM_NEEDED
    if has_room and "TMPDIR" not in os.environ:
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what starts a server, so that nobody has to remember it."""
    for item in items:
        on_postgresql = "database_url" in getattr(item, "fixturenames", ()) and (
            item.callspec.params.get("database_url") == "postgresql"  # type: ignore[attr-defined]
        )
        if on_postgresql or not SERVERS.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
