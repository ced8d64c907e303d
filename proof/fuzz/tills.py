"""Sales of a till for the fuzzer, and what has to hold for whatever becomes of one.

The arithmetic of the totals is done anew here, from the document and from the records' own JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import Any

from hypothesis import strategies as st

from tillbridge import money
from tillbridge.contracts import json_text
from tillbridge.contracts.customer_order import read_customer_order
from tillbridge.ingestion.reading import Rules, read_transaction
from tillbridge.ingestion.records import Record, records
from tillbridge.ingestion.revision import KnownOrder, News, compare
from tillbridge.ingestion.totals import Totals
from tillbridge.ingestion.transaction import RetailTransaction
from tillbridge.profile import Profile, TillSettings

_ARRIVED_AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_LARGEST_UNITS = 2**63
_PROFILES = [
    Profile(
        product_store_id="FUZZ",
        brand="Fuzz",
        time_zone="America/Santiago",
        currency="CLP",
        tills=TillSettings(oms_is_order_master=is_master, amount_mismatch=mismatch),
    )
    for mismatch in ("warn", "quarantine")
    for is_master in (True, False)
]

SALE: dict[str, Any] = {
    "orderId": "A32-T1-000001",
    "displayOrderId": "A32-T1-000001",
    "orderStatus": "PARTIALLY_REFUNDED",
    "orderDate": 1_795_186_800_000,
    "currency": "USD",
    "storeId": "SV-A32",
    "orderSubTotal": Decimal("70.00"),
    "discount": Decimal("7.00"),
    "transactionDiscountAmount": Decimal("3.00"),
    "taxSubTotal": Decimal("5.76"),
    "totalAmount": Decimal("28.76"),
    "shippingAmount": Decimal("0"),
    "email": "ana@example.com",
    "customerProfile": {"customerId": "9", "firstName": "Ana", "lastName": "Luz"},
    "shippingAddress": {"addressLine1": "Calle 1", "city": "San Salvador", "country": "SV"},
    "tenders": [
        {"paymentMethod": "CreditCard", "amountAuthorized": Decimal("60.76")},
        {"paymentMethod": "Cash", "totalAmountCarriedOverForExchange": Decimal("5.00")},
    ],
    "orderProductList": [
        {
            "orderItemId": "1",
            "externalId": "A32-T1-000001-1",
            "itemStatus": "COMPLETED",
            "fulfillmentType": "IN_STORE",
            "omniFulfillmentType": "IN_STORE",
            "gtin": "8720116010000",
            "quantity": 1,
            "price": Decimal("40.00"),
            "subTotal": Decimal("40.00"),
            "discount": Decimal("4.00"),
            "tax": Decimal("2.88"),
            "total": Decimal("38.88"),
            "priceAdjustments": [{"price": 4, "reasons": [{"reasonCodeType": "STAFF"}]}],
        },
        {
            "orderItemId": "2",
            "fulfillmentType": "ONLINE",
            "omniFulfillmentType": "SHIP_TO_HOME",
            "productId": "SKU-10001",
            "quantity": 2,
            "price": Decimal("15.00"),
            "discount": None,
            "tax": Decimal("2.88"),
            "taxExemption": None,
        },
    ],
    "returnProductList": [
        {"orderItemId": "1", "gtin": "8720116010000", "quantity": -1, "price": 40, "total": 40}
    ],
}

_IDS = st.sampled_from([None, "1", "1~2", "2", "../1", "=1+1", 7])
_QUANTITIES = st.sampled_from([1, 1, 2, Decimal("0.5"), Decimal("0.333"), 10**12 - 1])
_AMOUNTS = st.sampled_from(
    [None, 0, 10, Decimal("9.99"), Decimal("0.0001"), Decimal("999999999999.9999")]
) | st.integers(0, 5000).map(lambda cents: Decimal(cents) / 100)


@st.composite
def loose_sales(draw: Callable[..., Any]) -> dict[str, Any]:
    """Draw a document that states few totals, so that much of it is taken: odd ids, quantities, prices."""

    def line() -> dict[str, Any]:
        return {
            "orderItemId": draw(_IDS),
            "itemStatus": draw(st.sampled_from([None, "COMPLETED", "CANCELLED"])),
            "omniFulfillmentType": draw(st.sampled_from(["IN_STORE", "SHIP_TO_HOME", "BOPIS"])),
            "gtin": "8720116010000",
            "quantity": draw(_QUANTITIES),
            "price": draw(_AMOUNTS) or 0,
            "discount": draw(_AMOUNTS),
            "transactionDiscountAmount": draw(_AMOUNTS),
            "tax": draw(_AMOUNTS),
        }

    return {
        "orderId": f"A32-T1-{draw(st.integers(0, 10**50))}",
        "orderStatus": "COMPLETED",
        "orderDate": draw(st.sampled_from([1_795_186_800_000, "1795186800000"])),
        "currency": draw(st.sampled_from(["CLP", "USD", "KWD"])),
        "storeId": 256,
        "totalAmount": draw(_AMOUNTS),
        "transactionDiscountAmount": draw(_AMOUNTS),
        "shippingAmount": draw(_AMOUNTS),
        "tenders": [{"paymentMethod": "Cash", "amountAuthorized": draw(_AMOUNTS)}],
        "orderProductList": [line() for _ in range(draw(st.integers(0, 4)))],
        "returnProductList": [line() for _ in range(draw(st.integers(0, 3)))],
    }


def check_sale(document: Any) -> None:
    """Make records of a document: every line and amount of it is in them once, and the database holds it.

    Raises:
        RecordRejected: not every profile can use it.
    """
    for profile in _PROFILES:
        rules = Rules(profile.tills, profile.time_zone)
        made = read_transaction(read_customer_order(document), rules, _ARRIVED_AT).transaction
        known = KnownOrder()
        news = compare(made, known)
        assert isinstance(news, News)
        found = list(records(made, news, 0, _ARRIVED_AT, profile))
        totals = Totals()
        totals.add(made, news, found, oms_is_order_master=profile.tills.oms_is_order_master)
        assert totals.disagreements() == []
        for amount in (made.sales_total, made.returns_total, made.carried_over):
            assert abs(money.to_units(amount)) < _LARGEST_UNITS
        known.add(made, news)
        assert len(known.lines) == len(made.sales) + len(made.returns)
        assert compare(made, known) == News((), ())
        if profile.tills.oms_is_order_master:
            _check_worth(document, made, found)


def _check_worth(document: Any, made: RetailTransaction, found: list[Record]) -> None:
    with localcontext(prec=100):
        for one in found:
            record = json.loads(one.body, parse_float=Decimal, parse_int=Decimal)
            if one.kind == "return":
                worth = sum(map(_item, record["items"]), Decimal(0))
                assert worth == record["returnTotal"] == made.returns_total
                continue
            items = [item for group in record["shipGroups"] for item in group["items"]]
            assert len(items) == len(document["orderProductList"])
            kept = [item for item in items if item["statusId"] != "ITEM_CANCELLED"]
            worth = sum(map(_item, kept), Decimal(0)) + _sum(record["adjustments"])
            assert worth == record["grandTotal"] == made.sales_total


def _item(item: dict[str, Any]) -> Decimal:
    price = item["unitPrice"] if "unitPrice" in item else item["returnPrice"]
    worth: Decimal = item["quantity"] * price + _sum(item["adjustments"])
    return worth


def _sum(adjustments: list[dict[str, Any]]) -> Decimal:
    return sum((one["amount"] for one in adjustments), Decimal(0))


def written_sales() -> st.SearchStrategy[bytes]:
    """Give loose sales as the JSON of an array."""
    return st.lists(loose_sales(), min_size=1, max_size=2).map(json_text.write)
