"""Writes an order as HotWax's completed-orders feed shows it. Pure.

The shape is the published one of the fulfilled order items feed, with `payments` and `orderAttributes`
as its sibling feed of brokered orders has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tillbridge.oms.channels import channel_code
from tillbridge.oms.order import (
    ITEM_COMPLETED,
    ORDER_COMPLETED,
    POS_COMPLETED,
    Address,
    Adjustment,
    Facility,
    Item,
    Order,
    Product,
    Shipment,
)

_OF_THE_ORDER = "_NA_"


def document(
    order: Order, facilities: Mapping[str, Facility], products: Mapping[str, Product]
) -> dict[str, Any]:
    """Give the members of a completed order, with those of its completed items that were not carried out.

    HotWax's feed leaves those out by their shipment method (`POS_COMPLETED`).

    `facilities` and `products` are by id and hold at least those of the order.
    """
    return {
        "productStoreId": order.product_store_id,
        "orderId": order.order_id,
        "orderName": order.order_name,
        "orderDate": _time(order.order_at),
        "entryDate": _time(order.entry_at),
        "orderStatusId": ORDER_COMPLETED,
        "currency": order.currency,
        "grandTotal": order.grand_total,
        "salesChannel": channel_code(order.sales_channel),
        "customerPartyId": order.customer_party_id,
        "customerFirstName": order.customer_first_name,
        "customerLastName": order.customer_last_name,
        "customerEmail": order.customer_email,
        "customerPhone": order.customer_phone,
        "orderIdentifications": [
            {"orderIdentificationTypeId": type_id, "idValue": value}
            for type_id, value in (order.identifications or {}).items()
        ],
        "billTo": _address(order.bill_to),
        "orderAdjustments": _adjustments(order.adjustments, _OF_THE_ORDER),
        "orderAttributes": [
            {"attrName": name, "attrValue": value}
            for name, value in (order.attributes or {}).items()
        ],
        "payments": [
            {
                "paymentMethodTypeId": payment.method_type_id,
                "statusId": payment.status_id,
                "amount": payment.amount,
            }
            for payment in order.payments
        ],
        "shipments": _shipments(order, facilities, products),
    }


def _shipments(
    order: Order, facilities: Mapping[str, Facility], products: Mapping[str, Product]
) -> list[dict[str, Any]]:
    groups = {group.ship_group_seq_id: group for group in order.ship_groups}
    by_shipment: dict[Shipment | None, list[dict[str, Any]]] = {}
    for item in order.items:
        group = groups[item.ship_group_seq_id]
        if item.status_id != ITEM_COMPLETED or group.shipment_method_type_id == POS_COMPLETED:
            continue
        left = item.shipment.facility_id if item.shipment else group.facility_id
        members = by_shipment.setdefault(item.shipment, [])
        members.append(
            {
                "shipmentId": item.shipment and item.shipment.shipment_id,
                "shipmentItemSeqId": f"{len(members) + 1:05}" if item.shipment else None,
                "orderId": order.order_id,
                "slaShipmentMethodTypeId": group.shipment_method_type_id,
                **_item(item, facilities[left], products[item.product_id]),
            }
        )
    return [
        {
            "trackingNumber": shipment and shipment.tracking_number,
            "carrierPartyId": shipment and shipment.carrier_party_id,
            "shipmentMethodTypeId": shipment and shipment.shipment_method_type_id,
            "shipTo": _address(order.ship_to) if shipment else None,
            "shipmentItems": members,
        }
        for shipment, members in by_shipment.items()
    ]


def _item(item: Item, facility: Facility, product: Product) -> dict[str, Any]:
    return {
        "orderItemSeqId": item.order_item_seq_id,
        "orderItemExternalId": item.external_id,
        "shipGroupSeqId": item.ship_group_seq_id,
        "itemStatusId": item.status_id,
        "itemQuantity": item.quantity,
        "shippedQuantity": item.quantity if item.shipment else None,
        "statusDatetime": item.status_at and _time(item.status_at),
        "productId": item.product_id,
        "unitPrice": item.unit_price,
        "facilityId": facility.facility_id,
        "facilityExternalId": facility.external_id,
        "facilityTypeId": facility.facility_type_id,
        "parentFacilityTypeId": facility.parent_facility_type_id,
        "goodIdentifications": [
            {"goodIdentificationTypeId": type_id, "idValue": value}
            for type_id, value in product.identifications.items()
        ],
        "itemAdjustments": _adjustments(item.adjustments, item.order_item_seq_id),
    }


def _adjustments(adjustments: Iterable[Adjustment], item_seq_id: str) -> list[dict[str, Any]]:
    return [
        {
            "orderAdjustmentTypeId": adjustment.type_id,
            "orderItemSeqId": item_seq_id,
            "amount": adjustment.amount,
        }
        for adjustment in adjustments
    ]


def _address(address: Address | None) -> dict[str, Any] | None:
    if address is None:
        return None
    return {
        "toName": address.to_name,
        "address1": address.address1,
        "address2": address.address2,
        "city": address.city,
        "postalCode": address.postal_code,
        "stateProvinceGeoCode": address.state_province_geo_code,
        "countryGeoCode": address.country_geo_code,
        "countryGeoName": address.country_geo_name,
        "email": address.email,
        "phone": address.phone,
    }


def _time(moment: datetime) -> str:
    return moment.isoformat()
