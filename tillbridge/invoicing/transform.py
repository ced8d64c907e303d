"""One completed order to one Order to Invoice request. Pure: no clock, no I/O, the same in and out.

Totals and lines are made in `amounts`, the customers in `parties`, the invoiced store in `location`;
files and the database are the business of `feeds`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from tillbridge.contracts import json_text, order_to_invoice
from tillbridge.contracts.completed_orders import NOT_AN_ITEM, CompletedOrder, ShipmentItem
from tillbridge.errors import Finding
from tillbridge.invoicing.amounts import write_amounts
from tillbridge.invoicing.draft import OMITTED, Draft, FeedItem
from tillbridge.invoicing.location import Fulfilment, invoicing_facility
from tillbridge.invoicing.parties import write_customers
from tillbridge.profile import Profile, StoreCodes

_GONE = {"ITEM_CANCELLED", "ITEM_REJECTED"}


@dataclass(frozen=True, slots=True)
class InvoiceRequest:
    """What the ledger needs to know of an order, and the exact bytes that will be posted."""

    product_store_id: str
    order_id: str | None
    order_no: str
    currency: str
    total: Decimal
    invoicing_store: str
    line_count: int
    body: bytes


@dataclass(frozen=True, slots=True)
class NotInvoiced:
    """An order that is rightly left out, and why."""

    order_id: str
    reason: str


def transform(
    order: CompletedOrder, profile: Profile, stores: Mapping[str, StoreCodes]
) -> tuple[InvoiceRequest | NotInvoiced, tuple[Finding, ...]]:
    """Map an order; the second value holds warnings, such as amounts that do not add up.

    Args:
        order: one order of the completed-orders feed.
        profile: what the brand decided.
        stores: Retail Pro's store codes by facilityExternalId.

    Raises:
        RecordRejected: the order cannot be invoiced as it is, with every finding. Quarantine it.
    """
    if order.sales_channel in profile.excluded_channels:
        return NotInvoiced(order.order_id, f"sales channel {order.sales_channel} is excluded"), ()
    draft = Draft(order)
    items = _completed_items(draft)
    if order.product_store_id != profile.product_store_id:
        draft.find(
            "/productStoreId",
            order.product_store_id,
            f"expected {profile.product_store_id}, the product store of this profile",
        )
    _write_order(draft, profile, [found.item for found in items])
    write_customers(draft, order, profile)
    _write_fiscal_credit(draft, profile)
    delivery_type = draft.members.get("DeliveryType")
    codes = _write_stores(draft, profile, stores, items)
    warning = write_amounts(draft, profile, items, codes, delivery_type == 1)
    request = draft.finish(profile.request_version)
    body = json_text.write(order_to_invoice.write(request))
    return (
        InvoiceRequest(
            product_store_id=profile.product_store_id,
            order_id=order.order_id,
            order_no=request.order_no,
            currency=order.currency or profile.currency,
            total=request.total_amt,
            invoicing_store=request.invoicing_store,
            line_count=len(request.items),
            body=body,
        ),
        (warning,) if warning else (),
    )


def _completed_items(draft: Draft) -> list[FeedItem]:
    """Apply HotWax's completion rule again: every item that is not cancelled or rejected is completed."""
    order = draft.order
    if order.order_status_id != "ORDER_COMPLETED":
        draft.find("/orderStatusId", order.order_status_id, "expected ORDER_COMPLETED")
    found = [
        FeedItem(json_text.pointer("shipments", i, "shipmentItems", j), item)
        for i, shipment in enumerate(order.shipments or ())
        for j, item in enumerate(shipment.shipment_items or ())
        if item.item_status_id not in _GONE
    ]
    if not found:
        draft.find("/shipments", None, "expected at least one item that is completed")
    seen: set[str] = set()
    for place in found:
        item, pointer = place.item, place.pointer
        if item.item_status_id != "ITEM_COMPLETED":
            draft.find(
                f"{pointer}/itemStatusId",
                item.item_status_id,
                "expected ITEM_COMPLETED; an order is invoiced whole, when all its items are fulfilled",
            )
        if None not in (item.shipped_quantity, item.item_quantity) and (
            item.shipped_quantity != item.item_quantity
        ):
            draft.find(
                f"{pointer}/shippedQuantity",
                item.shipped_quantity,
                f"expected the itemQuantity of {item.item_quantity}; an item is invoiced whole",
            )
        if item.order_item_seq_id in seen:
            draft.find(
                f"{pointer}/orderItemSeqId",
                item.order_item_seq_id,
                "expected every order item once; this one would be invoiced twice",
            )
        if item.order_item_seq_id is not None:
            seen.add(item.order_item_seq_id)
    return found


def _write_order(draft: Draft, profile: Profile, items: list[ShipmentItem]) -> None:
    order = draft.order
    number = next(
        (
            (index, found.id_value)
            for index, found in enumerate(order.order_identifications or ())
            if found.order_identification_type_id == profile.order_number_source
            and found.thru_date is None
        ),
        None,
    )
    if number is None or not number[1]:
        draft.find(
            "/orderIdentifications",
            None,
            f"expected one of type {profile.order_number_source}; it becomes OrderNo",
        )
        draft.put("OrderNo", OMITTED, "/orderIdentifications")
    else:
        text = re.sub(profile.order_number_strip, "", number[1])
        draft.put("OrderNo", text, f"/orderIdentifications/{number[0]}/idValue")
    draft.put("CreatedDate", _created_date(draft, profile), "/orderDate")
    draft.put("DeliveryType", _delivery_type(draft, profile, items), "/shipments")
    draft.put("PaymentType", _payment_type(draft, profile), "/payments")


def _created_date(draft: Draft, profile: Profile) -> object:
    moment = draft.order.order_date
    if moment is None:
        return None
    try:
        local = moment.astimezone(ZoneInfo(profile.time_zone))
    except OverflowError:
        draft.find(
            "/orderDate", moment, "expected a date between the years 1 and 9999 in the store"
        )
        return OMITTED
    return local.replace(tzinfo=None, microsecond=0)


def _delivery_type(draft: Draft, profile: Profile, items: list[ShipmentItem]) -> object:
    kinds = {
        profile.delivery_types.get(
            item.sla_shipment_method_type_id or "", profile.other_delivery_type
        )
        for item in items
    }
    if len(kinds) < 2:
        return next(iter(kinds), OMITTED)
    if profile.mixed_delivery_type != "quarantine":
        return profile.mixed_delivery_type
    draft.find(
        "/shipments",
        None,
        "expected only pickup or only delivery lines, DeliveryType is one for the whole order; "
        "the profile's mixed_delivery_type can decide",
    )
    return OMITTED


def _payment_type(draft: Draft, profile: Profile) -> object:
    kinds = {
        profile.payment_types.get(payment.payment_method_type_id, profile.other_payment_type)
        for payment in draft.order.payments or ()
        if payment.payment_method_type_id and payment.status_id != "PAYMENT_CANCELLED"
    }
    if len(kinds) == 1:
        return kinds.pop()
    if not kinds and profile.missing_payment_type != "quarantine":
        return profile.missing_payment_type
    draft.find(
        "/payments",
        None,
        "expected payments of one PaymentType, found card and cash on delivery"
        if kinds
        else "expected a payment with a paymentMethodTypeId; the profile's missing_payment_type "
        "can decide",
    )
    return OMITTED


def _write_fiscal_credit(draft: Draft, profile: Profile) -> None:
    if profile.request_version == 1:
        return
    said = (draft.attribute(profile.fiscal_credit_attribute) or "").lower()
    origin = draft.attribute_origin(profile.fiscal_credit_attribute)
    if said not in {"", "y", "n", "true", "false"}:
        draft.find(origin.pointer, said, "expected true, false, Y or N; it becomes FiscalCredit")
    wanted = said in {"y", "true"}
    draft.put(
        "FiscalCredit",
        wanted if profile.fiscal_credit_form == "boolean" else str(wanted).lower(),
        origin,
    )
    for name, attribute in (
        ("CompanyId", profile.company_id_attribute),
        ("CompanyName", profile.company_name_attribute),
        ("CompanyAddress", profile.company_address_attribute),
    ):
        draft.put(name, draft.attribute(attribute), draft.attribute_origin(attribute))


def _write_stores(
    draft: Draft, profile: Profile, stores: Mapping[str, StoreCodes], items: list[FeedItem]
) -> list[StoreCodes | None]:
    """Choose the invoiced store; give each item's codes, None where a finding says why not."""
    codes: list[StoreCodes | None] = []
    fulfilments: list[Fulfilment] = []
    for found in items:
        item, pointer = found.item, f"{found.pointer}/facilityExternalId"
        facility = item.facility_external_id
        virtual = item.parent_facility_type_id == "VIRTUAL_FACILITY" or facility == NOT_AN_ITEM
        if virtual or facility is None or facility not in stores:
            codes.append(None)
            draft.find(
                pointer,
                facility,
                "expected a store; this item never left one (a digital item, for example)"
                if virtual
                else "expected a facility with Retail Pro store codes; add it to the profile's stores",
            )
            continue
        codes.append(stores[facility])
        if item.status_datetime is None:
            draft.find(
                f"{found.pointer}/statusDatetime",
                None,
                "expected when the item was completed; it decides which store is invoiced",
            )
        else:
            fulfilments.append(
                Fulfilment(item.status_datetime, facility, item.order_item_seq_id or "")
            )
    if fulfilments:
        facility = invoicing_facility(fulfilments, profile.invoicing_location)
        draft.put("InvoicingStore", stores[facility].invoicing_store, "/shipments")
    else:
        draft.put("InvoicingStore", OMITTED, "/shipments")
    return codes
