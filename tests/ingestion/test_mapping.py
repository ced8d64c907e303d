"""Whatever a till sells: what comes in goes out, to the cent and the piece, and nothing twice."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingestion.baskets import ARRIVED_AT, line, rules, sale, till_profile
from tillbridge import money
from tillbridge.contracts import json_text
from tillbridge.contracts.customer_order import read_customer_order
from tillbridge.ingestion.reading import read_transaction
from tillbridge.ingestion.records import Record, records
from tillbridge.ingestion.revision import Conflict, KnownOrder, News, compare
from tillbridge.ingestion.transaction import RetailTransaction
from tillbridge.profile import Profile

FULFILLMENT = {"in_store": "IN_STORE", "endless_aisle": "SHIP_TO_HOME", "pickup": "BOPIS"}
cents = st.integers(0, 50_000).map(lambda value: Decimal(value) / 100)


@st.composite
def lines(draw: st.DrawFn, index: int) -> dict[str, Any]:
    """A line of any kind whose amounts add up."""
    price, quantity = draw(cents), draw(st.integers(1, 5))
    discount = min(draw(cents), price * quantity)
    tax = draw(cents)
    kind = draw(st.sampled_from(list(FULFILLMENT)))
    return line(
        orderItemId=str(index),
        omniFulfillmentType=FULFILLMENT[kind],
        fulfillmentType="IN_STORE" if kind == "in_store" else "ONLINE",
        gtin=f"87201160{draw(st.integers(10000, 10005))}",
        quantity=quantity,
        price=price,
        subTotal=price * quantity,
        discount=discount,
        tax=tax,
        total=price * quantity - discount + tax,
        itemStatus=draw(st.sampled_from(["COMPLETED"] * 5 + ["CANCELLED"])),
    )


@st.composite
def sales(draw: st.DrawFn) -> dict[str, Any]:
    """A sale of any lines, with any split over tenders, a discount of the whole, and shipping."""
    found = [draw(lines(index)) for index in range(1, draw(st.integers(1, 6)) + 1)]
    kept = [one for one in found if one["itemStatus"] != "CANCELLED"]
    total = sum((one["total"] for one in kept), Decimal(0))
    shipping = draw(cents)
    off = min(draw(cents), total + shipping)
    first = draw(st.integers(0, 100))
    paid = total + shipping - off
    part = (paid * first / 100).quantize(Decimal("0.01"))
    return sale(
        orderSubTotal=sum((one["subTotal"] for one in kept), Decimal(0)),
        discount=sum((one["discount"] for one in kept), Decimal(0)) + off,
        transactionDiscountAmount=off,
        taxSubTotal=sum((one["tax"] for one in kept), Decimal(0)),
        totalAmount=paid,
        shippingAmount=shipping,
        orderProductList=found,
        returnProductList=draw(st.sampled_from([None, [], found[:1]])),
        tenders=[
            {"paymentMethod": "Cash", "amountAuthorized": part},
            {"paymentMethod": "CreditCard", "amountAuthorized": paid - part},
        ],
    )


def read(document: dict[str, Any], profile: Profile) -> RetailTransaction:
    """Read a document through its JSON."""
    value = json_text.read(json_text.write(document))
    return read_transaction(read_customer_order(value), rules(profile), ARRIVED_AT).transaction


def news(made: RetailTransaction, known: KnownOrder | None = None) -> News:
    """Give what is new in a transaction that contradicts nothing."""
    found = compare(made, known or KnownOrder())
    assert not isinstance(found, Conflict)
    return found


def handed_over(made: RetailTransaction, profile: Profile) -> dict[str, list[dict[str, Any]]]:
    """Give the records of a transaction that was never seen, by kind."""
    found: dict[str, list[dict[str, Any]]] = {"order": [], "return": [], "variance": []}
    for one in records(made, news(made), 0, ARRIVED_AT, profile):
        found[one.kind].append(json.loads(one.body, parse_float=Decimal))
    return found


def pieces(items: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Count what items move, cancelled ones apart."""
    return Counter(
        {
            (item["externalId"], item["idValue"]): int(item["quantity"])
            for item in items
            if item["statusId"] != "ITEM_CANCELLED"
        }
    )


def adjusted(adjustments: list[dict[str, Any]]) -> Decimal:
    """Sum adjustments."""
    return sum((Decimal(one["amount"]) for one in adjustments), Decimal(0))


@given(sales())
def test_an_order_is_worth_what_the_till_took(document: dict[str, Any]) -> None:
    """Items, adjustments and payments each come to the till's total, and each piece is there once."""
    made = read(document, till_profile())
    [order] = handed_over(made, till_profile())["order"]
    items = [item for group in order["shipGroups"] for item in group["items"]]
    kept = [item for item in items if item["statusId"] != "ITEM_CANCELLED"]
    goods = sum(
        (item["quantity"] * item["unitPrice"] + adjusted(item["adjustments"]) for item in kept),
        Decimal(0),
    )
    # A till that sends what came back may state another total; the order is always the sale.
    stated = made.sales_total
    assert goods + adjusted(order["adjustments"]) == order["grandTotal"] == stated
    assert sum(one["maxAmount"] for one in order["paymentPreferences"]) == stated
    assert len(items) == len(document["orderProductList"])
    assert order["statusId"] == _status(document)


def _status(document: dict[str, Any]) -> str:
    kept = [one for one in document["orderProductList"] if one["itemStatus"] != "CANCELLED"]
    if not kept:
        return "ORDER_CANCELLED"
    is_done = all(one["omniFulfillmentType"] == "IN_STORE" for one in kept)
    return "ORDER_COMPLETED" if is_done else "ORDER_CREATED"


@given(sales())
def test_where_the_oms_is_not_master_every_line_still_goes_somewhere(
    document: dict[str, Any],
) -> None:
    """What crossed the counter is a variance, everything else an order whose payments come to its total."""
    profile = till_profile(oms_is_order_master=False)
    made = read(document, profile)
    found = handed_over(made, profile)
    items = [
        item for one in found["order"] for group in one["shipGroups"] for item in group["items"]
    ]
    shipped = [
        one for one in document["orderProductList"] if one["omniFulfillmentType"] != "IN_STORE"
    ]
    assert len(items) == len(shipped)
    for order in found["order"]:
        paid = sum(Decimal(one["maxAmount"]) for one in order["paymentPreferences"])
        assert paid == max(order["grandTotal"], 0)
    moved = sum(Decimal(row["availableDelta"]) for row in found["variance"])
    counter = [
        (sign, one)
        for name, sign in (("orderProductList", -1), ("returnProductList", 1))
        for one in document[name] or ()
        if one["omniFulfillmentType"] == "IN_STORE" and one["itemStatus"] != "CANCELLED"
    ]
    assert moved == sum(sign * one["quantity"] for sign, one in counter)


@given(sales(), st.integers(1, 3))
def test_nothing_is_handed_over_twice(document: dict[str, Any], times: int) -> None:
    """However often and in whatever order of members a document comes, its lines are new once."""
    profile = till_profile()
    known = KnownOrder()
    made: list[Record] = []
    for number in range(times + 1):
        again = dict(reversed(document.items())) if number % 2 else document
        transaction = read(again, profile)
        fresh = news(transaction, known)
        made += records(transaction, fresh, known.returns, ARRIVED_AT, profile)
        known.add(transaction, fresh)
    assert made == list(records(transaction, news(transaction), 0, ARRIVED_AT, profile))


@given(sales(), st.data())
def test_what_was_sold_cannot_change(document: dict[str, Any], data: st.DataObject) -> None:
    """A known order with another line, a line less, or a dearer line is a conflict."""
    made = read({**document, "returnProductList": None}, till_profile())
    known = KnownOrder()
    known.add(made, news(made))
    changed = data.draw(st.sampled_from(["more", "less", "dearer"]))
    first, *others = document["orderProductList"]
    other = {
        "more": [first, *others, {**first, "orderItemId": "99"}],
        "less": others,
        "dearer": [
            {**first, "price": first["price"] + 1, "subTotal": None, "total": None},
            *others,
        ],
    }[changed]
    if not other:
        return
    loose = dict.fromkeys(("orderSubTotal", "discount", "taxSubTotal", "transactionDiscountAmount"))
    profile = till_profile(amount_mismatch="warn")
    again = read(
        {**document, **loose, "orderProductList": other, "returnProductList": None}, profile
    )
    assert isinstance(compare(again, known), Conflict)


@pytest.mark.parametrize(("currency", "places"), [("JPY", 0), ("USD", 2), ("KWD", 3)])
def test_a_part_bears_its_share_in_whole_coins(currency: str, places: int) -> None:
    """Where only a part of a sale becomes an order, discounts and payments are shared to the coin."""
    coin = Decimal(1).scaleb(-places)
    one = line(price=Decimal(10), subTotal=Decimal(10), discount=None, tax=None, total=Decimal(10))
    shipped = {**one, "orderItemId": "2", "omniFulfillmentType": "SHIP_TO_HOME"}
    profile = till_profile(oms_is_order_master=False)
    made = read(
        sale(
            currency=currency,
            orderSubTotal=Decimal(30),
            discount=coin,
            transactionDiscountAmount=coin,
            taxSubTotal=None,
            totalAmount=30 - coin,
            orderProductList=[one, shipped, {**shipped, "orderItemId": "3"}],
            tenders=[{"paymentMethod": "Cash", "amountAuthorized": 30 - coin}],
        ),
        profile,
    )
    [order] = handed_over(made, profile)["order"]
    paid = sum(Decimal(str(one["maxAmount"])) for one in order["paymentPreferences"])
    assert paid == order["grandTotal"]
    assert money.finest([paid], currency) == places


def payments(document: dict[str, Any]) -> list[tuple[str, str, Decimal]]:
    """Give how the order of a document is paid."""
    [order] = handed_over(read(document, till_profile()), till_profile())["order"]
    return [
        (one["paymentMethodTypeId"], one["statusId"], Decimal(str(one["maxAmount"])))
        for one in order["paymentPreferences"]
    ]


def test_goods_that_come_back_pay_for_what_is_sold_with_them() -> None:
    """An exchange in one document is paid whole: by its tender, and by the goods."""
    back = line(gtin="8720116010001", discount=None, tax=None, price=Decimal(30), total=Decimal(30))
    back |= {"subTotal": Decimal(30), "quantity": -1}
    document = sale(
        returnProductList=[back],
        totalAmount=Decimal("8.88"),
        tenders=[{"paymentMethod": "Cash", "amountAuthorized": Decimal("8.88")}],
    )
    assert payments(document) == [
        ("CASH", "PAYMENT_SETTLED", Decimal("8.88")),
        ("EXT_OFFLINE", "PAYMENT_SETTLED", Decimal(30)),
    ]


def test_change_is_taken_off_and_what_is_pending_is_open() -> None:
    """What was handed back over the counter did not pay for anything."""
    change = [
        {"paymentMethod": "Cash", "amountAuthorized": Decimal(40)},
        {"paymentMethod": "Cash", "amountAuthorized": Decimal("-1.12")},
    ]
    assert payments(sale(tenders=change)) == [("CASH", "PAYMENT_SETTLED", Decimal("38.88"))]
    pending = [
        {"paymentMethod": "Cash", "amountAuthorized": Decimal(40), "paymentStatus": "PENDING"}
    ]
    assert payments(sale(tenders=pending)) == [
        ("EXT_OFFLINE", "PAYMENT_NOT_RECEIVED", Decimal("38.88"))
    ]


def test_a_refund_stands_in_the_return_and_not_in_the_sale() -> None:
    """Also where the sale was never sent and comes with its return."""
    document = sale(
        returnProductList=[line(quantity=-1)],
        totalAmount=Decimal(0),
        tenders=[
            {"paymentMethod": "Cash", "amountAuthorized": Decimal("38.88")},
            {"paymentMethod": "Cash", "amountAuthorized": Decimal("-38.88")},
        ],
    )
    assert payments(document) == [("CASH", "PAYMENT_SETTLED", Decimal("38.88"))]
    [back] = handed_over(read(document, till_profile()), till_profile())["return"]
    [refund] = back["paymentPreferences"]
    assert (refund["statusId"], refund["maxAmount"]) == ("PAYMENT_REFUNDED", Decimal("38.88"))


def test_goods_of_two_sales_become_two_returns() -> None:
    """Each names the sale it is of, and has an id of its own."""
    found = [
        line(orderItemId=str(number), originalOrderId=f"A32-T1-00000{number}")
        for number in (1, 2, 3)
    ]
    found[2]["originalOrderId"] = "A32-T1-000001"
    document = sale(
        orderId="R1",
        orderProductList=[],
        returnProductList=found,
        discount=None,
        totalAmount=Decimal("-116.64"),
    )
    returns = handed_over(read(document, till_profile()), till_profile())["return"]
    assert [(one["returnId"], one["orderExternalId"], len(one["items"])) for one in returns] == [
        ("R1-R1", "A32-T1-000001", 2),
        ("R1-R2", "A32-T1-000002", 1),
    ]


def test_a_line_may_come_back_piece_by_piece() -> None:
    """What is stated in all grows; each return has what is new in it."""
    profile, known = till_profile(), KnownOrder()
    many = {"price": Decimal(10), "discount": None, "tax": None}
    whole = line(quantity=3, subTotal=Decimal(30), total=Decimal(30), **many)
    handed = []
    for pieces in (1, 3):
        back = line(quantity=pieces, subTotal=None, total=None, **many)
        document = sale(
            orderSubTotal=Decimal(30),
            discount=None,
            taxSubTotal=None,
            totalAmount=Decimal(30),
            orderProductList=[whole],
            returnProductList=[back],
        )
        made = read(document, profile)
        fresh = news(made, known)
        handed += [
            json.loads(one.body)
            for one in records(made, fresh, known.returns, ARRIVED_AT, profile)
            if one.kind == "return"
        ]
        known.add(made, fresh)
    assert [(one["returnId"][-2:], one["items"][0]["quantity"]) for one in handed] == [
        ("R1", 1),
        ("R2", 2),
    ]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [({"storeId": "SV-P22"}, "/storeId"), ({"orderDate": 1_795_190_400_000}, "/orderDate")],
)
def test_the_same_order_from_elsewhere_or_another_time_is_no_repost(
    changes: dict[str, Any], pointer: str
) -> None:
    """Two tills that use one order id must not make one sale of two."""
    known = KnownOrder()
    made = read(sale(), till_profile())
    known.add(made, news(made))
    found = compare(read(sale(**changes), till_profile()), known)
    assert isinstance(found, Conflict)
    assert found.pointer == pointer
