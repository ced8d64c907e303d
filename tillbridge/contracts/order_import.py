"""HotWax's order import: a JSON array of sales orders, with every name HotWax takes for a member.

The contract says what the members are and what stands in for those that are missing. Whether the store,
facilities and products exist, and what becomes of an order, is the order store's business.
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
    at_most,
    key_of,
    unwrapped,
)
from tillbridge.contracts.members import Amount, Few, Key, Lines, findings
from tillbridge.errors import RecordRejected

LONGEST_ATTRIBUTE_NAME = 60
LONGEST_ATTRIBUTE_VALUE = 999

OrderStatus = Literal[
    "ORDER_CREATED", "ORDER_HOLD", "ORDER_APPROVED", "ORDER_COMPLETED", "ORDER_CANCELLED"
]
ItemStatus = Literal["ITEM_CREATED", "ITEM_APPROVED", "ITEM_COMPLETED", "ITEM_CANCELLED"]

PARTS = {
    "ship_groups": "ship groups or items",
    "adjustments": "adjustments",
    "payment_preferences": "payments",
    "attributes": "attributes",
    "identifications": "identifications",
    "bill_to": "billing address",
    "customer_id": "customer",
    "customer_external_id": "customer",
    "customer_identification_value": "customer",
    "first_name": "customer",
    "last_name": "customer",
    "customer_email": "customer",
    "customer_phone": "customer",
    "grand_total": "grand total",
    "order_date": "dates",
    "entry_date": "dates",
    "order_status_datetime": "dates",
    "status_id": "status",
}
"""What people call the members; the others are the head of the order."""


class InfoString(ImportDocument):
    """An e-mail address."""

    info_string: StoredText | None = None


class PhoneNumber(ImportDocument):
    """A telephone number."""

    contact_number: StoredText | None = None


class PostalAddress(ImportDocument):
    """Where somebody is billed or shipped to."""

    other_names: ClassVar[Mapping[str, str]] = {
        "toName": "name",
        "stateProvinceGeoCode": "stateProvinceGeoId",
        "countryGeoCode": "countryGeoId",
    }

    name: StoredText | None = None
    address1: StoredText | None = None
    address2: StoredText | None = None
    city: StoredText | None = None
    postal_code: StoredText | None = None
    state_province_geo_id: StoredText | None = None
    country_geo_id: StoredText | None = None
    country_geo_name: StoredText | None = None


class Contact(ImportDocument):
    """A bill-to or ship-to: postal address, e-mail and telephone."""

    postal_address: PostalAddress | None = None
    email: InfoString | None = None
    phone_number: PhoneNumber | None = None


class Attribute(ImportDocument):
    """A free member of an order."""

    attr_name: Annotated[StoredText, at_most(LONGEST_ATTRIBUTE_NAME)]
    attr_value: Annotated[StoredText, at_most(LONGEST_ATTRIBUTE_VALUE)] | None = None


class Identification(ImportDocument):
    """An id of the order in some system."""

    order_identification_type_id: StoredText
    id_value: StoredText


class ProductNamed(ImportDocument):
    """Names a product: by HotWax's id, by SKU, or by an identification and its type."""

    product_id: StoredText | None = None
    sku: StoredText | None = None
    id_type: StoredText | None = None
    id_value: StoredText | None = None


class Item(ProductNamed):
    """One line; `unitPrice` is before discount."""

    other_names: ClassVar[Mapping[str, str]] = {
        "itemExternalId": "externalId",
        "status": "statusId",
        "description": "itemDescription",
        "itemAdjustments": "adjustments",
    }

    order_item_seq_id: Key | None = None
    external_id: StoredText | None = None
    quantity: Quantity
    unit_price: Price
    status_id: ItemStatus = "ITEM_CREATED"
    item_description: StoredText | None = None
    adjustments: Few[Adjustment] | None = None


class ShipGroup(ImportDocument):
    """Items that are promised from one facility by one method; `_NA_` is the brokering queue."""

    ship_group_seq_id: Key | None = None
    facility_id: StoredText | None = None
    external_id: StoredText | None = None
    shipment_method_type_id: Key
    ship_to: Contact | None = None
    items: Annotated[Lines[Item], NotEmpty]


class OrderImport(ImportDocument):
    """One order of the file."""

    other_names: ClassVar[Mapping[str, str]] = {
        "channel": "salesChannelEnumId",
        "currencyCode": "currencyUom",
        "orderAdjustments": "adjustments",
        "orderAttributes": "attributes",
        "orderIdentifications": "identifications",
        "orderPaymentPref": "paymentPreferences",
        "shipGroup": "shipGroups",
    }

    external_id: Key
    order_name: StoredText | None = None
    order_date: Moment | None = None
    entry_date: Moment | None = None
    order_type_id: Literal["SALES_ORDER"] = "SALES_ORDER"
    status_id: OrderStatus = "ORDER_CREATED"
    order_status_datetime: Moment | None = None
    auto_approve: Literal["Y", "N"] | None = None
    sales_channel_enum_id: StoredText = "UNKNWN_SALES_CHANNEL"
    currency_uom: Currency
    grand_total: Amount
    product_store_id: Key
    origin_facility_id: StoredText | None = None
    origin_external_facility_id: StoredText | None = None
    customer_id: StoredText | None = None
    customer_external_id: StoredText | None = None
    customer_identification_value: StoredText | None = None
    first_name: StoredText | None = None
    last_name: StoredText | None = None
    customer_email: StoredText | None = None
    customer_phone: StoredText | None = None
    bill_to: Contact | None = None
    identifications: Few[Identification] | None = None
    payment_preferences: Few[PaymentPreference] | None = None
    adjustments: Few[Adjustment] | None = None
    attributes: Few[Attribute] | None = None
    ship_groups: Annotated[Lines[ShipGroup], NotEmpty]


def read_order(value: Any, index: int) -> OrderImport:
    """Read one element of the file; `index` is its place in the array, counted from 0.

    Raises:
        RecordRejected: with every finding; its key is the external id where one can be read, else the
            place in the file.
    """
    record = unwrapped(value)
    try:
        return OrderImport.model_validate(record)
    except ValidationError as problem:
        found = findings(problem)
    raise RecordRejected(key_of(record, "externalId", index), found)
