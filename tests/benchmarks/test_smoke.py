"""The benchmarks run: each with some ten units, so that a change of the product breaks none unseen."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from benchmarks import ingestion, pulling, receiving, results, starting, transform
from sandbox.openssh import SSHD

pytestmark = pytest.mark.slow
UNITS = 10


@pytest.fixture(autouse=True)
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the benchmarks write what they found; their own results are left alone."""
    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")
    for module in (ingestion, pulling, receiving, transform):
        monkeypatch.setattr(module, "WORK", tmp_path / "work")
    return tmp_path / "results"


def test_transform(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One feed of ten orders, read and transformed."""
    monkeypatch.setattr(transform, "SIZES", (UNITS,))
    transform.main()
    (one,) = json.loads((written / "transform.json").read_text())["figures"]
    assert one["orders"] == UNITS
    assert one["transform"]["cpu_seconds"] > 0


def test_ingestion(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten TLogs, mapped and ingested."""
    monkeypatch.setattr(ingestion, "SIZES", (UNITS,))
    ingestion.main()
    (one,) = json.loads((written / "ingestion.json").read_text())["figures"]
    assert one["tlogs"] == UNITS
    assert one["ingest"]["cpu_seconds"] > 0


@pytest.mark.skipif(SSHD is None, reason="no OpenSSH server on this machine")
def test_receiving(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten posts in every way."""
    monkeypatch.setattr(receiving, "POSTS", UNITS)
    monkeypatch.setattr(receiving, "SLOW", UNITS)
    receiving.main()
    found = json.loads((written / "receiving.json").read_text())["figures"]
    assert all(one["per_second"] > 0 for one in found.values())


@pytest.mark.skipif(
    None in {SSHD, shutil.which("rclone"), shutil.which("lftp")},
    reason="no OpenSSH server, rclone or lftp on this machine",
)
def test_pulling(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten files in every way."""
    monkeypatch.setattr(pulling, "FILES", UNITS)
    monkeypatch.setattr(pulling, "ROUNDS", 1)
    pulling.main()
    found = json.loads((written / "pulling.json").read_text())["figures"]
    assert all(rates for rates in found.values())


def test_starting(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One flow, and the help, once."""
    monkeypatch.setattr(starting, "ROUNDS", 1)
    monkeypatch.setattr(starting, "FLOWS", ["report_invoice_failures"])
    starting.main()
    found = json.loads((written / "starting.json").read_text())["figures"]
    assert all(seconds > 0 for seconds in found.values())
