"""A till's transaction in the words of the NRF's POSLog, between PredictSpring and HotWax. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

Fulfillment = Literal["in_store", "endless_aisle", "pickup"]


@dataclass(frozen=True, slots=True)
class ItemId:
    """What the article is called: a HotWax goodIdentificationTypeId and its value."""

    type_id: str
    value: str


@dataclass(frozen=True, slots=True)
class LineItem:
    """One line. Amounts are never negative; the list it stands in says which way goods and money went.

    `key` is the same however often the till sends the line. `unit_price` is before discount, the other
    amounts are for the whole line. `sequence_number` is its place in the till's list, from 1.
    `included_tax` is part of the price, `tax` comes on top of it.
    """

    key: str
    sequence_number: int
    external_id: str
    item: ItemId
    description: str | None
    quantity: Decimal
    unit_price: Decimal
    discount: Decimal
    tax: Decimal
    fulfillment: Fulfillment = "in_store"
    pickup_store: str | None = None
    is_cancelled: bool = False
    is_tax_exempt: bool = False
    included_tax: Decimal = Decimal(0)
    original_transaction: str | None = None
    reason: str | None = None

    @property
    def extended_amount(self) -> Decimal:
        """What the line costs before discount and tax."""
        return self.unit_price * self.quantity

    @property
    def total(self) -> Decimal:
        """What was paid for the line; nothing for one that was cancelled."""
        if self.is_cancelled:
            return Decimal(0)
        return self.extended_amount - self.discount + self.tax


@dataclass(frozen=True, slots=True)
class Tender:
    """How a part was paid; `is_exchange` where goods that came back paid for it.

    A refund was paid out: change, or money for goods that came back. Amounts are never negative.
    """

    method: str
    amount: Decimal
    is_exchange: bool = False
    is_refund: bool = False


@dataclass(frozen=True, slots=True)
class Customer:
    """Who bought, and where it is billed."""

    id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class RetailTransaction:
    """One transaction. `business_day_date` is in the store's zone, `begin_date_time` is aware UTC.

    `workstation_id` and `sequence_number` are None where the order number does not say them.
    `discount` and `shipping` belong to the sale as a whole.
    """

    transaction_id: str
    display_id: str
    retail_store_id: str
    store: str
    workstation_id: str | None
    sequence_number: int | None
    begin_date_time: datetime
    business_day_date: date
    currency: str
    customer: Customer
    ship_to: Mapping[str, str]
    bill_to: Mapping[str, str]
    sales: tuple[LineItem, ...]
    returns: tuple[LineItem, ...]
    tenders: tuple[Tender, ...]
    discount: Decimal = Decimal(0)
    shipping: Decimal = Decimal(0)
    original_transaction: str | None = None

    @property
    def sales_total(self) -> Decimal:
        """What the sold lines cost together, with shipping."""
        lines = sum((line.total for line in self.sales), Decimal(0))
        return lines - self.discount + self.shipping

    @property
    def returns_total(self) -> Decimal:
        """What was given back for the returned lines."""
        return sum((line.total for line in self.returns), Decimal(0))

    @property
    def carried_over(self) -> Decimal:
        """How much of the sale was paid with goods that came back."""
        return sum((one.amount for one in self.tenders if one.is_exchange), Decimal(0))
