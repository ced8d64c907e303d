"""SQL that writes new orders into the order store.

What happens to their items afterwards is fulfilment.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, insert, select

from tillbridge.database import oms_tables as tables
from tillbridge.errors import Finding, RecordRejected
from tillbridge.oms.channels import channel_id
from tillbridge.oms.order import (
    ITEM_APPROVED,
    ITEM_CANCELLED,
    ORDER_APPROVED,
    ORDER_COMPLETED,
    Order,
)

_Rows = list[dict[str, Any]]


def create_orders(connection: Connection, orders: Sequence[Order]) -> None:
    """Write new orders, approved and with nothing fulfilled, whatever statuses they come with.

    Raises:
        RecordRejected: the first order that is there already, or that names a store, facility or
            product that is not. Nothing of the call was written.
    """
    _check_references(connection, orders)
    write_orders(connection, [_approved(order) for order in orders])


def write_orders(connection: Connection, orders: Sequence[Order]) -> None:
    """Write new orders with the statuses they come with; no stock is taken and no shipment written.

    The caller has made sure that the ids are new and what the orders refer to is there.
    """
    for table, rows in (
        (tables.order_header, [_header(order) for order in orders]),
        (tables.order_identification, _identifications(orders)),
        (tables.order_contact_mech, _contacts(orders)),
        (tables.order_attribute, _attributes(orders)),
        (tables.order_payment_preference, _payments(orders)),
        (tables.order_item_ship_group, _ship_groups(orders)),
        (tables.order_item, _items(orders)),
        (tables.order_adjustment, _adjustments(orders)),
    ):
        if rows:
            connection.execute(insert(table), rows)


def _approved(order: Order) -> Order:
    items = tuple(replace(item, status_id=ITEM_APPROVED, status_at=None) for item in order.items)
    return replace(order, status_id=ORDER_APPROVED, items=items)


def _check_references(connection: Connection, orders: Sequence[Order]) -> None:
    """Refuse the first order whose id is taken or that refers to what the order store does not have."""
    taken = _known(connection, tables.order_header.c.order_id, (one.order_id for one in orders))
    stores = _known(
        connection,
        tables.product_store.c.product_store_id,
        (one.product_store_id for one in orders),
    )
    facilities = _known(
        connection,
        tables.facility.c.facility_id,
        (group.facility_id for one in orders for group in one.ship_groups),
    )
    products = _known(
        connection,
        tables.product.c.product_id,
        (item.product_id for one in orders for item in one.items),
    )
    for order in orders:
        findings = []
        if order.order_id in taken:
            findings.append(
                Finding("/orderId", order.order_id, "expected a new order id; this order is there")
            )
        # Every order of a call must be new to the others of the call, too.
        taken.add(order.order_id)
        references = [
            ("/productStoreId", order.product_store_id, stores, "product store"),
            *(
                (f"/shipGroups/{index}/facilityId", group.facility_id, facilities, "facility")
                for index, group in enumerate(order.ship_groups)
            ),
            *(
                (f"/items/{index}/productId", item.product_id, products, "product")
                for index, item in enumerate(order.items)
            ),
        ]
        findings += [
            Finding(pointer, value, f"expected a {what} that the order store has; add it first")
            for pointer, value, known, what in references
            if value is not None and value not in known
        ]
        if findings:
            raise RecordRejected(order.order_id, tuple(findings))


def _known(connection: Connection, column: Column[Any], values: Iterable[str | None]) -> set[str]:
    wanted = {value for value in values if value is not None}
    return set(connection.scalars(select(column).where(column.in_(wanted))))


def _header(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "product_store_id": order.product_store_id,
        "order_name": order.order_name,
        "order_date": order.order_at,
        "entry_date": order.entry_at,
        "status_id": order.status_id,
        "completed_at": _completed_at(order),
        "sales_channel_enum_id": channel_id(order.sales_channel),
        "currency_uom": order.currency,
        "grand_total": order.grand_total,
        "customer_party_id": order.customer_party_id,
        "customer_first_name": order.customer_first_name,
        "customer_last_name": order.customer_last_name,
        "customer_email": order.customer_email,
        "customer_phone": order.customer_phone,
        "external_id": order.external_id,
        "origin_facility_id": order.origin_facility_id,
        "auto_approve": order.auto_approve,
    }


def _completed_at(order: Order) -> datetime | None:
    if order.status_id != ORDER_COMPLETED:
        return None
    return max(item.status_at for item in order.items if item.status_at is not None)


def _identifications(orders: Sequence[Order]) -> _Rows:
    return [
        {
            "order_id": order.order_id,
            "order_identification_type_id": type_id,
            "id_value": value,
        }
        for order in orders
        for type_id, value in (order.identifications or {}).items()
    ]


def _contacts(orders: Sequence[Order]) -> _Rows:
    return [
        {"order_id": order.order_id, "contact_mech_purpose_type_id": purpose, **asdict(address)}
        for order in orders
        for purpose, address in (
            (tables.BILLING, order.bill_to),
            (tables.SHIPPING, order.ship_to),
        )
        if address
    ]


def _attributes(orders: Sequence[Order]) -> _Rows:
    return [
        {"order_id": order.order_id, "attr_name": name, "attr_value": value}
        for order in orders
        for name, value in (order.attributes or {}).items()
    ]


def _payments(orders: Sequence[Order]) -> _Rows:
    return [
        {
            "order_id": order.order_id,
            "payment_seq_id": f"{number:05}",
            "payment_method_type_id": payment.method_type_id,
            "status_id": payment.status_id,
            "max_amount": payment.amount,
        }
        for order in orders
        for number, payment in enumerate(order.payments, 1)
    ]


def _ship_groups(orders: Sequence[Order]) -> _Rows:
    return [
        {"order_id": order.order_id, **asdict(group)}
        for order in orders
        for group in order.ship_groups
    ]


def _items(orders: Sequence[Order]) -> _Rows:
    return [
        {
            "order_id": order.order_id,
            "order_item_seq_id": item.order_item_seq_id,
            "external_id": item.external_id,
            "ship_group_seq_id": item.ship_group_seq_id,
            "product_id": item.product_id,
            "quantity": item.quantity,
            "cancel_quantity": item.quantity if item.status_id == ITEM_CANCELLED else None,
            "unit_price": item.unit_price,
            "status_id": item.status_id,
            "status_datetime": item.status_at,
            "item_description": item.description,
        }
        for order in orders
        for item in order.items
    ]


def _adjustments(orders: Sequence[Order]) -> _Rows:
    return [
        {
            "order_id": order.order_id,
            "order_item_seq_id": item_seq_id,
            "order_adjustment_type_id": adjustment.type_id,
            "amount": adjustment.amount,
        }
        for order in orders
        for item_seq_id, adjustments in (
            (tables.NOT_AN_ITEM, order.adjustments),
            *((item.order_item_seq_id, item.adjustments) for item in order.items),
        )
        for adjustment in adjustments
    ]
