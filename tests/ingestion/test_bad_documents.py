"""Documents that no till should send: refused in words, or taken for what they are, and no run ends of one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests import corpus
from tests.ingestion.baskets import ARRIVED_AT, line, rules, sale, till_profile
from tillbridge.contracts import json_text
from tillbridge.contracts.customer_order import read_customer_order
from tillbridge.errors import RecordRejected
from tillbridge.ingestion.reading import Reading, Rules, read_transaction
from tillbridge.ingestion.records import Record, records
from tillbridge.ingestion.revision import KnownOrder, News, compare
from tillbridge.ingestion.tlog_file import TLogFile, read_into
from tillbridge.ingestion.totals import Totals
from tillbridge.profile import TillSettings

ReadFile = Callable[[bytes], TLogFile]


@pytest.fixture
def read_file(tmp_path: Path) -> ReadFile:
    """Read a file with this content."""

    def read_file(content: bytes) -> TLogFile:
        path = tmp_path / "file"
        path.write_bytes(content)
        file = TLogFile("tlog.json", "claimed", path, "0f" * 32, len(content), ARRIVED_AT)
        read_into(file, rules())
        return file

    return read_file


def read(document: dict[str, Any], **settings: Any) -> Reading:
    """Read a document through its JSON."""
    value = json_text.read(json_text.write(document))
    return read_transaction(read_customer_order(value), rules(till_profile(**settings)), ARRIVED_AT)


def refused(document: dict[str, Any], **settings: Any) -> dict[str, str]:
    """Give what is wrong with a document, by place."""
    with pytest.raises(RecordRejected) as caught:
        read(document, **settings)
    return {found.pointer: found.expected for found in caught.value.findings}


def made_of(document: dict[str, Any], **settings: Any) -> tuple[list[Record], Totals]:
    """Give the records of a document that was never seen, and the sums of both."""
    profile = till_profile(**settings)
    made = read(document, **settings).transaction
    news = compare(made, KnownOrder())
    assert isinstance(news, News)
    found, totals = list(records(made, news, 0, ARRIVED_AT, profile)), Totals()
    totals.add(made, news, found, oms_is_order_master=profile.tills.oms_is_order_master)
    return found, totals


def plain(**changes: Any) -> dict[str, Any]:
    """A line that states no sums of its own."""
    return line(subTotal=None, discount=None, tax=None, total=None, **changes)


def loose(**changes: Any) -> dict[str, Any]:
    """A sale that states no sums of its own."""
    return sale(orderSubTotal=None, discount=None, taxSubTotal=None, totalAmount=None, **changes)


@pytest.mark.parametrize(
    ("quantity", "price"),
    [
        (Decimal("0.333"), Decimal("2.99")),
        (Decimal("0.0001"), Decimal("0.0001")),
        (999_999_999_999, Decimal("999999999999.9999")),
        (Decimal("123456789.1234"), Decimal("98765.4321")),
    ],
)
@pytest.mark.parametrize("mismatch", ["quarantine", "warn"])
def test_a_line_that_no_column_holds_is_refused(
    quantity: Decimal, price: Decimal, mismatch: str
) -> None:
    """Too fine or too large a product of price and quantity is that sale's fault, not its batch's."""
    one = plain(quantity=quantity, price=price)
    for name in ("orderProductList", "returnProductList"):
        document = loose(**{"orderProductList": [], name: [one]})
        assert "12 digits" in refused(document, amount_mismatch=mismatch)[f"/{name}/0/quantity"]


def test_sums_that_no_column_holds_are_refused() -> None:
    """Many large lines and many large tenders."""
    large = plain(price=999_999_999_999)
    document = loose(orderProductList=[], returnProductList=[large, large])
    assert "12 digits" in refused(document)["/totalAmount"]
    tender = {
        "paymentMethod": "Cash",
        "totalAmountCarriedOverForExchange": Decimal("999999999999.9999"),
    }
    assert "12 digits" in refused(sale(tenders=[tender, tender]))["/totalAmount"]


@pytest.mark.parametrize("is_master", [True, False])
def test_a_discount_larger_than_its_line_is_refused(is_master: bool) -> None:
    """It would be shared out over the other lines; nothing shares a negative part."""
    lines = [
        plain() | {"discount": Decimal(60)},
        plain(orderItemId="2", omniFulfillmentType="SHIP_TO_HOME"),
    ]
    document = loose(orderProductList=lines, transactionDiscountAmount=Decimal(1))
    found = refused(
        document | {"totalAmount": Decimal(19)},
        oms_is_order_master=is_master,
        amount_mismatch="warn",
    )
    assert "no more than the line costs" in found["/orderProductList/0/discount"]


def test_a_discount_larger_than_the_sale_is_refused() -> None:
    """No order costs less than nothing."""
    document = loose(orderProductList=[plain()], transactionDiscountAmount=Decimal(50))
    found = refused(document | {"totalAmount": Decimal(-10)})
    assert "no more than the sale costs" in found["/transactionDiscountAmount"]


def test_lines_that_share_an_id_are_told_apart_whatever_ids_the_others_have() -> None:
    """The stand-in for a second `1` may be the id of a third line."""
    ids = ["1", "1", "1~2", "1~2", "1"]
    document = sale(
        orderSubTotal=200,
        discount=20,
        taxSubTotal=Decimal("14.40"),
        totalAmount=Decimal("194.40"),
        orderProductList=[line(orderItemId=one) for one in ids],
    )
    keys = [one.key for one in read(document).transaction.sales]
    assert len(set(keys)) == len(ids)
    assert keys[:2] == ["1", "1~2"]


@pytest.mark.parametrize("is_master", [True, False])
@pytest.mark.parametrize("omni", ["IN_STORE", "SHIP_TO_HOME"])
def test_a_return_that_was_cancelled_is_none(is_master: bool, omni: str) -> None:
    """It moves nothing and gives nothing back, and the sums still agree."""
    one = line(itemStatus="CANCELLED", omniFulfillmentType=omni)
    for sold in ([], [line()]):
        document = sale(orderProductList=sold, returnProductList=[one], totalAmount=None)
        found, totals = made_of(document, oms_is_order_master=is_master)
        assert "return" not in {record.kind for record in found}
        assert totals.disagreements() == []
        assert sum(record.kind == "variance" for record in found) == (bool(sold) and not is_master)


@pytest.mark.parametrize("total", ["77.76", "67.76", "28.88", "-38.88"])
def test_what_comes_back_of_a_sale_with_a_discount_of_the_whole(total: str) -> None:
    """Whichever total the till states, the sale keeps its discount: the return may come before the sale."""
    document = sale(
        orderSubTotal=80,
        discount=18,
        transactionDiscountAmount=10,
        taxSubTotal=Decimal("5.76"),
        totalAmount=Decimal(total),
        orderProductList=[line(), line(orderItemId="2")],
        returnProductList=[line()],
    )
    if total == "77.76":  # then it is in no line, and not in the total either
        document["discount"] = 8
    made = read(document).transaction
    assert made.discount == (0 if total == "77.76" else 10)
    assert made.sales_total == Decimal("77.76") - made.discount


def test_a_return_without_its_sale_is_a_return() -> None:
    """The order store knows the sale, or will; here the goods are known to be back."""
    document = sale(
        originalOrderId="A32-T1-000007",
        orderProductList=None,
        returnProductList=[line(quantity=-1)],
        totalAmount=Decimal("-38.88"),
    )
    [record], totals = made_of(document)
    body = json.loads(record.body)
    assert (record.kind, body["orderExternalId"]) == ("return", "A32-T1-000007")
    assert totals.disagreements() == []


@pytest.mark.parametrize(
    ("zone", "moment", "day", "local"),
    [
        # Chile turns its clocks at midnight: back to 23:00 of the day before, and forth to 01:00.
        ("America/Santiago", "2026-04-05T02:59:59", date(2026, 4, 4), "2026-04-04T23:59:59-03:00"),
        ("America/Santiago", "2026-04-05T03:00:00", date(2026, 4, 4), "2026-04-04T23:00:00-04:00"),
        ("America/Santiago", "2026-04-05T04:00:00", date(2026, 4, 5), "2026-04-05T00:00:00-04:00"),
        ("America/Santiago", "2026-09-06T03:59:59", date(2026, 9, 5), "2026-09-05T23:59:59-04:00"),
        ("America/Santiago", "2026-09-06T04:00:00", date(2026, 9, 6), "2026-09-06T01:00:00-03:00"),
        ("Europe/Berlin", "2026-03-28T22:59:59", date(2026, 3, 28), "2026-03-28T23:59:59+01:00"),
        ("Europe/Berlin", "2026-03-29T00:59:59", date(2026, 3, 29), "2026-03-29T01:59:59+01:00"),
        ("Europe/Berlin", "2026-03-29T01:00:00", date(2026, 3, 29), "2026-03-29T03:00:00+02:00"),
        ("Europe/Berlin", "2026-03-29T22:00:00", date(2026, 3, 30), "2026-03-30T00:00:00+02:00"),
        ("Europe/Berlin", "2026-10-25T00:30:00", date(2026, 10, 25), "2026-10-25T02:30:00+02:00"),
        ("Europe/Berlin", "2026-10-25T01:30:00", date(2026, 10, 25), "2026-10-25T02:30:00+01:00"),
        ("Europe/Berlin", "2026-10-25T22:59:59", date(2026, 10, 25), "2026-10-25T23:59:59+01:00"),
        ("Europe/Berlin", "2026-10-25T23:00:00", date(2026, 10, 26), "2026-10-26T00:00:00+01:00"),
    ],
)
def test_the_business_day_in_nights_when_clocks_are_turned(
    zone: str, moment: str, day: date, local: str
) -> None:
    """A sale belongs to the store's day, and its order says the moment without doubt."""
    sold_at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    document = sale(orderDate=int(sold_at.timestamp() * 1000))
    profile = till_profile().model_copy(update={"time_zone": zone})
    made = read_transaction(read_customer_order(document), rules(profile), ARRIVED_AT).transaction
    assert made.business_day_date == day
    news = compare(made, KnownOrder())
    assert isinstance(news, News)
    [record] = records(made, news, 0, ARRIVED_AT, profile)
    assert json.loads(record.body)["orderDate"] == local


@pytest.mark.parametrize(
    "wrong", ["\u202e1", "a\nb", "a\x00b", "a\u200bb", " a", "\ud800", "a" * 61]
)
def test_ids_that_nobody_can_see_are_refused(wrong: str) -> None:
    """Of an order, a line, a store; what is printable is taken, and is no path of anything."""
    assert "/orderId" in refused(sale(orderId=wrong))
    assert "/storeId" in refused(sale(storeId=wrong))
    assert "/orderProductList/0/orderItemId" in refused(
        sale(orderProductList=[line(orderItemId=wrong)])
    )
    assert "/orderProductList/0/gtin" in refused(sale(orderProductList=[line(gtin=wrong)]))


@pytest.mark.parametrize(
    ("before", "after", "pointer"),
    [
        (b'"storeId":', b'"storeId":"SV-A27","storeId":', "/storeId"),
        (b'"totalAmount":38.88', b'"totalAmount":NaN', "/totalAmount"),
        (b'"totalAmount":38.88', b'"totalAmount":-Infinity', "/totalAmount"),
        (b'"totalAmount":38.88', b'"totalAmount":1e400', "/totalAmount"),
        (b'"totalAmount":38.88', b'"totalAmount":3.888E1', "/totalAmount"),
        (b'"totalAmount":38.88', b'"totalAmount":' + b"9" * 5000, "/totalAmount"),
        (b'"totalAmount":38.88', b'"totalAmount":[38.88]', "/totalAmount"),
        (b'"storeId":"SV-A32"', b'"storeId":"\\ud800"', "/storeId"),
        (b'"orderStatus":"COMPLETED"', b'"orderStatus":"\\udfff"', "/orderStatus"),
        (b'"currency":"USD"', b'"currency":{}', "/currency"),
        (b'"tenders":', b'"tenders":{},"x":', "/tenders"),
        (b'"orderProductList":', b'"orderProductList":"x","x":', "/orderProductList"),
    ],
)
def test_a_value_that_cannot_be_trusted_is_named(
    read_file: ReadFile, before: bytes, after: bytes, pointer: str
) -> None:
    """Not the file is refused but the sale, at the member that is wrong."""
    content = json_text.write(sale())
    assert before in content
    file = read_file(content.replace(before, after, 1))
    [entry] = file.entries
    assert isinstance(entry.read, RecordRejected)
    assert pointer in {found.pointer for found in entry.read.findings}


@pytest.mark.parametrize(
    "content",
    [
        json_text.write(sale()).decode().encode("utf-16"),
        json_text.write(sale()).decode().encode("utf-16-le"),
        json_text.write(sale()).replace(b"A32-T1", b"A32-\xff1"),
        json_text.write(sale())[:-1],
        json_text.write(sale()) + json_text.write(sale()),
        json_text.write([sale(), sale()])[:-1],
        json_text.write([sale(), sale()])[:-20],
        json_text.write([sale()]) + b"[]",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"orderId":"' + b"a" * 9_000_000 + b'"}',
        b" " * 1000,
        b"\xef\xbb\xbf",
    ],
    ids=lambda content: f"{content[:12]!r} of {len(content)}",
)
def test_a_file_that_cannot_be_read_is_refused_whole(read_file: ReadFile, content: bytes) -> None:
    """And says why, in words."""
    file = read_file(content)
    assert file.problem
    assert file.entries == []
    assert all(0 < len(found.expected) < 200 for found in file.problem.findings)


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\r\n  ", b"\xef\xbb\xbf" + b" " * 200])
@pytest.mark.parametrize("is_array", [False, True])
def test_a_mark_and_blanks_before_the_document_do_no_harm(
    read_file: ReadFile, start: bytes, is_array: bool
) -> None:
    """A byte order mark of UTF-8 is stripped once."""
    content = start + json_text.write([sale()] if is_array else sale()) + b"\r\n"
    file = read_file(content)
    assert file.is_array == is_array
    assert [isinstance(entry.read, Reading) for entry in file.entries] == [True]


def test_a_deeply_nested_element_costs_only_itself(read_file: ReadFile) -> None:
    """The sales beside it are read."""
    deep = b'{"orderId":' + b"[" * 3000 + b"]" * 3000 + b"}"
    file = read_file(b"[" + json_text.write(sale()) + b"," + deep + b"]")
    assert [isinstance(entry.read, Reading) for entry in file.entries] == [True, False]


@pytest.mark.parametrize("name", corpus.SALES)
@pytest.mark.parametrize("is_master", [True, False])
def test_whatever_becomes_of_a_document_its_sums_agree(name: str, is_master: bool) -> None:
    """Known documents that were made to be trouble."""
    document = json_text.read(corpus.SALES[name].encode())
    settings = TillSettings(oms_is_order_master=is_master, unknown_store="accept")
    try:
        made = read_transaction(
            read_customer_order(document), Rules(settings, "America/El_Salvador"), ARRIVED_AT
        ).transaction
    except RecordRejected:
        return
    news = compare(made, KnownOrder())
    assert isinstance(news, News)
    totals = Totals()
    found = list(records(made, news, 0, ARRIVED_AT, till_profile(oms_is_order_master=is_master)))
    totals.add(made, news, found, oms_is_order_master=is_master)
    assert totals.disagreements() == []
