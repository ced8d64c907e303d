"""SQL that moves the items of an order on: completed or cancelled, and the order after them.

When an order counts as completed is said in completion.py; what leaves the order store is feed.py.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from tillbridge.database import oms_tables as tables
from tillbridge.errors import Finding, RecordRejected
from tillbridge.oms.completion import completed_status
from tillbridge.oms.order import (
    ITEM_APPROVED,
    ITEM_CANCELLED,
    ITEM_COMPLETED,
    ORDER_COMPLETED,
    SALES_TAX,
    Shipment,
)

_OPEN = {"ITEM_CREATED", ITEM_APPROVED}


def complete_items(
    connection: Connection,
    order_id: str,
    item_seq_ids: Collection[str],
    at: datetime,
    shipment: Shipment | None = None,
) -> None:
    """Mark items completed, take their stock where they left, and move the order on.

    Without a shipment (digital items) no stock is taken.

    Raises:
        RecordRejected: an item is not there or not open, or the facility has too little of it.
    """
    items = _open_items(connection, order_id, item_seq_ids)
    if shipment:
        _take_stock(connection, order_id, items, shipment.facility_id)
        connection.execute(
            insert(tables.shipment).values(
                shipment_id=shipment.shipment_id,
                order_id=order_id,
                origin_facility_id=shipment.facility_id,
                shipment_method_type_id=shipment.shipment_method_type_id,
                carrier_party_id=shipment.carrier_party_id,
                tracking_number=shipment.tracking_number,
            )
        )
    _set_items(
        connection,
        order_id,
        item_seq_ids,
        status_id=ITEM_COMPLETED,
        status_datetime=at,
        shipment_id=shipment.shipment_id if shipment else None,
    )
    _move_order_on(connection, order_id)


def cancel_items(
    connection: Connection, order_id: str, item_seq_ids: Collection[str], at: datetime
) -> None:
    """Cancel items, take what they cost off the order's total, and move the order on.

    The items keep their adjustments; as in HotWax, a negative SALES_TAX is added to each.

    Raises:
        RecordRejected: an item is not there or not open.
    """
    items = _open_items(connection, order_id, item_seq_ids)
    adjustment, header = tables.order_adjustment, tables.order_header
    adjustments = connection.execute(
        select(adjustment).where(
            adjustment.c.order_id == order_id, adjustment.c.order_item_seq_id.in_(item_seq_ids)
        )
    ).all()
    cost = sum((row.amount for row in adjustments), Decimal(0))
    for item in items:
        cost += item.quantity * item.unit_price
        seq_id = item.order_item_seq_id
        _set_items(
            connection,
            order_id,
            [seq_id],
            status_id=ITEM_CANCELLED,
            status_datetime=at,
            cancel_quantity=item.quantity,
        )
        tax = sum(
            (
                row.amount
                for row in adjustments
                if row.order_item_seq_id == seq_id and row.order_adjustment_type_id == SALES_TAX
            ),
            Decimal(0),
        )
        if tax:
            connection.execute(
                insert(adjustment).values(
                    order_id=order_id,
                    order_item_seq_id=seq_id,
                    order_adjustment_type_id=SALES_TAX,
                    amount=-tax,
                )
            )
    connection.execute(
        update(header)
        .where(header.c.order_id == order_id)
        .values(grand_total=header.c.grand_total - cost)
    )
    _move_order_on(connection, order_id)


def _open_items(
    connection: Connection, order_id: str, item_seq_ids: Collection[str]
) -> Sequence[Row[Any]]:
    # The lock keeps two changes of one order from judging its completion by each other's past.
    header, item = tables.order_header, tables.order_item
    connection.execute(
        select(header.c.order_id).where(header.c.order_id == order_id).with_for_update()
    )
    items = connection.execute(
        select(item).where(item.c.order_id == order_id, item.c.order_item_seq_id.in_(item_seq_ids))
    ).all()
    statuses = {row.order_item_seq_id: row.status_id for row in items}
    findings = tuple(
        Finding(
            f"/items/{seq_id}",
            statuses.get(seq_id),
            f"expected an open item; it is {statuses.get(seq_id, 'not in the order')}",
        )
        for seq_id in item_seq_ids
        if statuses.get(seq_id) not in _OPEN
    )
    if findings:
        raise RecordRejected(order_id, findings)
    return items


def _take_stock(
    connection: Connection, order_id: str, items: Sequence[Row[Any]], facility_id: str
) -> None:
    stock = tables.product_facility
    findings = []
    for item in sorted(
        items, key=lambda row: str(row.product_id)
    ):  # one order for all, or deadlock
        taken = connection.execute(
            update(stock)
            .where(
                stock.c.facility_id == facility_id,
                stock.c.product_id == item.product_id,
                stock.c.quantity_on_hand >= item.quantity,
            )
            .values(quantity_on_hand=stock.c.quantity_on_hand - item.quantity)
        )
        if taken.rowcount == 0:
            findings.append(
                Finding(
                    f"/items/{item.order_item_seq_id}/quantity",
                    str(item.quantity),
                    f"expected {item.quantity} of product {item.product_id} at facility "
                    f"{facility_id}, which has less; correct its stock, then complete the item again",
                )
            )
    if findings:
        raise RecordRejected(order_id, tuple(findings))


def _set_items(
    connection: Connection, order_id: str, item_seq_ids: Collection[str], **values: Any
) -> None:
    item = tables.order_item
    connection.execute(
        update(item)
        .where(item.c.order_id == order_id, item.c.order_item_seq_id.in_(item_seq_ids))
        .values(**values)
    )


def _move_order_on(connection: Connection, order_id: str) -> None:
    item, header = tables.order_item, tables.order_header
    items = connection.execute(
        select(item.c.status_id, item.c.status_datetime).where(item.c.order_id == order_id)
    ).all()
    status = completed_status([row.status_id for row in items])
    if status is None:
        return
    completed_at = max(row.status_datetime for row in items if row.status_datetime is not None)
    connection.execute(
        update(header)
        .where(header.c.order_id == order_id)
        .values(status_id=status, completed_at=completed_at if status == ORDER_COMPLETED else None)
    )
