"""An order and what it refers to as the order store holds them, in HotWax's words. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

ITEM_CREATED = "ITEM_CREATED"
ITEM_APPROVED = "ITEM_APPROVED"
ITEM_COMPLETED = "ITEM_COMPLETED"
ITEM_CANCELLED = "ITEM_CANCELLED"
ITEM_REJECTED = "ITEM_REJECTED"
ORDER_CREATED = "ORDER_CREATED"
ORDER_APPROVED = "ORDER_APPROVED"
ORDER_COMPLETED = "ORDER_COMPLETED"
ORDER_CANCELLED = "ORDER_CANCELLED"

SALES_TAX = "SALES_TAX"
DIGITAL_GOOD = "DIGITAL_GOOD"
"""Product type that no facility has in stock."""

POS_COMPLETED = "POS_COMPLETED"
"""Shipment method of what a customer carried out of the store: the till has invoiced it."""


@dataclass(frozen=True, slots=True)
class Facility:
    """A store, warehouse or virtual place; the two codes are what Retail Pro calls it."""

    facility_id: str
    external_id: str
    facility_name: str
    facility_type_id: str = "RETAIL_STORE"
    parent_facility_type_id: str = "PHYSICAL_STORE"
    product_store_id: str | None = None
    invoicing_store_code: str | None = None
    store_code: str | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """Something that is sold; `identifications` are its numbers by type (`UPCA`, `SKU`, ...)."""

    product_id: str
    product_name: str
    product_type_id: str = "FINISHED_GOOD"
    identifications: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the customer is billed or shipped to."""

    to_name: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    postal_code: str | None = None
    state_province_geo_code: str | None = None
    country_geo_code: str | None = None
    country_geo_name: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A signed amount on an order or an item; a discount is negative."""

    type_id: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Payment:
    """How a part of an order is paid."""

    method_type_id: str
    amount: Decimal
    status_id: str = "PAYMENT_SETTLED"


@dataclass(frozen=True, slots=True)
class ShipGroup:
    """Items that are promised from one facility by one method (`STANDARD`, `STOREPICKUP`, ...)."""

    ship_group_seq_id: str
    facility_id: str
    shipment_method_type_id: str


@dataclass(frozen=True, slots=True)
class Shipment:
    """Items that left one facility together; the method and carrier are those really used."""

    shipment_id: str
    facility_id: str
    shipment_method_type_id: str | None = None
    carrier_party_id: str | None = None
    tracking_number: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One line. `unit_price` is before discount; `status_at` is when it was completed or cancelled."""

    order_item_seq_id: str
    ship_group_seq_id: str
    product_id: str
    quantity: Decimal
    unit_price: Decimal
    adjustments: tuple[Adjustment, ...] = ()
    external_id: str | None = None
    status_id: str = ITEM_APPROVED
    status_at: datetime | None = None
    shipment: Shipment | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One sales order. `sales_channel` is HotWax's enumId (`WEB_SALES_CHANNEL`) or enumCode.

    `external_id` is its id in the system it was imported from, `origin_facility_id` the store that sold
    it, and `auto_approve` `N` when it must not be approved by rule.
    """

    order_id: str
    product_store_id: str | None
    order_name: str
    order_at: datetime
    entry_at: datetime
    sales_channel: str
    currency: str
    grand_total: Decimal
    ship_groups: tuple[ShipGroup, ...]
    items: tuple[Item, ...]
    adjustments: tuple[Adjustment, ...] = ()
    payments: tuple[Payment, ...] = ()
    identifications: Mapping[str, str] | None = None
    attributes: Mapping[str, str] | None = None
    customer_party_id: str | None = None
    customer_first_name: str | None = None
    customer_last_name: str | None = None
    customer_email: str | None = None
    customer_phone: str | None = None
    bill_to: Address | None = None
    ship_to: Address | None = None
    status_id: str = ORDER_APPROVED
    external_id: str | None = None
    origin_facility_id: str | None = None
    auto_approve: str | None = None
