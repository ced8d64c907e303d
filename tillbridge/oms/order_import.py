"""An order of HotWax's import as the order store holds it. Pure.

By HotWax's conventions for tills: what was carried out of the store (`POS_COMPLETED`) is completed, what
is to be shipped or picked up is open, and the order's status follows from its items.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from tillbridge.contracts import json_text
from tillbridge.contracts.import_record import Adjustment as AdjustmentMembers
from tillbridge.contracts.import_record import PaymentPreference, part_marks
from tillbridge.contracts.order_import import (
    PARTS,
    Contact,
    OrderImport,
    PostalAddress,
    ProductNamed,
)
from tillbridge.oms.completion import completed_status
from tillbridge.oms.findings import Findings
from tillbridge.oms.identification import ProductName, product_name
from tillbridge.oms.order import (
    ITEM_APPROVED,
    ITEM_CANCELLED,
    ITEM_COMPLETED,
    ITEM_CREATED,
    ORDER_APPROVED,
    ORDER_CANCELLED,
    ORDER_COMPLETED,
    POS_COMPLETED,
    Address,
    Adjustment,
    Item,
    Order,
    Payment,
    ShipGroup,
)
from tillbridge.oms.references import References

_NOT_AN_ITEM = "_NA_"
_FINISHED = {ITEM_COMPLETED, ITEM_CANCELLED}
_READABLE_PART = 47


def order_id(product_store_id: str, external_id: str) -> str:
    """Derive the id under which the order store keeps an imported order: the same every time.

    It is the external id, cut to 47 characters, with a mark of the product store and the whole external
    id behind it, so that two product stores may number their orders alike.
    """
    mark = hashlib.sha256(json_text.write([product_store_id, external_id])).hexdigest()[:12]
    return f"{external_id[:_READABLE_PART]}-{mark}"


def products_of(document: OrderImport) -> Iterator[ProductName]:
    """Yield how the order names its products, for looking them up."""
    for group in document.ship_groups:
        yield from map(_name, group.items)


def to_order(document: OrderImport, references: References, now: datetime) -> Order:
    """Give the order that an import document describes, approved where HotWax's rule approves it.

    Raises:
        RecordRejected: with everything that the order store does not have or that contradicts itself.
    """
    found = Findings(document.external_id)
    if document.product_store_id not in references.approval:
        found.add(
            "/productStoreId",
            document.product_store_id,
            "expected a product store of the order store; add it first",
        )
    origin = None
    if document.origin_facility_id or document.origin_external_facility_id:
        origin = found.attempt(
            references.facility,
            "/originFacilityId",
            document.origin_facility_id,
            document.origin_external_facility_id,
        )
    at = document.order_status_datetime or document.order_date or now
    groups = _ship_groups(document, references, found)
    items = _items(document, references, at, found)
    _check_status(document, items, found)
    found.once_each("/attributes", (one.attr_name for one in document.attributes or ()))
    found.once_each(
        "/identifications",
        (one.order_identification_type_id for one in document.identifications or ()),
    )
    of_the_order, items = _place_adjustments(document, items, found)
    ship_to = _ship_to(document, found)
    found.stop_if_any()
    order = Order(
        order_id=order_id(document.product_store_id, document.external_id),
        product_store_id=document.product_store_id,
        order_name=document.order_name or document.external_id,
        order_at=document.order_date or now,
        entry_at=document.entry_date or now,
        sales_channel=document.sales_channel_enum_id,
        currency=document.currency_uom,
        grand_total=document.grand_total,
        ship_groups=groups,
        items=items,
        adjustments=of_the_order,
        payments=payments_of(document.payment_preferences),
        identifications={
            one.order_identification_type_id: one.id_value for one in document.identifications or ()
        },
        attributes={one.attr_name: one.attr_value or "" for one in document.attributes or ()},
        customer_party_id=document.customer_id
        or document.customer_external_id
        or document.customer_identification_value,
        customer_first_name=document.first_name,
        customer_last_name=document.last_name,
        customer_email=document.customer_email,
        customer_phone=document.customer_phone,
        bill_to=_address(document.bill_to),
        ship_to=ship_to,
        status_id=completed_status([item.status_id for item in items]) or document.status_id,
        external_id=document.external_id,
        origin_facility_id=origin.facility_id if origin else None,
        auto_approve=document.auto_approve,
    )
    rule = references.approval[document.product_store_id]
    if rule.approves(order.status_id, order.auto_approve, order.payments):
        return approved(order)
    return approved(order) if order.status_id == ORDER_APPROVED else order


def approved(order: Order) -> Order:
    """Give the order with its open items approved."""
    items = tuple(
        replace(item, status_id=ITEM_APPROVED) if item.status_id == ITEM_CREATED else item
        for item in order.items
    )
    return replace(order, status_id=ORDER_APPROVED, items=items)


def content_marks(document: OrderImport) -> dict[str, str]:
    """Give a mark of each part of the order, for telling a repetition from another content."""
    return part_marks(document, PARTS)


def payments_of(preferences: Iterable[PaymentPreference] | None) -> tuple[Payment, ...]:
    """Give the payments as the order store holds them."""
    return tuple(
        Payment(one.payment_method_type_id, one.max_amount, one.status_id)
        for one in preferences or ()
    )


def adjustments_of(members: Iterable[AdjustmentMembers]) -> tuple[Adjustment, ...]:
    """Give the adjustments as the order store holds them."""
    return tuple(Adjustment(one.type, one.amount) for one in members)


def _ship_groups(
    document: OrderImport, references: References, found: Findings
) -> tuple[ShipGroup, ...]:
    groups = []
    for index, group in enumerate(document.ship_groups):
        facility = found.attempt(
            references.facility,
            f"/shipGroups/{index}/facilityId",
            group.facility_id,
            group.external_id,
        )
        if facility:
            groups.append(
                ShipGroup(
                    _group_id(document, index), facility.facility_id, group.shipment_method_type_id
                )
            )
    found.once_each("/shipGroups", (group.ship_group_seq_id for group in groups))
    return tuple(groups)


def _items(
    document: OrderImport, references: References, at: datetime, found: Findings
) -> tuple[Item, ...]:
    items = []
    number = 0
    for group_index, group in enumerate(document.ship_groups):
        for index, item in enumerate(group.items):
            number += 1
            pointer = f"/shipGroups/{group_index}/items/{index}"
            product_id = found.attempt(references.product, pointer, _name(item))
            is_finished = item.status_id in _FINISHED
            if group.shipment_method_type_id == POS_COMPLETED and not is_finished:
                found.add(
                    f"{pointer}/statusId",
                    item.status_id,
                    "expected ITEM_COMPLETED or ITEM_CANCELLED; what is POS_COMPLETED was carried "
                    "out of the store",
                )
            items.append(
                Item(
                    order_item_seq_id=item.order_item_seq_id or f"{number:05}",
                    ship_group_seq_id=_group_id(document, group_index),
                    product_id=product_id or "",
                    quantity=item.quantity,
                    unit_price=item.unit_price,
                    adjustments=adjustments_of(
                        one for one in item.adjustments or () if one.set_ship_group != "N"
                    ),
                    external_id=item.external_id,
                    status_id=item.status_id,
                    status_at=at if is_finished else None,
                    description=item.item_description,
                )
            )
    found.once_each("/shipGroups", (item.order_item_seq_id for item in items))
    return tuple(items)


def _check_status(document: OrderImport, items: Iterable[Item], found: Findings) -> None:
    """Refuse an order that says it is finished while its items are not."""
    follows = completed_status([item.status_id for item in items])
    if document.status_id in {ORDER_COMPLETED, ORDER_CANCELLED} and document.status_id != follows:
        found.add(
            "/statusId",
            document.status_id,
            f"expected {follows or 'ORDER_CREATED'}, which follows from the statuses of the items",
        )


def _place_adjustments(
    document: OrderImport, items: tuple[Item, ...], found: Findings
) -> tuple[tuple[Adjustment, ...], tuple[Item, ...]]:
    """Give the adjustments of the order as a whole, and the items with all of theirs."""
    seq_ids = {item.order_item_seq_id for item in items}
    of_the_order = [
        one
        for group in document.ship_groups
        for item in group.items
        for one in item.adjustments or ()
        if one.set_ship_group == "N"
    ]
    by_item: dict[str, list[AdjustmentMembers]] = {}
    for index, one in enumerate(document.adjustments or ()):
        seq_id = one.order_item_seq_id or _NOT_AN_ITEM
        if seq_id == _NOT_AN_ITEM:
            of_the_order.append(one)
        elif seq_id in seq_ids:
            by_item.setdefault(seq_id, []).append(one)
        else:
            found.add(
                f"/adjustments/{index}/orderItemSeqId",
                seq_id[:200],
                "expected an item of the order, or _NA_ for the order as a whole",
            )
    placed = tuple(
        replace(
            item,
            adjustments=item.adjustments + adjustments_of(by_item.get(item.order_item_seq_id, ())),
        )
        for item in items
    )
    return adjustments_of(of_the_order), placed


def _ship_to(document: OrderImport, found: Findings) -> Address | None:
    addresses = {
        address
        for group in document.ship_groups
        if (address := _address(group.ship_to)) is not None
    }
    if len(addresses) > 1:
        found.add(
            "/shipGroups",
            None,
            "expected one shipTo for all ship groups; the order store keeps one for each order, so "
            "make it one order for each address",
        )
    return next(iter(addresses), None)


def _address(contact: Contact | None) -> Address | None:
    if contact is None:
        return None
    postal = contact.postal_address or PostalAddress()
    address = Address(
        to_name=postal.name,
        address1=postal.address1,
        address2=postal.address2,
        city=postal.city,
        postal_code=postal.postal_code,
        state_province_geo_code=postal.state_province_geo_id,
        country_geo_code=postal.country_geo_id,
        country_geo_name=postal.country_geo_name,
        email=contact.email.info_string if contact.email else None,
        phone=contact.phone_number.contact_number if contact.phone_number else None,
    )
    return None if address == Address() else address


def _group_id(document: OrderImport, index: int) -> str:
    return document.ship_groups[index].ship_group_seq_id or f"{index + 1:05}"


def _name(item: ProductNamed) -> ProductName:
    return product_name(item.product_id, item.sku, item.id_type, item.id_value)
