"""A till's document is read whole, or refused with everything that is wrong with it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.ingestion.baskets import ARRIVED_AT, day, line, rules, sale, till_profile
from tillbridge.contracts import json_text
from tillbridge.contracts.customer_order import read_customer_order
from tillbridge.errors import Finding, RecordRejected
from tillbridge.ingestion.reading import Reading, read_transaction


def read(document: dict[str, Any], **settings: Any) -> Reading:
    """Read a document as a run does that took its file two days after the sale."""
    return read_transaction(
        read_customer_order(document), rules(till_profile(**settings)), ARRIVED_AT
    )


def refused(document: dict[str, Any], **settings: Any) -> dict[str, str]:
    """Give what is wrong with a document, by place."""
    with pytest.raises(RecordRejected) as caught:
        read(document, **settings)
    return {found.pointer: found.expected for found in caught.value.findings}


def test_every_kind_of_basket_can_be_read() -> None:
    """What the sandbox's till sells is read without a finding or a warning."""
    for basket in day(customers=60):
        reading = read(basket.document)
        assert reading.warnings == (), basket.kind


def test_a_sale_in_the_words_of_the_poslog() -> None:
    """Register and number come from the order id, the business day is the store's."""
    late = datetime(2026, 11, 21, 5, 59, tzinfo=UTC)  # 23:59 in El Salvador
    made = read(sale(orderDate=int(late.timestamp() * 1000))).transaction
    assert (made.workstation_id, made.sequence_number) == ("A32-T1-", 1)
    assert made.business_day_date == date(2026, 11, 20)
    assert made.sales_total == Decimal("38.88")
    assert made.sales[0].item.value == "8720116010000"


@pytest.mark.parametrize(
    ("changes", "pointer", "expected"),
    [
        ({"orderDate": 1_795_190_400}, "/orderDate", "in seconds"),
        ({"orderDate": "yesterday"}, "/orderDate", "milliseconds since 1970"),
        ({"orderDate": 4_000_000_000_000}, "/orderDate", "check the clock"),
        ({"orderDate": True}, "/orderDate", "milliseconds since 1970"),
        ({"storeId": "SV-XXX"}, "/storeId", "tills.stores"),
        ({"storeId": None}, "/storeId", ""),
        ({"orderId": ""}, "/orderId", "the member is missing"),
        ({"orderId": "a" * 61}, "/orderId", "an id of at most 60"),
        ({"currency": "usd"}, "/currency", "ISO 4217"),
        ({"totalAmount": Decimal("38.87")}, "/totalAmount", "38.88, the sum of the lines"),
        ({"totalAmount": None}, "/totalAmount", "it is missing"),
        ({"orderSubTotal": Decimal(41)}, "/orderSubTotal", "expected 40"),
        ({"discount": Decimal(3)}, "/discount", "expected 4"),
        ({"taxSubTotal": Decimal(3)}, "/taxSubTotal", "expected 2.88"),
        ({"taxableAmount": Decimal(35)}, "/taxableAmount", "expected 36"),
        ({"orderProductList": []}, "/orderProductList", "a line here"),
    ],
)
def test_what_is_wrong_with_a_document(
    changes: dict[str, Any], pointer: str, expected: str
) -> None:
    """The finding names the member, and what was expected."""
    assert expected in refused(sale(**changes))[pointer]


@pytest.mark.parametrize(
    ("changes", "member", "expected"),
    [
        (
            {"omniFulfillmentType": "TELEPORT", "fulfillmentType": "X"},
            "omniFulfillmentType",
            "tills.lines",
        ),
        ({"quantity": -1}, "quantity", "returnProductList"),
        ({"quantity": 0}, "quantity", "other than 0"),
        ({"price": Decimal(-40)}, "price", "no negative number"),
        ({"total": Decimal(39)}, "total", "expected 38.88"),
        ({"subTotal": Decimal(39)}, "subTotal", "expected 40"),
        ({"gtin": None, "productId": None}, "", "a gtin or a productId"),
        ({"quantity": Decimal("1.00001")}, "quantity", "4 decimals"),
    ],
)
def test_what_is_wrong_with_a_line(changes: dict[str, Any], member: str, expected: str) -> None:
    """The finding names the line and its member."""
    pointer = f"/orderProductList/0/{member}".rstrip("/")
    assert expected in refused(sale(orderProductList=[line(**changes)]))[pointer]


def test_all_findings_come_at_once() -> None:
    """Who mends a document is told everything, not the first thing."""
    found = refused(
        sale(storeId="SV-XXX", orderProductList=[line(quantity=0, gtin=None, productId=None)])
    )
    assert set(found) >= {"/storeId", "/orderProductList/0/quantity", "/orderProductList/0"}


def test_settings_say_what_is_doubtful() -> None:
    """A brand may take amounts that do not add up with a warning, name its stores, and cancel lines."""
    wrong = sale(totalAmount=Decimal(40))
    assert "expected 38.88" in read(wrong, amount_mismatch="warn").warnings[0]
    assert read(sale(storeId="9"), stores={"9": "SV-A27"}).transaction.store == "SV-A27"
    assert read(sale(storeId="9"), unknown_store="accept").transaction.store == "9"
    gone = line(orderItemId="2", itemStatus="VOIDED")
    made = read(sale(orderProductList=[line(), gone])).transaction
    assert (made.sales[1].is_cancelled, made.sales_total) == (True, Decimal("38.88"))


@pytest.mark.parametrize(
    ("omni", "plain", "status", "fulfillment"),
    [
        ("IN_STORE", "IN_STORE", "COMPLETED", "in_store"),
        (None, "IN_STORE", None, "in_store"),
        ("SHIP_TO_HOME", "ONLINE", "COMPLETED", "endless_aisle"),
        ("ship_to_home", None, "CREATED", "endless_aisle"),
        (None, "ONLINE", "COMPLETED", "endless_aisle"),
        ("BOPIS", "ONLINE", "CREATED", "pickup"),
        (None, None, "CREATED", "endless_aisle"),
        ("", "", "COMPLETED", "in_store"),
    ],
)
def test_the_decision_table(
    omni: str | None, plain: str | None, status: str | None, fulfillment: str
) -> None:
    """What becomes of a line is said by its own members; the order's status only where they are silent."""
    one = line(omniFulfillmentType=omni, fulfillmentType=plain)
    made = read(sale(orderStatus=status, orderProductList=[one])).transaction
    assert made.sales[0].fulfillment == fulfillment


def test_the_remainder_after_returns_is_not_read() -> None:
    """`productList` may say anything."""
    assert len(read(sale(productList=[line(), line()])).transaction.sales) == 1


@pytest.mark.parametrize("total", ["38.88", "0", "-38.88"])
def test_a_return_may_state_any_of_its_totals(total: str) -> None:
    """A till that sends the old sale with what came back states the sale, the rest or the refund."""
    document = sale(totalAmount=Decimal(total), returnProductList=[line(quantity=-1)])
    assert read(document).transaction.returns_total == Decimal("38.88")


def test_a_discount_of_the_whole_sale() -> None:
    """Beside the lines it belongs to the sale; inside a line its total says so."""
    whole = sale(
        totalAmount=Decimal("35.88"), transactionDiscountAmount=Decimal(3), discount=Decimal(7)
    )
    assert read(whole).transaction.discount == Decimal(3)
    inside = line(discount=Decimal(1), transactionDiscountAmount=Decimal(3))
    assert read(sale(orderProductList=[inside])).transaction.sales[0].discount == Decimal(4)


def test_a_discount_that_only_its_adjustments_state() -> None:
    """The line's total shows that it counts."""
    found = [{"price": Decimal(1)}, {"price": Decimal(3), "priceAdjustmentType": "PROMOTION"}]
    one = line(discount=None, priceAdjustments=found)
    assert read(sale(orderProductList=[one])).transaction.sales[0].discount == Decimal(4)


def test_shipping_and_tenders() -> None:
    """A shipping charge counts to the total; tenders that do not pay it are a warning."""
    reading = read(sale(shippingAmount=Decimal(5), totalAmount=Decimal("43.88")))
    assert reading.transaction.shipping == Decimal(5)
    assert reading.warnings == ("tenders of 38.88, the sale costs 43.88",)


def test_a_clock_that_is_a_little_fast_is_forgiven() -> None:
    """Only a sale far in the future is refused."""
    soon = int((ARRIVED_AT + timedelta(minutes=30)).timestamp() * 1000)
    assert read(sale(orderDate=soon)).transaction.begin_date_time > ARRIVED_AT


def test_a_finding_shows_its_place() -> None:
    """Its text leads to the member."""
    assert str(Finding("/storeId", "9", "expected a store")) == "/storeId: expected a store"


@pytest.mark.parametrize(
    ("changes", "of_line"),
    [
        ({"totalAmount": "38.880000000000003"}, {}),
        ({"originalOrderId": "", "customerProfile": "", "email": ""}, {"gtin": ""}),
        ({"discount": Decimal(0), "transactionDiscountAmount": None}, {"discount": None}),
    ],
)
def test_what_tills_write_loosely(changes: dict[str, Any], of_line: dict[str, Any]) -> None:
    """Digits that binary arithmetic leaves, and empty texts for nothing, cost no sale."""
    if "discount" in changes:
        plain = {"total": Decimal("42.88")}
        changes = changes | {"totalAmount": Decimal("42.88")}
        of_line = of_line | plain
    document = json_text.write(sale(orderProductList=[line(**of_line)], **changes))
    text = document.replace(b'"38.880000000000003"', b"38.880000000000003")
    assert read(json_text.read(text)).transaction.sales


def test_an_article_without_tax_may_or_may_not_be_taxable() -> None:
    """A gift card beside shoes: the till counts it as taxable or not."""
    card = line(orderItemId="2", price=Decimal(25), subTotal=Decimal(25), discount=None)
    card |= {"tax": Decimal(0), "total": Decimal(25)}
    for taxable in (Decimal(36), Decimal(61)):
        document = sale(
            orderSubTotal=Decimal(65),
            taxableAmount=taxable,
            totalAmount=Decimal("63.88"),
            orderProductList=[line(), card],
        )
        assert read(document).transaction.sales_total == Decimal("63.88")


def test_a_discount_that_only_the_header_states() -> None:
    """It belongs to the sale as a whole, where the total shows it."""
    document = sale(discount=Decimal(9), totalAmount=Decimal("33.88"))
    assert read(document).transaction.discount == Decimal(5)


def test_prices_may_include_the_tax() -> None:
    """Then nothing comes on top, and the tax is kept beside the price."""
    document = sale(
        discount=None,
        taxSubTotal=Decimal("2.88"),
        totalAmount=Decimal(40),
        orderProductList=[line(discount=None, total=Decimal(40))],
    )
    assert refused(document)
    made = read(document, prices_include_tax=True).transaction
    assert (made.sales_total, made.sales[0].included_tax) == (Decimal(40), Decimal("2.88"))
