"""SQL of what orders refer to: product stores, facilities with their Retail Pro codes, products, stock.

Everything here may be written again: a row with the same key is replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from decimal import Decimal

from sqlalchemy import Connection, Engine, select

from tillbridge.database import oms_tables as tables
from tillbridge.database.engine import transaction
from tillbridge.database.insertion import insert_or_update
from tillbridge.oms.order import Facility, Product


def save_product_stores(connection: Connection, names: Mapping[str, str]) -> None:
    """Write product stores, given as their names by productStoreId."""
    rows = [{"product_store_id": key, "store_name": name} for key, name in names.items()]
    insert_or_update(connection, tables.product_store, rows)


def save_facilities(connection: Connection, facilities: Iterable[Facility]) -> None:
    """Write facilities; their product stores must be there."""
    insert_or_update(connection, tables.facility, [asdict(facility) for facility in facilities])


def save_products(connection: Connection, products: Iterable[Product]) -> None:
    """Write products with their identifications; an identification that is gone stays."""
    products = list(products)
    insert_or_update(
        connection,
        tables.product,
        [
            {
                "product_id": product.product_id,
                "product_name": product.product_name,
                "product_type_id": product.product_type_id,
            }
            for product in products
        ],
    )
    insert_or_update(
        connection,
        tables.good_identification,
        [
            {
                "product_id": product.product_id,
                "good_identification_type_id": type_id,
                "id_value": value,
            }
            for product in products
            for type_id, value in product.identifications.items()
        ],
    )


def receive_stock(connection: Connection, quantities: Mapping[tuple[str, str], Decimal]) -> None:
    """Add to the stock, given by (facility_id, product_id)."""
    stock = tables.product_facility
    on_hand = {
        (row.facility_id, row.product_id): row.quantity_on_hand
        for row in connection.execute(select(stock).with_for_update())
    }
    rows = [
        {
            "facility_id": facility_id,
            "product_id": product_id,
            "quantity_on_hand": on_hand.get((facility_id, product_id), Decimal(0)) + quantity,
        }
        for (facility_id, product_id), quantity in quantities.items()
    ]
    insert_or_update(connection, stock, rows)


def facility_external_ids(engine: Engine) -> set[str]:
    """Give the external ids of the facilities that are real places."""
    facility = tables.facility
    with transaction(engine) as connection:
        return set(
            connection.scalars(
                select(facility.c.external_id).where(
                    facility.c.parent_facility_type_id != "VIRTUAL_FACILITY"
                )
            )
        )


def store_codes(engine: Engine) -> dict[str, tuple[str, str]]:
    """Give (invoicing store code, store code) by the facility's external id, where it has both."""
    facility = tables.facility
    with transaction(engine) as connection:
        rows = connection.execute(
            select(
                facility.c.external_id, facility.c.invoicing_store_code, facility.c.store_code
            ).where(
                facility.c.invoicing_store_code.is_not(None), facility.c.store_code.is_not(None)
            )
        )
        return {row.external_id: (row.invoicing_store_code, row.store_code) for row in rows}
