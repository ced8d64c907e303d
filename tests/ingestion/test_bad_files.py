"""Files as a careless sender, a broken line or a bad day makes them, on a real SFTP server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any
from unicodedata import category

import pytest
from sqlalchemy import Engine, select

from tests import corpus
from tests.ingestion.baskets import day, line, rules, sale, till_profile
from tests.ingestion.places import Run, drop, handed_over, put_away
from tillbridge.clients import exchange as exchange_folders
from tillbridge.clients.exchange import Folder
from tillbridge.clients.sftp import SftpClient
from tillbridge.contracts import json_text
from tillbridge.database.engine import transaction
from tillbridge.database.ledger_tables import invoice_failure
from tillbridge.ingestion.ingesting import Ingestion
from tillbridge.ingestion.summary import sum_up

NAMES = re.compile(
    r"(OrderImport|ReturnImport)-[0-9-]{19}-[0-9a-f]{8}\.json|tlog-[0-9]{5}(-[0-9a-f]{8})?\.json(\.report\.json)?"
)
TWO = {
    "orderSubTotal": 80,
    "discount": 8,
    "taxSubTotal": Decimal("5.76"),
    "totalAmount": Decimal("77.76"),
    "orderProductList": [line(), line(orderItemId="2")],
}


def orders(exchange: Path) -> list[str]:
    """Name the orders that were handed over."""
    return [one["externalId"] for one in handed_over(exchange, "hotwax/order-import")]


def failed(engine: Engine) -> list[Any]:
    """Give what people are told of."""
    with transaction(engine) as connection:
        return list(connection.execute(select(invoice_failure)).all())


def test_the_same_sale_twice_counts_once(run: Run, exchange: Path) -> None:
    """In one array, in two files of one batch, and as the same bytes under two names."""
    again = dict(reversed(sale().items()))
    drop(exchange, [sale(), again], again, sale(), sale())
    summary = run()
    assert not summary.needs_help, summary.message
    assert orders(exchange) == ["A32-T1-000001"]
    assert len(put_away(exchange, "archive")) == 4


def test_the_same_useless_bytes_twice_are_kept_and_told_of(
    run: Run, exchange: Path, engine: Engine
) -> None:
    """Neither stands in the way of the other, or of the sale beside them."""
    bad = sale(orderId="A32-T1-000002", totalAmount=1)
    drop(exchange, b"{", b"{", bad, bad, [bad], [bad], sale())
    summary = run()
    assert not summary.needs_help, summary.message
    assert orders(exchange) == ["A32-T1-000001"]
    kept = {
        path.read_bytes() for path in (exchange / "predictspring/tlog/quarantine").glob("*.json")
    }
    assert {b"{", json_text.write(bad)} <= kept
    assert put_away(exchange, "processing") == []
    before = len(failed(engine))
    assert before >= 3
    run()
    assert len(failed(engine)) == before


def test_other_content_of_one_order_in_one_batch_is_a_conflict(run: Run, exchange: Path) -> None:
    """The earlier sale stays, whichever file comes first."""
    later = sale(**TWO, orderDate=sale()["orderDate"] + 60_000)
    drop(exchange, later, sale())
    assert "1 in conflict" in run().message
    [order] = handed_over(exchange, "hotwax/order-import")
    assert order["grandTotal"] == Decimal("38.88")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        (
            {"transactionDiscountAmount": 3, "discount": 7, "totalAmount": Decimal("35.88")},
            "totalAmount",
        ),
        ({"shippingAmount": 5, "totalAmount": Decimal("43.88")}, "totalAmount"),
        ({"currency": "EUR"}, "currency"),
    ],
)
@pytest.mark.parametrize("runs", [1, 2])
def test_the_same_lines_for_another_sum_are_a_conflict(
    run: Run, exchange: Path, engine: Engine, changes: dict[str, Any], pointer: str, runs: int
) -> None:
    """A discount or a currency that changes changes what was sold, in one run or in two."""
    drop(exchange, sale())
    if runs == 2:
        run()
    drop(exchange, sale(**changes), start=2)
    assert "1 in conflict" in run().message
    [failure] = failed(engine)
    assert (failure.kind, failure.reason_code) == ("conflict", pointer)
    [order] = handed_over(exchange, "hotwax/order-import")
    assert (order["grandTotal"], order["currencyUom"]) == (Decimal("38.88"), "USD")


def test_a_return_may_come_before_its_sale(run: Run, exchange: Path) -> None:
    """The sale that the return repeats is the sale; when it comes by itself, it is known."""
    drop(exchange, sale(**TWO, returnProductList=[line()]))
    assert "1 transaction taken in" in run().message
    drop(exchange, sale(**TWO), start=2)
    assert "1 known before" in run().message
    assert orders(exchange) == ["A32-T1-000001"]
    [back] = handed_over(exchange, "hotwax/return-import")
    assert back["returnId"] == "A32-T1-000001-R1"


def test_a_file_that_grows_is_left_until_it_stands_still(
    run: Run, exchange: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer adds to it while it is watched; nothing of it is read."""
    whole = json_text.write(sale())
    drop(exchange, whole[:100])
    path = exchange / "predictspring/tlog/tlog-00001.json"
    with monkeypatch.context() as patched, path.open("ab") as file:

        def write_on(seconds: float) -> None:
            file.write(whole[100:200])
            file.flush()

        patched.setattr(exchange_folders, "sleep", write_on)
        assert run().message.startswith("0 transactions taken in from 0 files")
        file.write(whole[200:])
    run()
    assert orders(exchange) == ["A32-T1-000001"]
    assert put_away(exchange, "quarantine") == []


def test_a_file_that_its_writer_ends_after_it_was_taken_can_be_taken_again(
    run: Run, exchange: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    """A writer that paused too long ends its file in quarantine; dropped again, it is a sale."""
    whole = json_text.write(sale())
    drop(exchange, whole[:100])
    with (exchange / "predictspring/tlog/tlog-00001.json").open("ab") as file:
        assert "1 file in quarantine" in run().message
        file.write(whole[100:])
    kept = exchange / "predictspring/tlog/quarantine/tlog-00001.json"
    kept.rename(exchange / "predictspring/tlog/tlog-00001.json")
    run()
    assert orders(exchange) == ["A32-T1-000001"]
    assert len(failed(engine)) == 1


def test_a_file_that_grows_between_claim_and_end_is_left(
    run: Run, exchange: Path, monkeypatch: pytest.MonkeyPatch, sftp: SftpClient
) -> None:
    """Its size changes while it is fetched; the next run reads it whole."""
    documents = [sale(orderId=f"A32-T1-{number:06}") for number in range(2000)]
    drop(exchange, documents, sale(orderId="A32-T1-999999"))
    path = exchange / "predictspring/tlog/tlog-00001.json"
    whole, take = path.read_bytes(), Folder.take
    path.write_bytes(whole[:-1])
    with path.open("ab", buffering=0) as file, monkeypatch.context() as patched:

        def take_and_write_on(self: Folder, *arguments: Any) -> str | None:
            claim = take(self, *arguments)
            file.write(whole[-1:])
            return claim

        patched.setattr(Folder, "take", take_and_write_on)
        run()
    run(worker="next")
    assert len(set(orders(exchange))) == len(orders(exchange))
    assert put_away(exchange, "processing") == []


def test_two_runs_at_once_hand_everything_over_once(
    engine: Engine, sftp: SftpClient, exchange: Path
) -> None:
    """They share the files as they come, and neither waits for the other for ever."""
    baskets = day(customers=40)
    other = sale(orderId="A32-T9-000001")
    drop(exchange, *(one.document for one in baskets), b"{", [other | {"totalAmount": 1}, other])
    profile = till_profile(files_at_once=4)

    def work(worker: str) -> None:
        ingestion = Ingestion(engine, sftp, profile, rules(profile), worker)
        ingestion.publish()
        sum_up([ingestion.ingest(batch) for batch in ingestion.batches()])

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(work, ["one", "two"]))
    work("last")
    sold = {basket.order_id for basket in baskets if basket.kind != "return"}
    assert sorted(orders(exchange)) == sorted(sold | {"A32-T9-000001"})
    back = [one["returnId"] for one in handed_over(exchange, "hotwax/return-import")]
    assert len(back) == len(set(back)) == sum(basket.kind == "return" for basket in baskets)
    assert len(put_away(exchange, "archive")) == len(baskets) + 1
    assert put_away(exchange, "processing") == []
    assert len(failed(engine)) == 2


def test_no_order_id_is_part_of_a_name(run: Run, exchange: Path, engine: Engine) -> None:
    """Whatever an order is called: files are called by number, and people see one harmless line."""
    ids = [text for text in corpus.TEXTS if len(text) <= 60]
    documents = [
        sale(orderId=text, displayOrderId=text, orderProductList=[line(orderItemId=text)])
        for text in ids
    ]
    drop(exchange, *documents)
    summary = run()
    assert not summary.needs_help, summary.message
    taken = [text for text in ids if text == text.strip() and text.isprintable() and text]
    assert sorted(orders(exchange)) == sorted(taken)
    inside = [path for path in exchange.rglob("*") if path.is_file()]
    assert all(NAMES.fullmatch(path.name) for path in inside), inside
    assert len(inside) == 2 * (len(ids) - len(taken)) + len(taken) + 1
    shown = [note for file in summary.files for note in file.notes]
    shown += [str(value) for row in failed(engine) for value in row if isinstance(value, str)]
    assert [text for text in shown if {"Cc", "Cf", "Cs"} & set(map(category, text))] == []


def test_one_bad_sale_in_an_array_of_many(run: Run, exchange: Path) -> None:
    """All the others are orders."""
    many = [sale(orderId=f"A32-T1-{number:06}") for number in range(1, 1001)]
    many[500] |= {"currency": None}
    drop(exchange, many)
    assert "999 transactions taken in from 1 file" in run().message
    [kept] = (exchange / "predictspring/tlog/quarantine").glob("tlog-00001-????????.json")
    [report] = json.loads(kept.with_name(kept.name + ".report.json").read_text())
    assert (report["placeInFile"], report["findings"][0]["pointer"]) == (500, "/currency")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[" + b",".join([b"1"] * 100_001) + b"]", "1,001 of 1,001 records cannot"),
        (b"[" + b",".join([b"1"] * 41) + b"]", "41 of 41 records cannot"),
        ([sale(), sale(), sale()], "at most 2 CustomerOrders; part the file"),
    ],
    ids=["very many", "mostly", "too many good ones"],
)
def test_a_file_that_holds_too_much(
    run: Run,
    exchange: Path,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    content: Any,
    reason: str,
) -> None:
    """A small file that would fill the memory, or the report, is refused whole; the sale beside it is taken."""
    if isinstance(content, list):
        monkeypatch.setattr("tillbridge.ingestion.tlog_file._MOST_TRANSACTIONS", 2)
    drop(exchange, content, sale())
    run()
    assert orders(exchange) == ["A32-T1-000001"]
    assert put_away(exchange, "quarantine") == ["tlog-00001.json", "tlog-00001.json.report.json"]
    (told,) = failed(engine)
    assert reason in told.reason[:1].lower() + told.reason[1:]


def test_large_files_are_not_in_memory_together(
    run: Run, exchange: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch ends where its bytes would be too many, and a file that is too large alone is alone."""
    monkeypatch.setattr("tillbridge.ingestion.ingesting._LARGEST_BATCH", 2000)
    sizes = []
    ingest: Callable[..., Any] = Ingestion.ingest

    def seen(self: Ingestion, batch: Any) -> Any:
        sizes.append(len(batch))
        return ingest(self, batch)

    monkeypatch.setattr(Ingestion, "ingest", seen)
    small = [sale(orderId=f"A32-T1-{number:06}") for number in range(5)]
    large = [sale(orderId=f"A32-T2-{number:06}") for number in range(5)]
    drop(exchange, *small[:3], large, *small[3:])
    run()
    assert len(orders(exchange)) == 10
    assert 1 in sizes
    assert sum(sizes) == 6
    assert max(sizes) < 4
