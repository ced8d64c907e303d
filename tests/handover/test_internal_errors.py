"""A fault of the program in one document: it goes to quarantine, everything else goes on, people are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from tests.fixtures_retail_pro import order_body
from tests.imports import FOLDERS, Imports, order
from tests.ingestion.baskets import rules, sale, till_profile
from tests.ingestion.places import drop as drop_tlogs
from tests.invoicing.test_hostile_feeds import (
    FEEDS,
    REQUESTS,
    drop,
    numbered,
    taken_in,
    text_of,
    transformed,
)
from tests.oms.test_variance import csv, row
from tests.strategies import PROFILE
from tillbridge.clients.sftp import SftpClient, SftpSettings
from tillbridge.database.engine import transaction
from tillbridge.database.ledger_tables import invoice_failure
from tillbridge.handover.inbox import FileResult, Inbox, Work, stuck
from tillbridge.handover.taken_file import TakenFile
from tillbridge.ingestion.ingesting import Ingestion
from tillbridge.ingestion.summary import sum_up

SECRET = "Noor's address"


@pytest.fixture
def client(sandbox_settings: SftpSettings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of the sandbox's SFTP server; nobody waits for files to stand still."""
    monkeypatch.setattr("tillbridge.clients.exchange.sleep", lambda seconds: None)
    with SftpClient(sandbox_settings) as client:
        yield client


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """What the SFTP server shows, on disk."""
    return tmp_path / "exchange"


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Let a function raise a `KeyError` whenever this text is in what it is given."""

    def spoil(name: str, text: str) -> None:
        module, _, function = name.rpartition(".")
        real = getattr(__import__(module, fromlist=[function]), function)

        def spoiled(*arguments: Any, **named: Any) -> Any:
            if any(text in repr(one) for one in arguments):
                raise KeyError(SECRET)
            return real(*arguments, **named)

        monkeypatch.setattr(name, spoiled)

    return spoil


def told(engine: Engine) -> list[str]:
    """Give the codes of what people are told of; no text says more than the class of what happened."""
    with transaction(engine) as connection:
        rows = connection.execute(select(invoice_failure)).all()
    assert SECRET not in str(rows)
    assert all("KeyError" in row.reason or row.reason_code != "internal-error" for row in rows)
    return [row.reason_code for row in rows]


def check(
    results: list[FileResult], file: str, root: Path, folder: str, log: pytest.LogCaptureFixture
) -> None:
    """The run fails at its end, names the file, and the document is kept without a word of the fault's text."""
    assert {result.result for result in results} == {"done"}
    assert file in stuck(results)
    assert "internal error" in stuck(results)
    kept = [p for p in (root / folder).rglob("*") if p.is_file() and p.parent.name != "archive"]
    reports = [p.read_text() for p in kept if p.name.endswith(".report.json")]
    assert SECRET not in "".join(reports) + log.text
    assert "KeyError" in log.text


def test_an_order_of_a_feed(
    engine: Engine,
    client: SftpClient,
    root: Path,
    spoil: Callable[[str, str], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The other orders of its feed and the feeds behind it are transformed."""
    spoil("tillbridge.invoicing.feeds.transform", "M2'")
    drop(root, FEEDS, "a.json", [text_of(numbered(n)) for n in (1, 2, 3)])
    drop(root, FEEDS, "b.json", [text_of(numbered(4))])
    results = transformed(engine, client)
    check(results, "a.json", root, FEEDS, caplog)
    assert [result.counts["transformed"] for result in results] == [2, 1]
    assert told(engine) == ["internal-error"]


def test_an_order_to_invoice_request(
    engine: Engine,
    client: SftpClient,
    root: Path,
    spoil: Callable[[str, str], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The other requests are entered into the ledger."""
    spoil("tillbridge.contracts.order_to_invoice.check", "77777777")
    bodies = [order_body("11111111"), order_body("77777777"), order_body("22222222")]
    drop(root, REQUESTS, "a.json", [body.decode() for body in bodies])
    results = taken_in(engine, client)
    check(results, "a.json", root, REQUESTS, caplog)
    assert results[0].counts["new"] == 2
    assert "internal-error" in told(engine)


def test_an_order_of_an_import(
    imports: Imports,
    root: Path,
    spoil: Callable[[str, str], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The other orders are imported, and the file can be dropped again when the program is mended."""
    spoil("tillbridge.oms.imported_orders.to_order", "T-2'")
    numbers = ("T-1", "T-2", "T-3")
    imports.drop("orders", "a.json", [order(one) for one in numbers])
    results = imports.run("orders")
    check(results, "a.json", root, FOLDERS["orders"], caplog)
    assert results[0].counts == {"imported": 2, "known": 0, "failed": 1}
    assert told(imports.engine) == ["internal-error"]


@pytest.mark.parametrize("place", ["read_row", "place", "apply"])
def test_a_row_of_stock_changes(
    imports: Imports,
    root: Path,
    spoil: Callable[[str, str], None],
    caplog: pytest.LogCaptureFixture,
    place: str,
) -> None:
    """The other rows are applied, and it is in the error file, to be dropped again."""
    spoil(f"tillbridge.oms.variances.{place}", "1234567")
    imports.drop("variances", "a.csv", csv(row(), row("1234567"), row("4", reason="VAR_FOUND")))
    results = imports.run("variances")
    check(results, "a.csv", root, FOLDERS["variances"], caplog)
    assert "row 3" in stuck(results)
    assert results[0].counts == {"applied": 2, "known": 0, "failed": 1}
    assert "KeyError" in imports.error_file("variances", "a-Error.csv")
    assert told(imports.engine) == ["variance"]


@pytest.mark.parametrize(
    "place",
    ["tillbridge.ingestion.tlog_file.read_transaction", "tillbridge.ingestion.ingesting.records"],
)
def test_a_sale_of_a_till(
    engine: Engine,
    client: SftpClient,
    root: Path,
    spoil: Callable[[str, str], None],
    caplog: pytest.LogCaptureFixture,
    place: str,
) -> None:
    """The other sales of its batch are taken in, in this run; nothing is left in `processing/`."""
    spoil(place, "A32-T1-000002")
    drop_tlogs(root, *(sale(orderId=f"A32-T1-00000{n}") for n in (1, 2, 3)))
    profile = till_profile()
    ingestion = Ingestion(engine, client, profile, rules(profile), "run")
    summary = sum_up([ingestion.ingest(batch) for batch in ingestion.batches()])
    assert summary.needs_help
    assert "tlog-00002.json" in summary.message
    assert "internal error" in summary.message
    assert {one.name: one.result for one in summary.files} == {
        "tlog-00001.json": "done",
        "tlog-00002.json": "quarantined",
        "tlog-00003.json": "done",
    }
    assert not list((root / "predictspring/tlog/processing").iterdir())
    report = json.loads(
        (root / "predictspring/tlog/quarantine/tlog-00002.json.report.json").read_text()
    )
    assert "KeyError" in report["findings"][0]["expected"]
    assert SECRET not in json.dumps(report) + caplog.text
    assert told(engine) == ["internal-error"]


def test_a_whole_file(engine: Engine, client: SftpClient, root: Path) -> None:
    """What no single document can be blamed for costs the file, not those behind it."""

    def work(file: TakenFile) -> Work:
        if file.name == "a.json":
            raise ZeroDivisionError(SECRET)
        return Work({"orders": 1})

    for name in ("a.json", "b.json"):
        drop(root, FEEDS, name, [])
    inbox = Inbox(engine, client, PROFILE, FEEDS, "run-1")
    results = [inbox.do(file, work) for file in inbox.waiting()]
    assert [result.result for result in results] == ["quarantined", "done"]
    assert "a.json" in stuck(results)
    assert "b.json" not in stuck(results)
    with transaction(engine) as connection:
        (row,) = connection.execute(select(invoice_failure)).all()
    assert row.reason_code == "internal-error"
    assert "ZeroDivisionError" in row.reason
    assert SECRET not in str(row)
