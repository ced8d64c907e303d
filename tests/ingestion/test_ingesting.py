"""TLogs from a real SFTP server into the outbox of the order store: whole, and once."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from sandbox.baskets import Basket
from tests.ingestion.baskets import day, line, sale, stock_moves, till_profile
from tests.ingestion.places import Run, drop, handed_over, put_away, variances
from tillbridge.database.engine import transaction
from tillbridge.database.ledger_tables import invoice_failure
from tillbridge.database.till_tables import till_line, till_record, till_transaction
from tillbridge.ingestion import ingesting
from tillbridge.ingestion.ingesting import Ingestion


def test_a_day_of_a_till_becomes_orders_and_returns(run: Run, exchange: Path) -> None:
    """Every sale is one order, every line brought back is returned once, and the sums agree."""
    baskets = day(customers=40)
    drop(exchange, *(basket.document for basket in baskets))
    summary = run()
    assert not summary.needs_help, summary.message
    orders = handed_over(exchange, "hotwax/order-import")
    sales = {basket.order_id: basket.document for basket in baskets if basket.kind != "return"}
    assert sorted(order["externalId"] for order in orders) == sorted(sales)
    for order in orders:
        assert order["grandTotal"] == sales[order["externalId"]]["totalAmount"]
        assert order["salesChannelEnumId"] == "POS_SALES_CHANNEL"
    returns = handed_over(exchange, "hotwax/return-import")
    back = [basket.document["returnProductList"] for basket in baskets if basket.kind == "return"]
    assert len(returns) == len(back) > 0
    assert sum(one["returnTotal"] for one in returns) == sum(one["total"] for [one] in back)
    assert len(put_away(exchange, "archive")) == len(baskets)


def test_what_is_sent_again_changes_nothing(run: Run, engine: Engine, exchange: Path) -> None:
    """The same bytes, the same document written otherwise, and a batch of everything: nothing is new."""
    documents = [basket.document for basket in day()]
    drop(exchange, *documents)
    run()
    before = _tables(engine)
    drop(exchange, *documents)
    assert run().message.startswith("0 transactions taken in")
    turned = [dict(reversed(document.items())) for document in documents]
    drop(exchange, *turned, documents, start=1000)
    summary = run()
    assert f"{2 * len(documents)} known before" in summary.message
    assert _tables(engine) == before
    assert not put_away(exchange, "quarantine")


def test_where_the_oms_is_not_master_only_stock_moves(run: Run, exchange: Path) -> None:
    """What crosses the counter is a variance; what is shipped or picked up is still an order."""
    baskets = day(customers=40)
    drop(exchange, *(basket.document for basket in baskets))
    summary = run(till_profile(oms_is_order_master=False))
    assert not summary.needs_help, summary.message
    assert variances(exchange) == stock_moves(baskets)
    methods = {
        group["shipmentMethodTypeId"]
        for order in handed_over(exchange, "hotwax/order-import")
        for group in order["shipGroups"]
    }
    assert methods == {"STANDARD", "STOREPICKUP"}


def test_where_predictspring_sends_the_variance_none_is_made(run: Run, exchange: Path) -> None:
    """Otherwise stock would move twice."""
    drop(exchange, *(basket.document for basket in day()))
    run(till_profile(oms_is_order_master=False, variance_source="predictspring"))
    assert variances(exchange) == Counter()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[", b'{"orderId": "1"', b"\xff\xfe", b"[1, 2]", b'"text"', b"{}", b"null"],
)
def test_a_file_that_cannot_be_read_does_not_stop_the_others(
    run: Run, engine: Engine, exchange: Path, content: bytes
) -> None:
    """It lies in quarantine as it came, with a report beside it, and is told of once."""
    drop(exchange, content, sale())
    for _ in range(2):
        run()
    assert len(handed_over(exchange, "hotwax/order-import")) == 1
    kept = [name for name in put_away(exchange, "quarantine") if ".report." not in name]
    [name] = kept
    if content != b"[1, 2]":
        assert (exchange / "predictspring/tlog/quarantine" / name).read_bytes() == content
    with transaction(engine) as connection:
        told = connection.scalar(select(func.count()).select_from(invoice_failure))
    assert told == (2 if content == b"[1, 2]" else 1)


def test_one_bad_sale_of_a_batch_does_not_cost_the_others(
    run: Run, exchange: Path, engine: Engine
) -> None:
    """The good ones are taken in, the bad one is kept with its findings, and can be mended."""
    bad = sale(orderId="A32-T1-000002", totalAmount=Decimal(1))
    drop(exchange, [sale(), bad])
    assert "1 transaction taken in" in run().message
    [kept] = (exchange / "predictspring/tlog/quarantine").glob("tlog-00001-????????.json")
    [report] = json.loads(kept.with_name(kept.name + ".report.json").read_text())
    assert report["order"] == "A32-T1-000002"
    assert report["findings"][0]["pointer"] == "/totalAmount"
    drop(exchange, sale(orderId="A32-T1-000002"), start=9)
    assert "1 transaction taken in" in run().message


def test_other_content_under_the_same_order_is_a_conflict(
    run: Run, exchange: Path, engine: Engine
) -> None:
    """The first stays; the second is kept, told of, and changes nothing."""
    drop(exchange, sale())
    run()
    dearer = line(price=Decimal(50), subTotal=Decimal(50), total=Decimal("48.88"))
    again = sale(totalAmount=Decimal("48.88"), orderSubTotal=Decimal(50), orderProductList=[dearer])
    drop(exchange, again, start=2)
    assert "1 in conflict" in run().message
    assert [one["grandTotal"] for one in handed_over(exchange, "hotwax/order-import")] == [
        Decimal("38.88")
    ]
    with transaction(engine) as connection:
        [failure] = connection.execute(select(invoice_failure)).all()
    assert (failure.kind, failure.journey, failure.order_no) == (
        "conflict",
        "tills",
        "A32-T1-000001",
    )


def test_goods_that_come_back_in_two_visits_are_returned_twice(run: Run, exchange: Path) -> None:
    """The list of what came back grows; each line counts once, under a return of its own."""
    two = [line(), line(orderItemId="2")]
    whole: dict[str, Any] = {
        "totalAmount": Decimal("77.76"),
        "orderSubTotal": Decimal(80),
        "discount": Decimal(8),
        "taxSubTotal": Decimal("5.76"),
        "orderProductList": two,
    }
    drop(
        exchange,
        sale(**whole),
        sale(**whole, returnProductList=two[:1]),
        sale(**whole, returnProductList=two),
    )
    run()
    returns = handed_over(exchange, "hotwax/return-import")
    assert [one["returnId"] for one in returns] == ["A32-T1-000001-R1", "A32-T1-000001-R2"]
    assert [item["orderItemExternalId"] for one in returns for item in one["items"]] == [
        "A32-T1-000001-1",
        "A32-T1-000001-2",
    ]


@pytest.mark.parametrize("step", ["_take", "_record", "_judge", "publish", "_put_away"])
@pytest.mark.parametrize("passage", [1, 3])
def test_a_run_that_dies_anywhere_is_made_good_by_the_next(
    run: Run,
    engine: Engine,
    exchange: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    passage: int,
) -> None:
    """Whatever step it dies after, in the end every sale was handed over once."""
    baskets = day()
    drop(exchange, *(basket.document for basket in baskets))
    count = 0
    whole = getattr(Ingestion, step)

    def dying(self: Ingestion, *arguments: Any) -> Any:
        nonlocal count
        result = whole(self, *arguments)
        count += 1
        if count >= passage:
            raise KeyboardInterrupt
        return result

    with monkeypatch.context() as patched:
        patched.setattr(ingesting.Ingestion, step, dying)
        with pytest.raises(KeyboardInterrupt):
            run(till_profile(files_at_once=8), worker="killed")
    summary = run(worker="next")
    assert not summary.needs_help, summary.message
    _same_as_the_till(engine, exchange, baskets)


def _same_as_the_till(engine: Engine, exchange: Path, baskets: list[Basket]) -> None:
    orders = [one["externalId"] for one in handed_over(exchange, "hotwax/order-import")]
    assert sorted(orders) == sorted(b.order_id for b in baskets if b.kind != "return")
    returns = [one["returnId"] for one in handed_over(exchange, "hotwax/return-import")]
    assert sorted(returns) == sorted(f"{b.order_id}-R1" for b in baskets if b.kind == "return")
    assert len(put_away(exchange, "archive")) == len(baskets)
    assert put_away(exchange, "processing") == []


def _tables(engine: Engine) -> list[Any]:
    with transaction(engine) as connection:
        return [
            connection.execute(select(table).order_by(*table.primary_key)).all()
            for table in (till_transaction, till_line, till_record)
        ]
