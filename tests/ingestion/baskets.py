"""Documents of a till for the tests, and what they must come to, computed without the product."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.baskets import Basket, day_of
from sandbox.catalog import BRANDS
from tests.strategies import profile as plain_profile
from tillbridge.ingestion.reading import Rules
from tillbridge.profile import Profile, TillSettings

BRAND = BRANDS[0]
STORES = {facility.external_id for facility in BRAND.facilities}
OPENS_AT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
ARRIVED_AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def till_profile(**tills: Any) -> Profile:
    """A profile of the sandbox's first brand, with these settings for its tills."""
    return plain_profile(
        product_store_id=BRAND.product_store_id,
        time_zone=BRAND.time_zone,
        tills=TillSettings(**tills),
    )


def rules(profile: Profile | None = None) -> Rules:
    """The rules of a run whose order store has the brand's facilities."""
    profile = profile or till_profile()
    return Rules(profile.tills, profile.time_zone, STORES)


def day(seed: int = 1, customers: int = 30, store: int = 0) -> list[Basket]:
    """Everything one register sends on one day."""
    return list(day_of(BRAND, BRAND.facilities[store], seed, OPENS_AT, customers))


def sale(**changes: Any) -> dict[str, Any]:
    """One pair of shoes for 40.00 less 4.00 plus 2.88, paid by card."""
    return {
        "orderId": "A32-T1-000001",
        "orderStatus": "COMPLETED",
        "orderDate": int(OPENS_AT.timestamp() * 1000),
        "currency": "USD",
        "storeId": "SV-A32",
        "orderSubTotal": Decimal(40),
        "discount": Decimal(4),
        "taxSubTotal": Decimal("2.88"),
        "totalAmount": Decimal("38.88"),
        "tenders": [{"paymentMethod": "CreditCard", "amountAuthorized": Decimal("38.88")}],
        "orderProductList": [line()],
        **changes,
    }


def line(**changes: Any) -> dict[str, Any]:
    """The line of that sale."""
    return {
        "orderItemId": "1",
        "fulfillmentType": "IN_STORE",
        "omniFulfillmentType": "IN_STORE",
        "gtin": "8720116010000",
        "productId": "SKU-10000",
        "quantity": 1,
        "price": Decimal(40),
        "subTotal": Decimal(40),
        "discount": Decimal(4),
        "tax": Decimal("2.88"),
        "total": Decimal("38.88"),
        **changes,
    }


def stock_moves(baskets: Iterable[Basket]) -> Counter[tuple[str, str]]:
    """How much of each UPC leaves (negative) and enters each store over its counter, each line once."""
    moves: Counter[tuple[str, str]] = Counter()
    seen = set()
    for basket in baskets:
        document = basket.document
        for name, sign in (("orderProductList", -1), ("returnProductList", 1)):
            for one in document.get(name) or ():
                key = (document["orderId"], name, one["orderItemId"])
                if key not in seen and one["omniFulfillmentType"] == "IN_STORE":
                    moves[document["storeId"], one["gtin"]] += sign * int(one["quantity"])
                seen.add(key)
    return moves
