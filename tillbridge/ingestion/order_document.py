"""A sale as HotWax's order import takes it, by HotWax's conventions for tills. Pure.

What was carried out of the store is completed there (`POS_COMPLETED`); what is to be shipped waits in the
brokering queue (facility `_NA_`); what is picked up waits at its store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from tillbridge import money
from tillbridge.ingestion.transaction import LineItem, RetailTransaction
from tillbridge.profile import TillSettings

BROKERING_QUEUE = "_NA_"
_GROUPS = {"in_store": 0, "pickup": 1, "endless_aisle": 2}


def order_document(
    made: RetailTransaction,
    lines: Sequence[LineItem],
    product_store_id: str,
    time_zone: str,
    settings: TillSettings,
) -> dict[str, Any]:
    """Give the order of these lines of a sale; a part of them where the OMS is not order master."""
    discount, shipping = _share(made, lines)
    grand_total = sum((line.total for line in lines), Decimal(0)) - discount + shipping
    moment = made.begin_date_time.astimezone(ZoneInfo(time_zone)).isoformat(timespec="seconds")
    document = {
        "externalId": made.transaction_id,
        "orderName": made.display_id,
        "orderDate": moment,
        "entryDate": moment,
        "orderTypeId": "SALES_ORDER",
        "statusId": _order_status(lines),
        "salesChannelEnumId": settings.sales_channel,
        "currencyUom": made.currency,
        "grandTotal": grand_total,
        "productStoreId": product_store_id,
        "originExternalFacilityId": made.store,
        **customer_members(made),
        "identifications": [
            {
                "orderIdentificationTypeId": settings.order_identification,
                "idValue": made.transaction_id,
            }
        ],
        "attributes": _attributes(made),
        "adjustments": _adjustments(
            ("EXT_PROMO_ADJUSTMENT", -discount), ("SHIPPING_CHARGES", shipping)
        ),
        "paymentPreferences": _payments(made, grand_total, len(lines) < len(made.sales), settings),
        "shipGroups": _ship_groups(made, lines, settings),
    }
    return {name: value for name, value in document.items() if value is not None}


def customer_members(made: RetailTransaction) -> dict[str, Any]:
    """Give the members that say who bought and where it is billed."""
    customer = made.customer
    bill_to: dict[str, Any] = {}
    if made.bill_to or made.ship_to:
        bill_to["postalAddress"] = dict(made.bill_to or made.ship_to)
    if customer.email:
        bill_to["email"] = {"infoString": customer.email}
    if customer.phone:
        bill_to["phoneNumber"] = {"contactNumber": customer.phone}
    return {
        "customerExternalId": customer.id,
        "firstName": customer.first_name,
        "lastName": customer.last_name,
        "customerEmail": customer.email,
        "customerPhone": customer.phone,
        "billTo": bill_to or None,
    }


def item_members(line: LineItem) -> dict[str, Any]:
    """Give the members of a line that orders and returns share."""
    return {
        "idType": line.item.type_id,
        "idValue": line.item.value,
        "quantity": line.quantity,
        "adjustments": []
        if line.is_cancelled
        else _adjustments(("EXT_PROMO_ADJUSTMENT", -line.discount), ("SALES_TAX", line.tax)),
    }


def _share(made: RetailTransaction, lines: Sequence[LineItem]) -> tuple[Decimal, Decimal]:
    """Give how much of the sale's discount and shipping these lines bear; shipping is for what is shipped."""
    if len(lines) == len(made.sales):
        return made.discount, made.shipping
    part = sum((line.total for line in lines), Decimal(0))
    whole = sum((line.total for line in made.sales), Decimal(0))
    decimals = money.finest([made.discount], made.currency)
    return money.allocate(made.discount, [part, whole - part], decimals)[0], made.shipping


def _order_status(lines: Sequence[LineItem]) -> str:
    statuses = {_item_status(line) for line in lines} - {"ITEM_CANCELLED"}
    if not statuses:
        return "ORDER_CANCELLED"
    return "ORDER_COMPLETED" if statuses == {"ITEM_COMPLETED"} else "ORDER_CREATED"


def _item_status(line: LineItem) -> str:
    if line.is_cancelled:
        return "ITEM_CANCELLED"
    return "ITEM_COMPLETED" if line.fulfillment == "in_store" else "ITEM_CREATED"


def _attributes(made: RetailTransaction) -> list[dict[str, str]]:
    values = {
        "RetailStoreID": made.retail_store_id,
        "WorkstationID": made.workstation_id,
        "SequenceNumber": None if made.sequence_number is None else str(made.sequence_number),
        "BusinessDayDate": made.business_day_date.isoformat(),
    }
    return [{"attrName": name, "attrValue": value} for name, value in values.items() if value]


def _adjustments(*amounts: tuple[str, Decimal]) -> list[dict[str, Any]]:
    return [{"type": type_id, "amount": amount} for type_id, amount in amounts if amount]


def _payments(
    made: RetailTransaction, grand_total: Decimal, is_part: bool, settings: TillSettings
) -> list[dict[str, Any]]:
    """Give the tenders, and what they leave open as not received, so that nobody ships it unpaid.

    What is open where goods came back in the same transaction was paid with those.
    """
    paid = _paid(made)
    left_open = made.sales_total - sum((amount for _, amount in paid), Decimal(0))
    if left_open > 0 and made.returns:
        method = settings.payment_methods.get("Exchange", settings.other_payment_method)
        paid.append((method, min(left_open, made.returns_total)))
    amounts = [amount for _, amount in paid]
    if is_part and amounts and sum(amounts) >= grand_total:
        amounts = money.allocate(grand_total, amounts, money.finest([grand_total], made.currency))
    preferences = [
        (method, "PAYMENT_SETTLED", amount)
        for (method, _), amount in zip(paid, amounts, strict=True)
        if amount
    ]
    if (missing := grand_total - sum(amounts, Decimal(0))) > 0:
        preferences.append((settings.other_payment_method, "PAYMENT_NOT_RECEIVED", missing))
    return [
        {"paymentMethodTypeId": method, "statusId": status, "maxAmount": amount}
        for method, status, amount in preferences
    ]


def _paid(made: RetailTransaction) -> list[tuple[str, Decimal]]:
    """Give what was paid by method, less the change; a refund for goods belongs to their return."""
    paid = [(one.method, one.amount) for one in made.tenders if not one.is_refund]
    if made.returns:
        return paid
    for change in (one for one in made.tenders if one.is_refund):
        left = change.amount
        # Change is given for what was paid in the same way, if anything was.
        places = sorted(range(len(paid)), key=lambda place: paid[place][0] != change.method)
        for place in places:
            method, amount = paid[place]
            taken = min(amount, left)
            paid[place] = (method, amount - taken)
            left -= taken
    return paid


def _ship_groups(
    made: RetailTransaction, lines: Sequence[LineItem], settings: TillSettings
) -> list[dict[str, Any]]:
    def group(line: LineItem) -> tuple[int, str]:
        return _GROUPS[line.fulfillment], line.pickup_store or ""

    groups = []
    for number, (_, members) in enumerate(groupby(sorted(lines, key=group), key=group), 1):
        found = list(members)
        groups.append(
            {
                "shipGroupSeqId": f"{number:05}",
                **_place(made, found[0], settings),
                "items": [_item(line) for line in found],
            }
        )
    return groups


def _place(made: RetailTransaction, line: LineItem, settings: TillSettings) -> Mapping[str, Any]:
    match line.fulfillment:
        case "in_store":
            return {"externalId": made.store, "shipmentMethodTypeId": "POS_COMPLETED"}
        case "pickup":
            return {"externalId": line.pickup_store, "shipmentMethodTypeId": "STOREPICKUP"}
        case "endless_aisle":
            place = {
                "facilityId": BROKERING_QUEUE,
                "shipmentMethodTypeId": settings.shipment_method,
            }
            if not made.ship_to:
                return place
            return {**place, "shipTo": {"postalAddress": dict(made.ship_to)}}


def _item(line: LineItem) -> dict[str, Any]:
    return {
        "orderItemSeqId": f"{line.sequence_number:05}",
        "externalId": line.external_id,
        **item_members(line),
        "unitPrice": line.unit_price,
        "statusId": _item_status(line),
        **({"itemDescription": line.description} if line.description else {}),
        **({"attributes": attributes} if (attributes := _item_attributes(line)) else {}),
    }


def _item_attributes(line: LineItem) -> list[dict[str, str]]:
    values = {
        "TaxExempt": "Y" if line.is_tax_exempt else None,
        "TaxIncluded": f"{line.included_tax:f}" if line.included_tax else None,
    }
    return [{"attrName": name, "attrValue": value} for name, value in values.items() if value]
