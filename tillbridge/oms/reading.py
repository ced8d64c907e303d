"""SQL that reads orders and what they refer to, a page at a time: some ten queries, however many orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from tillbridge.database import oms_tables as tables
from tillbridge.oms.order import (
    Address,
    Adjustment,
    Facility,
    Item,
    Order,
    Payment,
    Product,
    ShipGroup,
    Shipment,
)

_Rows = dict[str, list[Row[Any]]]


def read_orders(connection: Connection, order_ids: Sequence[str]) -> list[Order]:
    """Give the orders with everything that belongs to them, in the order of `order_ids`."""
    header = tables.order_header
    headers = {
        row.order_id: row
        for row in connection.execute(select(header).where(header.c.order_id.in_(order_ids)))
    }
    parts = {table: _parts(connection, table, order_ids) for table in _PARTS}
    shipments = {
        row.shipment_id: Shipment(
            row.shipment_id,
            row.origin_facility_id,
            row.shipment_method_type_id,
            row.carrier_party_id,
            row.tracking_number,
        )
        for rows in parts[tables.shipment].values()
        for row in rows
    }
    return [
        _order(headers[order_id], {table: parts[table][order_id] for table in _PARTS}, shipments)
        for order_id in order_ids
    ]


def read_facilities(connection: Connection) -> dict[str, Facility]:
    """Give every facility by its id."""
    rows = connection.execute(select(tables.facility))
    return {row.facility_id: Facility(**row._mapping) for row in rows}


def read_products(connection: Connection, product_ids: Collection[str]) -> dict[str, Product]:
    """Give the products of `product_ids` by their id, with their identifications."""
    product, identification = tables.product, tables.good_identification
    values: dict[str, dict[str, str]] = defaultdict(dict)
    for row in connection.execute(
        select(identification)
        .where(identification.c.product_id.in_(product_ids))
        .order_by(*identification.primary_key)
    ):
        values[row.product_id][row.good_identification_type_id] = row.id_value
    rows = connection.execute(select(product).where(product.c.product_id.in_(product_ids)))
    return {
        row.product_id: Product(**row._mapping, identifications=values[row.product_id])
        for row in rows
    }


_PARTS = (
    tables.order_identification,
    tables.order_contact_mech,
    tables.order_attribute,
    tables.order_payment_preference,
    tables.order_item_ship_group,
    tables.shipment,
    tables.order_item,
    tables.order_adjustment,
)


def _parts(connection: Connection, table: Table, order_ids: Sequence[str]) -> _Rows:
    found: _Rows = defaultdict(list)
    for row in connection.execute(
        select(table).where(table.c.order_id.in_(order_ids)).order_by(*table.primary_key)
    ):
        found[row.order_id].append(row)
    return found


def _order(
    header: Row[Any], parts: dict[Table, list[Row[Any]]], shipments: dict[str, Shipment]
) -> Order:
    adjustments: dict[str, list[Adjustment]] = defaultdict(list)
    for row in parts[tables.order_adjustment]:
        adjustments[row.order_item_seq_id].append(
            Adjustment(row.order_adjustment_type_id, row.amount)
        )
    addresses = {
        row.contact_mech_purpose_type_id: _address(row) for row in parts[tables.order_contact_mech]
    }
    return Order(
        order_id=header.order_id,
        product_store_id=header.product_store_id,
        order_name=header.order_name,
        order_at=header.order_date,
        entry_at=header.entry_date,
        sales_channel=header.sales_channel_enum_id,
        currency=header.currency_uom,
        grand_total=header.grand_total,
        status_id=header.status_id,
        customer_party_id=header.customer_party_id,
        customer_first_name=header.customer_first_name,
        customer_last_name=header.customer_last_name,
        customer_email=header.customer_email,
        customer_phone=header.customer_phone,
        bill_to=addresses.get(tables.BILLING),
        ship_to=addresses.get(tables.SHIPPING),
        identifications={
            row.order_identification_type_id: row.id_value
            for row in parts[tables.order_identification]
        },
        attributes={row.attr_name: row.attr_value for row in parts[tables.order_attribute]},
        payments=tuple(
            Payment(row.payment_method_type_id, row.max_amount, row.status_id)
            for row in parts[tables.order_payment_preference]
        ),
        ship_groups=tuple(
            ShipGroup(row.ship_group_seq_id, row.facility_id, row.shipment_method_type_id)
            for row in parts[tables.order_item_ship_group]
        ),
        items=tuple(
            _item(row, adjustments[row.order_item_seq_id], shipments)
            for row in parts[tables.order_item]
        ),
        adjustments=tuple(adjustments[tables.NOT_AN_ITEM]),
        external_id=header.external_id,
        origin_facility_id=header.origin_facility_id,
        auto_approve=header.auto_approve,
    )


def _item(row: Row[Any], adjustments: Iterable[Adjustment], shipments: dict[str, Shipment]) -> Item:
    return Item(
        order_item_seq_id=row.order_item_seq_id,
        ship_group_seq_id=row.ship_group_seq_id,
        product_id=row.product_id,
        quantity=row.quantity,
        unit_price=row.unit_price,
        adjustments=tuple(adjustments),
        external_id=row.external_id,
        status_id=row.status_id,
        status_at=row.status_datetime,
        shipment=shipments.get(row.shipment_id),
        description=row.item_description,
    )


def _address(row: Row[Any]) -> Address:
    members = dict(row._mapping)
    del members["order_id"], members["contact_mech_purpose_type_id"]
    return Address(**members)
