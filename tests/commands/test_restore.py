"""The commands after a restore, as the owner of the tables: a worker's role does not lift the stop."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from commands.cli import app
from tests.commands.test_setup_config import GOOD
from tests.fixtures_database import ROLES, as_role
from tests.ledger_steps import KEY, accept, arm, ready, request, settle, state
from tillbridge.invoicing.ledger import restores

pytestmark = pytest.mark.usefixtures("closing")


@pytest.fixture
def config(engine: Engine, tmp_path: Path) -> Path:
    """The file of an installation whose flows open the database as `engine` does."""
    url = engine.url.set(drivername=engine.dialect.name).render_as_string(hide_password=False)
    file = tmp_path / "tillbridge.toml"
    file.write_text(GOOD.replace("sqlite:///x.db", url))
    return file


def run(command: str, config: Path, *said: str) -> None:
    """Give the command as on the command line."""
    words = [command, "--config", str(config), "--by", "Mara", *said]
    app(words, result_action="return_value")


def name_owner(engine: Engine, config: Path) -> None:
    """Say in the file who owns the tables."""
    url = engine.url.set(drivername=engine.dialect.name).render_as_string(hide_password=False)
    owner = f'[database_owner]\nurl = "{as_role(url, ROLES.owner)}"\n'
    config.write_text(config.read_text() + owner)


def test_a_restore_is_declared_and_worked_off(engine: Engine, config: Path) -> None:
    """What was not at its end is in doubt, nothing is sent, and the end is refused until it is known."""
    accept(engine, request())
    name_owner(engine, config)

    run("after-restore", config, "--reason", "disk lost")

    assert state(engine) == "UNKNOWN"
    with pytest.raises(SystemExit, match="1 order is still in doubt"):
        run("end-restore", config, "--evidence", "all handed over")
    assert "end-restore" in restores.why_nothing_is_sent(engine)


def test_orders_go_on_after_the_end(engine: Engine, config: Path) -> None:
    """The ledger was in order, so nobody has to decide anything."""
    name_owner(engine, config)
    run("after-restore", config, "--reason", "disk lost")
    run("end-restore", config, "--evidence", "nothing came in since")
    accept(engine, request())
    assert ready(engine) == [KEY]
    attempt = arm(engine, KEY)
    assert attempt is not None
    assert settle(engine, attempt, "CONFIRMED") == "CONFIRMED"


def test_a_worker_neither_stops_nor_starts_the_sending(engine: Engine, config: Path) -> None:
    """On PostgreSQL the command says which setting names somebody who may; a SQLite file knows no roles."""
    if engine.dialect.name == "sqlite":
        run("after-restore", config, "--reason", "disk lost")
        run("end-restore", config, "--evidence", "nothing came in since")
        return
    with pytest.raises(
        SystemExit, match=r"permission denied for table ledger.*`\[database_owner\]`"
    ):
        run("after-restore", config, "--reason", "disk lost")
    assert restores.why_nothing_is_sent(engine) == ""
