"""SQL that takes stock for what customers carried out of a store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from sqlalchemy import Connection, insert, select

from tillbridge.database.import_tables import data_manager_record, item_issuance
from tillbridge.database.oms_tables import facility
from tillbridge.oms.order import DIGITAL_GOOD, ITEM_COMPLETED, POS_COMPLETED, Facility, Item, Order
from tillbridge.oms.stock import Place, lock_stock, set_stock
from tillbridge.oms.stock_rule import Taken, take

_PHYSICAL_STORE = "PHYSICAL_STORE"


def issue(
    connection: Connection,
    orders: Sequence[Order],
    facilities: Mapping[str, Facility],
    product_types: Mapping[str, str],
) -> None:
    """Take the stock of the items that were carried out of a physical store, and note what was taken.

    The till has really sold them, so an item is completed also where the order store knows of too few:
    the stock goes down to zero, never below, and the rest is noted as short.
    """
    carried_out = [
        (order, item, place)
        for order in orders
        for item, place in _carried_out(order, facilities, product_types)
    ]
    if not carried_out:
        return
    on_hand = lock_stock(connection, {place for _, _, place in carried_out})
    before = dict(on_hand)
    rows = []
    for order, item, place in carried_out:
        taken: Taken = take(on_hand.get(place, Decimal(0)), item.quantity)
        if place in on_hand:
            on_hand[place] -= taken.quantity
        rows.append(
            {
                "order_id": order.order_id,
                "order_item_seq_id": item.order_item_seq_id,
                "facility_id": place[0],
                "product_id": place[1],
                "quantity": taken.quantity,
                "short_quantity": taken.short,
                "issued_at": item.status_at,
            }
        )
    connection.execute(insert(item_issuance), rows)
    set_stock(connection, {place: now for place, now in on_hand.items() if now != before[place]})


def short_items(connection: Connection, config_id: str, arrival: str) -> Iterator[str]:
    """Name the items of this arrival of an order file of which too few were on hand."""
    issued, record = item_issuance.c, data_manager_record.c
    rows = connection.execute(
        select(item_issuance, facility.c.external_id)
        .join(data_manager_record, record.record_key == issued.order_id)
        .join(facility, facility.c.facility_id == issued.facility_id)
        .where(
            record.config_id == config_id,
            record.arrival == arrival,
            issued.short_quantity > Decimal(0),
        )
        .order_by(record.place, issued.order_item_seq_id)
    )
    for row in rows:
        yield (
            f"order {row.order_id} item {row.order_item_seq_id}: "
            f"{row.quantity + row.short_quantity} of product {row.product_id} sold at "
            f"{row.external_id}, {row.quantity} were on hand"
        )


def _carried_out(
    order: Order, facilities: Mapping[str, Facility], product_types: Mapping[str, str]
) -> Iterator[tuple[Item, Place]]:
    stores = {
        group.ship_group_seq_id: group.facility_id
        for group in order.ship_groups
        if group.shipment_method_type_id == POS_COMPLETED
        and facilities[group.facility_id].parent_facility_type_id == _PHYSICAL_STORE
    }
    for item in order.items:
        store = stores.get(item.ship_group_seq_id)
        if (
            store is not None
            and item.status_id == ITEM_COMPLETED
            and product_types[item.product_id] != DIGITAL_GOOD
        ):
            yield item, (store, item.product_id)
