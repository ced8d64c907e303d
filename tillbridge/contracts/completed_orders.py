"""HotWax Commerce's completed-orders feed (fulfilled order items feed): a JSON array of orders.

The contract says what the members are, not which of them an invoice needs: HotWax writes most of them
as null. Members that are not named here are kept. Source: HotWax's published feed description and
sample; where members of its sibling feed of brokered orders (`payments`, `orderAttributes`) occur, they
are read too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import AwareDatetime, ValidationError

from tillbridge.contracts.members import Amount, Document, Few, Key, Lines, Text, findings
from tillbridge.errors import RecordRejected

NOT_AN_ITEM = "_NA_"
"""HotWax's `orderItemSeqId` of an adjustment that belongs to the order, and its virtual facility."""


class OrderIdentification(Document):
    """An id of the order, by type; a `thruDate` means it no longer holds."""

    order_identification_type_id: Text | None = None
    id_value: Text | None = None
    thru_date: AwareDatetime | None = None


class GoodIdentification(Document):
    """An id of the product, by type, such as `UPCA` or `SKU`."""

    good_identification_type_id: Text | None = None
    id_value: Text | None = None
    thru_date: AwareDatetime | None = None


class Adjustment(Document):
    """An amount on an order (`orderItemSeqId` is `_NA_`) or on an item; discounts are negative."""

    order_adjustment_type_id: Text | None = None
    order_item_seq_id: Text | None = None
    amount: Amount | None = None


class OrderAttribute(Document):
    """A free member of the order; the identity document travels here."""

    attr_name: Text | None = None
    attr_value: Text | None = None


class Payment(Document):
    """How the order was paid; only its method matters to an invoice."""

    payment_method_type_id: Text | None = None
    status_id: Text | None = None
    amount: Amount | None = None


class PostalAddress(Document):
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


class ShipmentItem(Document):
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
    good_identifications: Few[GoodIdentification] | None = None
    item_adjustments: Few[Adjustment] | None = None


class Shipment(Document):
    """What left one facility together."""

    tracking_number: Text | None = None
    carrier_party_id: Text | None = None
    shipment_method_type_id: Text | None = None
    ship_to: PostalAddress | None = None
    shipment_items: Lines[ShipmentItem] | None = None


class CompletedOrder(Document):
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
    order_identifications: Few[OrderIdentification] | None = None
    bill_to: PostalAddress | None = None
    order_adjustments: Few[Adjustment] | None = None
    order_attributes: Few[OrderAttribute] | None = None
    payments: Few[Payment] | None = None
    shipments: Lines[Shipment] | None = None


def read_order(document: Any, index: int) -> CompletedOrder:
    """Read one element of the feed; `index` is its place in the array, counted from 0.

    Raises:
        RecordRejected: with every finding; its key is the order id where one can be read, else the
            place in the file.
    """
    try:
        return CompletedOrder.model_validate(document)
    except ValidationError as problem:
        found = findings(problem)
    key = document.get("orderId") if isinstance(document, Mapping) else None
    name = str(key) if isinstance(key, str | int) else f"the order at place {index}"
    raise RecordRejected(name, found)
