"""An order store with a server of files beside it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.imports import Imports, fill_order_store
from tillbridge.clients.sftp import SftpClient, SftpSettings
from tillbridge.database.engine import connect


@pytest.fixture
def imports(
    engine: Engine,
    sandbox_settings: SftpSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Imports]:
    """A filled order store and empty folders; nobody waits for files to stand still."""
    monkeypatch.setattr("tillbridge.clients.exchange.sleep", lambda seconds: None)
    fill_order_store(engine)
    with SftpClient(sandbox_settings) as client:
        yield Imports(engine, client, tmp_path / "exchange")


@pytest.fixture
def reference(imports: Imports, sqlite_template: Path, tmp_path: Path) -> Iterator[Imports]:
    """Another order store beside the same folders, for holding a result against."""
    shutil.copyfile(sqlite_template, tmp_path / "reference.db")
    engine = connect(f"sqlite:///{tmp_path}/reference.db")
    fill_order_store(engine)
    yield replace(imports, engine=engine)
    engine.dispose()
