"""SQL that reads the order store's stock, and the movements that Retail Pro's stock may not show yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from sqlalchemy import Engine, and_, case, func, or_, select

from tillbridge.database.engine import transaction
from tillbridge.database.ledger_tables import invoice_order
from tillbridge.database.oms_tables import (
    facility,
    good_identification,
    order_header,
    order_item,
    order_item_ship_group,
    product_facility,
    shipment,
)
from tillbridge.inventory.reconciliation import Movement, OrderStoreStock

StoreCodes = Mapping[str, tuple[str, str]]
"""(invoicing store code, store code) in Retail Pro by the facility's external id."""

_IS_UPC = good_identification.c.good_identification_type_id == "UPCA"


def order_store_stock(engine: Engine, stores: StoreCodes) -> OrderStoreStock:
    """Read the stock of the facilities in `stores`, of products with a UPCA."""
    query = (
        select(
            facility.c.external_id,
            good_identification.c.id_value,
            func.sum(product_facility.c.quantity_on_hand),
        )
        .join(facility, facility.c.facility_id == product_facility.c.facility_id)
        .join(
            good_identification,
            and_(good_identification.c.product_id == product_facility.c.product_id, _IS_UPC),
        )
        .where(facility.c.external_id.in_(stores))
        .group_by(facility.c.external_id, good_identification.c.id_value)
    )
    with transaction(engine) as connection:
        quantities = tuple(
            (stores[external_id][0], upc, quantity)
            for external_id, upc, quantity in connection.execute(query)
        )
        upcs = frozenset(connection.scalars(select(good_identification.c.id_value).where(_IS_UPC)))
    return OrderStoreStock(quantities, _headers(stores), upcs)


def open_movements(
    engine: Engine, stores: StoreCodes, till_channels: Collection[str]
) -> list[Movement]:
    """Read what has left a facility of `stores` and is not proved to be deducted there.

    `till_channels` are the sales channels whose orders the till has invoiced, as HotWax's enumIds;
    they, and what was carried out of the store, show in Retail Pro's stock from the start.
    """
    if not stores:
        return []
    headers = {external_id: header for external_id, (header, _) in stores.items()}
    query = (
        select(
            facility.c.external_id,
            good_identification.c.id_value,
            func.sum(order_item.c.quantity),
            invoice_order.c.state,
            invoice_order.c.doubts,
            invoice_order.c.invoicing_store,
        )
        .select_from(order_item)
        .join(order_header, order_header.c.order_id == order_item.c.order_id)
        .join(
            order_item_ship_group,
            and_(
                order_item_ship_group.c.order_id == order_item.c.order_id,
                order_item_ship_group.c.ship_group_seq_id == order_item.c.ship_group_seq_id,
            ),
        )
        .join(shipment, shipment.c.shipment_id == order_item.c.shipment_id)
        .join(facility, facility.c.facility_id == shipment.c.origin_facility_id)
        .join(
            good_identification,
            and_(good_identification.c.product_id == order_item.c.product_id, _IS_UPC),
        )
        .outerjoin(
            invoice_order,
            and_(
                invoice_order.c.product_store_id == order_header.c.product_store_id,
                invoice_order.c.order_id == order_header.c.order_id,
            ),
        )
        .where(
            order_item.c.status_id == "ITEM_COMPLETED",
            order_item_ship_group.c.shipment_method_type_id != "POS_COMPLETED",
            order_header.c.sales_channel_enum_id.not_in(till_channels),
            facility.c.external_id.in_(stores),
            or_(
                invoice_order.c.state.is_(None),
                invoice_order.c.state != "CONFIRMED",
                invoice_order.c.invoicing_store != case(headers, value=facility.c.external_id),
            ),
        )
        .group_by(
            facility.c.external_id,
            good_identification.c.id_value,
            invoice_order.c.state,
            invoice_order.c.doubts,
            invoice_order.c.invoicing_store,
        )
    )
    with transaction(engine) as connection:
        return [
            Movement(headers[external_id], upc, quantity, state, bool(doubts), invoicing_store)
            for external_id, upc, quantity, state, doubts, invoicing_store in connection.execute(
                query
            )
        ]


def _headers(stores: StoreCodes) -> dict[str, str]:
    """Give the header code for each code; a line code that two stores share names neither."""
    times = Counter(line for _, line in stores.values())
    codes = {line: header for header, line in stores.values() if times[line] == 1}
    return codes | {header: header for header, _ in stores.values()}
