"""SQL that finds what imported records refer to: product stores, facilities, products."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any

from sqlalchemy import Column, Connection, Row, select

from tillbridge.database import import_tables, oms_tables
from tillbridge.oms.approval import ApprovalRule
from tillbridge.oms.identification import ProductName, flat_type
from tillbridge.oms.reading import read_facilities
from tillbridge.oms.references import References

_AT_ONCE = 5_000
"""Values in one statement; SQLite takes about 30,000."""

_WITHOUT_PAYMENT_CHECK = "APPR_WO_PMNT_CHK"


def read_references(connection: Connection, products: Collection[ProductName]) -> References:
    """Read all stores and facilities, and the products that have one of these names."""
    facilities = read_facilities(connection)
    identification, product = oms_tables.good_identification, oms_tables.product
    identified: dict[tuple[str, str], set[str]] = defaultdict(set)
    values = {name.value for name in products if name.value is not None}
    for row in rows_with(connection, identification.c.id_value, values):
        key = (flat_type(row.good_identification_type_id), row.id_value)
        identified[key].add(row.product_id)
    wanted = {name.product_id for name in products if name.product_id is not None}
    wanted |= {product_id for found in identified.values() for product_id in found}
    return References(
        approval=approval_rules(connection),
        facilities=facilities,
        facilities_by_external_id={one.external_id: one for one in facilities.values()},
        product_types={
            row.product_id: row.product_type_id
            for row in rows_with(connection, product.c.product_id, wanted)
        },
        identified=identified,
    )


def approval_rules(connection: Connection) -> dict[str, ApprovalRule]:
    """Read every product store's rule, by its id."""
    store, setting = oms_tables.product_store, import_tables.product_store_setting
    unpaid_too = set(
        connection.scalars(
            select(setting.c.product_store_id).where(
                setting.c.setting_type_enum_id == _WITHOUT_PAYMENT_CHECK,
                setting.c.setting_value == "Y",
            )
        )
    )
    return {
        row.product_store_id: ApprovalRule(
            auto_approve=row.auto_approve_order == "Y",
            checks_payment=row.product_store_id not in unpaid_too,
        )
        for row in connection.execute(select(store))
    }


def rows_with(
    connection: Connection, column: Column[Any], values: Iterable[str]
) -> Iterable[Row[Any]]:
    """Yield the rows of the column's table that have one of the values, however many those are."""
    rest = iter(sorted(values))
    while part := list(islice(rest, _AT_ONCE)):
        yield from connection.execute(select(column.table).where(column.in_(part)))
