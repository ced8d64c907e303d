"""PredictSpring's CustomerOrder, the JSON of a TLog: one sale, return or exchange half of a till.

There is no published schema; this is version 1 of what is known of it, from published member names and
one published instance. Members that are not named here are kept. `productList` is not read: it is what is
left of an order after returns, while `orderProductList` and `returnProductList` say what happened.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationError, model_validator

from tillbridge.contracts import json_text
from tillbridge.contracts.members import Amount as PlainAmount
from tillbridge.contracts.members import Document, Few, Key, Lines, Text, findings
from tillbridge.errors import RecordRejected

VERSION = 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = 946_684_800_000  # 2000-01-01
_NOISY = re.compile(r"-?[0-9]{1,9}\.[0-9]{8,18}", re.ASCII)
_NOISE = Decimal("0.00000001")
_LATEST = 4_102_444_800_000  # 2100-01-01


def _moment(value: object) -> datetime:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("a moment in milliseconds since 1970")
    if _EARLIEST <= value < _LATEST:
        return _EPOCH + timedelta(milliseconds=value)
    if _EARLIEST <= value * 1000 < _LATEST:
        raise ValueError("a moment in milliseconds since 1970; this one is in seconds")
    raise ValueError("a moment in milliseconds since 1970, between the years 2000 and 2100")


def _currency(value: str) -> str:
    if len(value) != 3 or not value.isascii() or not value.isupper() or not value.isalpha():
        raise ValueError("an ISO 4217 currency code of three capital letters")
    return value


def _without_noise(value: object) -> object:
    """Take the last digits off that binary arithmetic leaves: 92.96000000000001 is 92.96."""
    if isinstance(value, json_text.Unreadable) and _NOISY.fullmatch(value.text):
        exact = Decimal(value.text)
        near = round(exact, 4)
        if abs(exact - near) < _NOISE:
            return near
    return value


Amount = Annotated[PlainAmount, BeforeValidator(_without_noise)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Currency = Annotated[str, AfterValidator(_currency)]


class TillDocument(Document):
    """An object of a till, which writes an empty text where it has nothing to say."""

    @model_validator(mode="before")
    @classmethod
    def _without_empty_texts(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {name: inner for name, inner in value.items() if inner != ""}


class Reason(TillDocument):
    """Why a price was changed."""

    reason_code_type: Text | None = None


class PriceAdjustment(TillDocument):
    """A discount on a line; `price` is what it takes off, of any type."""

    id: Text | None = None
    price: Amount | None = None
    description: Text | None = None
    price_adjustment_type: Text | None = None
    reasons: Few[Reason] | None = None


class OrderProduct(TillDocument):
    """A line: what was sold, or in `returnProductList` what was brought back.

    `price` is for one piece before discount; `discount`, `tax` and `total` are for the whole line.
    """

    order_item_id: Key | None = None
    external_id: Key | None = None
    order_status: Text | None = None
    item_status: Text | None = None
    fulfillment_type: Text | None = None
    fulfillment_sub_type: Text | None = None
    omni_fulfillment_type: Text | None = None
    pickup_store_id: Key | None = None
    product_id: Key | None = None
    gtin: Key | None = None
    name: Text | None = None
    quantity: Amount
    price: Amount
    sub_total: Amount | None = None
    discount: Amount | None = None
    transaction_discount_amount: Amount | None = None
    tax: Amount | None = None
    total: Amount | None = None
    price_adjustments: Few[PriceAdjustment] | None = None
    tax_exemption: Any = None
    original_order_id: Key | None = None


class Tender(TillDocument):
    """How a part was paid; `totalAmountCarriedOverForExchange` came from goods brought back."""

    payment_id: Text | None = None
    payment_method: Text | None = None
    amount_authorized: Amount | None = None
    payment_status: Text | None = None
    total_amount_carried_over_for_exchange: Amount | None = None


class PostalAddress(TillDocument):
    """Where something is shipped to or billed."""

    address_line1: Text | None = None
    address_line2: Text | None = None
    city: Text | None = None
    state: Text | None = None
    postal_code: Text | None = None
    country: Text | None = None
    first_name: Text | None = None
    last_name: Text | None = None


class CustomerProfile(TillDocument):
    """Who bought."""

    customer_id: Text | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    email: Text | None = None
    phone_mobile: Text | None = None


class CustomerOrder(TillDocument):
    """One transaction of a till. Amounts are in `currency`; `orderDate` becomes an aware UTC datetime."""

    order_id: Key
    display_order_id: Text | None = None
    original_order_id: Key | None = None
    order_source: Text | None = None
    order_status: Text | None = None
    order_date: Moment
    currency: Currency
    store_id: Key
    order_sub_total: Amount | None = None
    discount: Amount | None = None
    transaction_discount_amount: Amount | None = None
    taxable_amount: Amount | None = None
    tax_sub_total: Amount | None = None
    total_amount: Amount | None = None
    email: Text | None = None
    phone_number: Text | None = None
    customer_profile: CustomerProfile | None = None
    shipping_address: PostalAddress | None = None
    billing_address: PostalAddress | None = None
    tenders: Few[Tender] | None = None
    order_product_list: Lines[OrderProduct] | None = None
    return_product_list: Lines[OrderProduct] | None = None


def read_customer_order(document: Any) -> CustomerOrder:
    """Read the JSON of one TLog.

    Raises:
        RecordRejected: with every finding; its key is the order id where one can be read.
    """
    try:
        return CustomerOrder.model_validate(document)
    except ValidationError as problem:
        found = findings(problem)
    key = document.get("orderId") if isinstance(document, Mapping) else None
    raise RecordRejected(str(key) if isinstance(key, str | int) else "", found)
