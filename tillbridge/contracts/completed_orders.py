"""HotWax Commerce's completed-orders feed (fulfilled order items feed): a JSON array of orders.

The contract says what the members are, not which of them an invoice needs: HotWax writes most of them
as null. Members that are not named here are kept. Source: HotWax's published feed description and
sample; where members of its sibling feed of brokered orders (`payments`, `orderAttributes`) occur, they
are read too.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from tillbridge import money
from tillbridge.contracts import json_text
from tillbridge.errors import Finding, RecordRejected

LONGEST_KEY = 60
"""What the database can hold of an id; HotWax's own are 20 characters at most."""

NOT_AN_ITEM = "_NA_"
"""HotWax's `orderItemSeqId` of an adjustment that belongs to the order, and its virtual facility."""


def _amount(value: object) -> Decimal:
    if isinstance(value, json_text.Unreadable):
        raise ValueError(f"{value.why}, found {value.text[:40]!r}")
    return money.parse(value)


def _key(value: object) -> object:
    # HotWax's ids are strings, but exports that passed a spreadsheet send them as numbers.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _clean_key(value: str) -> str:
    if not value or value != value.strip() or not value.isprintable() or len(value) > LONGEST_KEY:
        raise ValueError(
            f"an id of at most {LONGEST_KEY} characters, without spaces at its ends and without "
            "control characters"
        )
    return value


def _whole_text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as problem:
        raise ValueError("text of whole characters, half of a surrogate pair is none") from problem
    return value


Amount = Annotated[Decimal, BeforeValidator(_amount)]
Text = Annotated[str, BeforeValidator(_key), AfterValidator(_whole_text)]
Key = Annotated[str, BeforeValidator(_key), AfterValidator(_clean_key)]


class _Document(BaseModel):
    model_config = ConfigDict(
        extra="allow", alias_generator=to_camel, populate_by_name=True, frozen=True
    )


class OrderIdentification(_Document):
    """An id of the order, by type; a `thruDate` means it no longer holds."""

    order_identification_type_id: Text | None = None
    id_value: Text | None = None
    thru_date: AwareDatetime | None = None


class GoodIdentification(_Document):
    """An id of the product, by type, such as `UPCA` or `SKU`."""

    good_identification_type_id: Text | None = None
    id_value: Text | None = None
    thru_date: AwareDatetime | None = None


class Adjustment(_Document):
    """An amount on an order (`orderItemSeqId` is `_NA_`) or on an item; discounts are negative."""

    order_adjustment_type_id: Text | None = None
    order_item_seq_id: Text | None = None
    amount: Amount | None = None


class OrderAttribute(_Document):
    """A free member of the order; the identity document travels here."""

    attr_name: Text | None = None
    attr_value: Text | None = None


class Payment(_Document):
    """How the order was paid; only its method matters to an invoice."""

    payment_method_type_id: Text | None = None
    status_id: Text | None = None
    amount: Amount | None = None


class PostalAddress(_Document):
    """A bill-to or ship-to address with its contact data."""

    to_name: Text | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    address1: Text | None = None
    address2: Text | None = None
    city: Text | None = None
    country_geo_code: Text | None = None
    country_geo_name: Text | None = None
    email: Text | None = None
    phone: Text | None = None


class ShipmentItem(_Document):
    """One order item as it left a facility; `statusDatetime` is when it became completed."""

    order_item_seq_id: Key | None = None
    item_status_id: Text | None = None
    item_quantity: Amount | None = None
    shipped_quantity: Amount | None = None
    sla_shipment_method_type_id: Text | None = None
    status_datetime: AwareDatetime | None = None
    product_id: Text | None = None
    unit_price: Amount | None = None
    facility_id: Text | None = None
    facility_external_id: Text | None = None
    parent_facility_type_id: Text | None = None
    good_identifications: tuple[GoodIdentification, ...] | None = None
    item_adjustments: tuple[Adjustment, ...] | None = None


class Shipment(_Document):
    """What left one facility together."""

    tracking_number: Text | None = None
    carrier_party_id: Text | None = None
    shipment_method_type_id: Text | None = None
    ship_to: PostalAddress | None = None
    shipment_items: tuple[ShipmentItem, ...] | None = None


class CompletedOrder(_Document):
    """One order of the feed."""

    order_id: Key
    product_store_id: Key | None = None
    order_name: Text | None = None
    order_date: AwareDatetime | None = None
    entry_date: AwareDatetime | None = None
    order_status_id: Text | None = None
    currency: Text | None = None
    grand_total: Amount | None = None
    sales_channel: Text | None = None
    customer_party_id: Text | None = None
    customer_first_name: Text | None = None
    customer_last_name: Text | None = None
    customer_email: Text | None = None
    customer_phone: Text | None = None
    order_identifications: tuple[OrderIdentification, ...] | None = None
    bill_to: PostalAddress | None = None
    order_adjustments: tuple[Adjustment, ...] | None = None
    order_attributes: tuple[OrderAttribute, ...] | None = None
    payments: tuple[Payment, ...] | None = None
    shipments: tuple[Shipment, ...] | None = None


def read_order(document: Any, index: int) -> CompletedOrder:
    """Read one element of the feed; `index` is its place in the array, counted from 0.

    Raises:
        RecordRejected: with every finding; its key is the order id where one can be read, else the
            place in the file.
    """
    try:
        return CompletedOrder.model_validate(document)
    except ValidationError as problem:
        key = document.get("orderId") if isinstance(document, Mapping) else None
        name = str(key) if isinstance(key, str | int) else f"the order at place {index}"
        findings = tuple(
            Finding(
                json_text.pointer(*error["loc"]),
                json_text.shown(error["input"]),
                _expectation(error),
            )
            for error in problem.errors(include_url=False)
        )
        raise RecordRejected(name, findings) from problem


def _expectation(error: Mapping[str, Any]) -> str:
    if isinstance(error["input"], json_text.Unreadable):
        return f"expected {error['input'].why}"
    if error["type"] == "missing":
        return "expected a value; the member is missing"
    if error["type"] == "value_error":
        return f"expected {error['ctx']['error']}"
    message: str = error["msg"]
    return message[0].lower() + message[1:]
