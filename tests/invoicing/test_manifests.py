"""Feeds with manifests through the inbox, and from our own export: whole ones are used, others are not."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from sandbox import orders
from sandbox.catalog import BRANDS
from tests.fixtures_database import as_owner
from tests.strategies import profile
from tillbridge.clients.exchange import Folder
from tillbridge.clients.sftp import SftpClient, SftpSettings
from tillbridge.contracts.feed_manifest import Manifest, write
from tillbridge.database.engine import transaction
from tillbridge.database.ledger_tables import invoice_failure
from tillbridge.handover.inbox import FileResult, Inbox, Work
from tillbridge.handover.taken_file import TakenFile
from tillbridge.oms import export
from tillbridge.oms import feed as feeds
from tillbridge.oms.feed import FeedSelection

PROFILE = profile(completed_orders_manifest=True)
FEEDS = PROFILE.completed_orders_folder
FEED = b'[{"orderId": "M1"}]\n'
RIGHT = write(Manifest(hashlib.sha256(FEED).hexdigest(), len(FEED), 1))


@pytest.fixture
def client(sandbox_settings: SftpSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[SftpClient]:
    """A client of the sandbox's server; nobody waits for files to stand still."""
    monkeypatch.setattr("tillbridge.clients.exchange.sleep", lambda seconds: None)
    with SftpClient(sandbox_settings) as client:
        yield client


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The folder of the feeds on the server's disk."""
    path = tmp_path / "exchange" / FEEDS
    path.mkdir(parents=True)
    return path


def do_all(engine: Engine, client: SftpClient, folder: str = FEEDS) -> list[FileResult]:
    """Do every waiting file, as a run does."""

    def work(file: TakenFile) -> Work:
        return Work({"transformed": len(json.loads(file.path.read_bytes()))})

    inbox = Inbox(engine, client, PROFILE, folder, "run")
    return [inbox.do(file, work) for file in inbox.waiting()]


def test_a_feed_is_used_when_its_manifest_agrees(
    engine: Engine, client: SftpClient, place: Path
) -> None:
    """Without its manifest it waits; with it, it is done, and both are in the archive."""
    (place / "a.json").write_bytes(FEED)
    assert do_all(engine, client) == []
    (place / "a.json.manifest.json").write_bytes(RIGHT)
    (result,) = do_all(engine, client)
    assert (result.result, dict(result.counts)) == ("done", {"transformed": 1})
    assert sorted(path.name for path in (place / "archive").iterdir()) == [
        "a.json",
        "a.json.manifest.json",
    ]


def test_a_feed_that_its_manifest_contradicts_is_quarantined_whole(
    engine: Engine, client: SftpClient, place: Path
) -> None:
    """The report says what differs, a failure goes to the mail, and a right manifest mends it."""
    wrong = Manifest(hashlib.sha256(FEED).hexdigest(), len(FEED), 2)
    (place / "a.json").write_bytes(FEED)
    (place / "a.json.manifest.json").write_bytes(write(wrong))
    (result,) = do_all(engine, client)
    assert result.result == "quarantined"
    kept = place / "quarantine"
    report = json.loads((kept / "a.json.report.json").read_bytes())
    assert report["findings"][0]["expected"] == "orders 2, as its manifest says; it has 1"
    assert (kept / "a.json.manifest.json").read_bytes() == write(wrong)
    with transaction(engine) as connection:
        (failure,) = connection.execute(select(invoice_failure)).all()
    assert "expected orders 2" in failure.reason

    (kept / "a.json").rename(place / "a.json")
    (place / "a.json.manifest.json").write_bytes(RIGHT)
    (result,) = do_all(engine, client)
    assert result.result == "done"


def test_a_feed_whose_manifest_never_comes_is_told(
    engine: Engine, client: SftpClient, place: Path
) -> None:
    """It is not used and not forgotten: it goes to quarantine with that reason."""
    (place / "a.json").write_bytes(FEED)
    os.utime(place / "a.json", (1_700_000_000, 1_700_000_000))
    (result,) = do_all(engine, client)
    assert result.result == "quarantined"
    assert "a.json.manifest.json beside it within an hour; none came" in result.notes[0]


def test_files_of_requests_need_none(engine: Engine, client: SftpClient, tmp_path: Path) -> None:
    """What the transform hands over is renamed into place whole, so it has no manifest."""
    requests = tmp_path / "exchange" / PROFILE.order_to_invoice_folder
    requests.mkdir(parents=True)
    (requests / "a.json").write_bytes(FEED)
    (result,) = do_all(engine, client, PROFILE.order_to_invoice_folder)
    assert result.result == "done"


def test_the_export_writes_the_manifest_after_the_feed(
    engine: Engine, client: SftpClient, place: Path
) -> None:
    """Our own feeds pass, with the sum of their orders; exporting them again changes nothing."""
    with as_owner(engine) as owner:
        orders.seed(owner, 20, 1, 1, BRANDS[:1])
    now = datetime(2026, 11, 22, tzinfo=UTC)
    (feed,) = feeds.produce(engine, FeedSelection(), 100, now, FEEDS)
    folder = Folder(client, FEEDS, with_manifests=True)
    for _ in range(2):
        export.publish(engine, folder, feed, now)
    manifest = json.loads((place / f"{feed.file_name}.manifest.json").read_bytes())
    documents = json.loads((place / feed.file_name).read_bytes())
    assert manifest["orders"] == feed.order_count == len(documents)
    total = sum(round(document["grandTotal"] * 10_000) for document in documents)
    assert round(manifest["total"] * 10_000) == total
    (result,) = do_all(engine, client)
    assert result.result == "done"
