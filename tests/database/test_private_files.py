"""What we make on this machine is for its owner only, whatever the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from tillbridge.database.engine import connect, transaction
from tillbridge.database.upgrading import upgrade


@pytest.fixture(autouse=True)
def open_to_all() -> Iterator[None]:
    """A umask that takes nothing away, as of a careless service."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


def test_the_database_its_journal_and_its_folders(tmp_path: Path) -> None:
    """Bodies of orders and whole TLogs are in them."""
    file = tmp_path / "new" / "folder" / "orders.db"
    engine = connect(f"sqlite:///{file}")
    upgrade(engine)
    with transaction(engine) as connection:
        connection.execute(text("CREATE TABLE seen (a)"))
        beside = list(file.parent.iterdir())
    engine.dispose()
    assert {path.name: mode(path) for path in beside} == {path.name: "0o600" for path in beside}
    assert file in beside
    assert (mode(file.parent), mode(file.parent.parent)) == ("0o700", "0o700")


def test_a_database_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    """Its owner may have let a group in."""
    file = tmp_path / "orders.db"
    file.touch()
    file.chmod(0o660)
    upgrade(connect(f"sqlite:///{file}"))
    assert mode(file) == "0o660"
