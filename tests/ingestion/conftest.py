"""Runs of `ingest-tlogs` as fixtures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.ingestion.baskets import rules, till_profile
from tests.ingestion.places import Run
from tillbridge.clients.sftp import SftpClient
from tillbridge.ingestion.ingesting import Ingestion
from tillbridge.ingestion.summary import RunSummary, sum_up
from tillbridge.profile import Profile


@pytest.fixture
def exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of the SFTP server's files; nobody waits for them to stand still."""
    monkeypatch.setattr("tillbridge.clients.exchange.sleep", lambda seconds: None)
    return tmp_path / "exchange"


@pytest.fixture
def run(engine: Engine, sftp: SftpClient, exchange: Path) -> Iterator[Run]:
    """Do what a run of ingest-tlogs does."""

    def run(profile: Profile | None = None, worker: str = "run") -> RunSummary:
        profile = profile or till_profile()
        ingestion = Ingestion(engine, sftp, profile, rules(profile), worker)
        ingestion.publish()
        return sum_up([ingestion.ingest(batch) for batch in ingestion.batches()])

    return run
