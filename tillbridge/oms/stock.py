"""SQL of the stock on hand: read under a lock, and written."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection, select

from tillbridge.database.insertion import insert_or_update
from tillbridge.database.oms_tables import product_facility

Place = tuple[str, str]
"""Facility id and product id."""

_PRODUCTS_AT_ONCE = 5_000


def lock_stock(connection: Connection, places: Collection[Place]) -> dict[Place, Decimal]:
    """Read what is on hand at these places, and keep others from changing it; those without are left out."""
    stock = product_facility
    found: dict[Place, Decimal] = {}
    # By facility, because SQLite has no index for pairs; in one order for all, or deadlock.
    for facility_id, part in groupby(sorted(places), key=itemgetter(0)):
        product_ids = [product_id for _, product_id in part]
        for start in range(0, len(product_ids), _PRODUCTS_AT_ONCE):
            rows = connection.execute(
                select(stock)
                .where(
                    stock.c.facility_id == facility_id,
                    stock.c.product_id.in_(product_ids[start : start + _PRODUCTS_AT_ONCE]),
                )
                .order_by(stock.c.product_id)
                .with_for_update()
            )
            found |= {(facility_id, row.product_id): row.quantity_on_hand for row in rows}
    return found


def set_stock(connection: Connection, quantities: Mapping[Place, Decimal]) -> None:
    """Write what is on hand, after `lock_stock`; a place without a row gets one."""
    insert_or_update(
        connection,
        product_facility,
        [
            {"facility_id": facility_id, "product_id": product_id, "quantity_on_hand": quantity}
            for (facility_id, product_id), quantity in sorted(quantities.items())
        ],
    )
