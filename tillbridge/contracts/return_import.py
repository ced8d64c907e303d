"""Returns for the order store: a JSON array, with the members of HotWax's returns feed.

HotWax publishes no form for importing returns; this one is tillbridge's own, in HotWax's words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ValidationError

from tillbridge.contracts.import_record import (
    Adjustment,
    Currency,
    ImportDocument,
    Moment,
    NotEmpty,
    PaymentPreference,
    Price,
    Quantity,
    StoredText,
    key_of,
    unwrapped,
)
from tillbridge.contracts.members import Amount, Few, Key, Lines, findings
from tillbridge.contracts.order_import import ProductNamed
from tillbridge.errors import RecordRejected

ReturnStatus = Literal["RETURN_COMPLETED", "RETURN_RECEIVED"]
"""Statuses of goods that are back in the store; others change no stock, so they are not imported."""

PARTS = {
    "items": "items",
    "adjustments": "adjustments",
    "payment_preferences": "payments",
    "return_total": "return total",
    "return_date": "date",
    "order_external_id": "sale",
    "customer_id": "customer",
    "customer_external_id": "customer",
    "first_name": "customer",
    "last_name": "customer",
    "customer_email": "customer",
    "customer_phone": "customer",
    "destination_facility_id": "facility",
    "destination_external_facility_id": "facility",
    "status_id": "status",
}
"""What people call the members; the others are the return's head."""


class ReturnItem(ProductNamed):
    """One line of a return; `returnPrice` is of one unit and positive."""

    other_names: ClassVar[Mapping[str, str]] = {
        "returnQuantity": "quantity",
        "returnReasonId": "reasonId",
        "itemAdjustments": "adjustments",
    }

    return_item_seq_id: Key | None = None
    order_item_external_id: StoredText | None = None
    quantity: Quantity
    return_price: Price
    reason_id: StoredText | None = None
    description: StoredText | None = None
    adjustments: Few[Adjustment] | None = None


class ReturnImport(ImportDocument):
    """One return of the file."""

    other_names: ClassVar[Mapping[str, str]] = {"returnAdjustments": "adjustments"}

    return_id: Key
    external_id: StoredText | None = None
    order_external_id: StoredText | None = None
    order_name: StoredText | None = None
    return_date: Moment | None = None
    return_channel_enum_id: StoredText = "UNKNWN_RTN_CHANNEL"
    status_id: ReturnStatus = "RETURN_COMPLETED"
    currency_uom: Currency
    return_total: Amount
    product_store_id: Key
    destination_facility_id: StoredText | None = None
    destination_external_facility_id: StoredText | None = None
    customer_id: StoredText | None = None
    customer_external_id: StoredText | None = None
    first_name: StoredText | None = None
    last_name: StoredText | None = None
    customer_email: StoredText | None = None
    customer_phone: StoredText | None = None
    payment_preferences: Few[PaymentPreference] | None = None
    adjustments: Few[Adjustment] | None = None
    items: Annotated[Lines[ReturnItem], NotEmpty]


def read_return(value: Any, index: int) -> ReturnImport:
    """Read one element of the file; `index` is its place in the array, counted from 0.

    Raises:
        RecordRejected: with every finding; its key is the return id where one can be read, else the
            place in the file.
    """
    record = unwrapped(value)
    try:
        return ReturnImport.model_validate(record)
    except ValidationError as problem:
        found = findings(problem)
    raise RecordRejected(key_of(record, "returnId", index), found)
