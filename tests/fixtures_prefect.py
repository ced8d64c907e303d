"""A real Prefect server for the flow tests, and an installation on fresh far ends for each test."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.platform import Platform

if TYPE_CHECKING:
    # Prefect and what needs it take longer to load than all else of a test process, and most tests never
    # ask for a fixture of this module: each loads what it uses.
    from prefect import Flow
    from prefect.client.schemas.objects import State
    from sqlalchemy import Engine

    from sandbox.orders import SeedReport
    from sandbox.services import Sandbox


@dataclass(frozen=True)
class Installation:
    """One sandbox, set up under the usual block names."""

    far_ends: Sandbox
    engine: Engine
    config: Path

    def seed(self, count: int, seed: int = 1, start: int = 1) -> SeedReport:
        """Fill the order store, and Retail Pro's stock."""
        from sandbox import orders
        from sandbox.catalog import BRANDS

        report = orders.seed(self.engine, count, seed, start, BRANDS[:1])
        self.far_ends.retail_pro.put_stock(report.retail_pro_stock)
        return report

    def run(self, flow: Flow[..., Any], **parameters: Any) -> State[Any]:
        """Run a flow in this process against the real server; returns its final state."""
        return flow(**parameters, return_state=True)

    def folder(self, name: str) -> list[str]:
        """List the files of a folder of the SFTP server."""
        place = self.far_ends.files / name
        return sorted(path.name for path in place.glob("*") if path.is_file())

    def again(self) -> None:
        """Set up again, after `config` was changed."""
        from commands.config import read_config
        from commands.setup import set_up

        set_up(read_config(self.config), lambda text: None, overwrite=True)


@pytest.fixture(scope="session")
def prefect_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of Prefect's, made once for all test processes: its migrations take longer than a start."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    made = shared / "prefect-tables" / "prefect" / "prefect.db"
    with (shared / "prefect-tables.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            Platform(shared / "prefect-tables").run(
                *["prefect", "server", "database", "upgrade", "-y"]
            )
    return made


@pytest.fixture(scope="session")
def prefect_server(
    tmp_path_factory: pytest.TempPathFactory, prefect_tables: Path
) -> Iterator[Platform]:
    """A Prefect server of this session."""
    from prefect.settings import (
        PREFECT_API_SSL_CERT_FILE,
        PREFECT_API_URL,
        PREFECT_SERVER_ALLOW_EPHEMERAL_MODE,
        temporary_settings,
    )

    state = tmp_path_factory.mktemp("prefect")
    (state / "prefect").mkdir()
    shutil.copyfile(prefect_tables, state / "prefect" / "prefect.db")
    platform = Platform(state)
    platform.start()
    settings = {
        PREFECT_API_URL: f"{platform.ui_url}/api",
        PREFECT_API_SSL_CERT_FILE: platform.environment["PREFECT_API_SSL_CERT_FILE"],
        PREFECT_SERVER_ALLOW_EPHEMERAL_MODE: False,
    }
    try:
        with temporary_settings(settings):
            yield platform
    finally:
        platform.stop()


@pytest.fixture(scope="session")
def planned_runs(prefect_server: Platform) -> int:
    """Deploy everything; how many runs the server then planned by itself, within a minute.

    The crons are paused after that, so that tests decide what runs.
    """
    prefect_server.run(
        *("prefect", "work-pool", "create", "tillbridge", "--type", "process", "--overwrite")
    )
    prefect_server.deploy()
    planned: list[object] = []
    for _ in range(60):
        wanted = {"flow_runs": {"tags": {"all_": ["auto-scheduled"]}}}
        if planned := prefect_server.api("POST", "/flow_runs/filter", wanted):
            break
        time.sleep(1)
    prefect_server.run("prefect", "--no-prompt", "deployment", "schedule", "pause", "--all")
    return len(planned)


@pytest.fixture(scope="session")
def deployed(prefect_server: Platform, planned_runs: int) -> Platform:
    """The server with every deployment and a worker."""
    prefect_server.start_worker()
    return prefect_server


@pytest.fixture
def installation(
    prefect_server: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """A fresh sandbox with everything `tillbridge setup` makes."""
    from commands.config import read_config
    from commands.setup import set_up
    from sandbox.services import Sandbox
    from tillbridge.clients import exchange
    from tillbridge.database.engine import connect

    # The wait for files to stand still has tests of its own; here it would only add up.
    monkeypatch.setattr(exchange, "sleep", lambda seconds: None)
    logging.getLogger("prefect").setLevel(logging.WARNING)
    with Sandbox(tmp_path / "sandbox") as far_ends:
        config = tmp_path / "tillbridge.toml"
        config.write_text(far_ends.config(), encoding="utf-8")
        assert set_up(read_config(config), lambda text: None, overwrite=True)
        engine = connect(far_ends.database_url)
        yield Installation(far_ends, engine, config)
        engine.dispose()
