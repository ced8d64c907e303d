"""SQL that writes imported sales orders: with their stock taken, and approved where the rule says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, Engine, select, update

from tillbridge import money
from tillbridge.contracts.order_import import OrderImport, read_order
from tillbridge.database import oms_tables as tables
from tillbridge.database.engine import database_now, transaction
from tillbridge.errors import RecordRejected
from tillbridge.handover import edge
from tillbridge.handover.rejects import About
from tillbridge.oms import data_manager_books as books
from tillbridge.oms.approval import WAITS_FOR_APPROVAL, ApprovalRule
from tillbridge.oms.data_manager import Record
from tillbridge.oms.issuance import issue, short_items
from tillbridge.oms.order import ITEM_APPROVED, ITEM_CREATED, ORDER_APPROVED, Order
from tillbridge.oms.order_import import content_marks, order_id, products_of, to_order
from tillbridge.oms.orders import write_orders
from tillbridge.oms.reading import read_orders
from tillbridge.oms.reading_references import approval_rules, read_references

_ORDERS_AT_A_TIME = 500


class OrderKind:
    """Sales orders, for the Data Manager."""

    config_id = books.ORDERS

    def read(self, value: Any, index: int) -> OrderImport:
        """Read one order."""
        return read_order(value, index)

    def key(self, document: OrderImport) -> str:
        """Give the id that the order store derives from product store and external id."""
        return order_id(document.product_store_id, document.external_id)

    def marks(self, document: OrderImport) -> Mapping[str, str]:
        """Give a mark of each part of the order."""
        return content_marks(document)

    def about(self, value: Any) -> About:
        """Say which order this is, as far as it can be read."""
        return about(value, ("originExternalFacilityId", "originFacilityId"), "grandTotal")

    def create(
        self, connection: Connection, records: Sequence[Record[OrderImport]]
    ) -> Mapping[int, RecordRejected]:
        """Write new orders and take the stock of what was carried out of a store."""
        names = {name for record in records for name in products_of(record.document)}
        references = read_references(connection, names)
        now = database_now(connection)
        orders: list[Order] = []
        problems: dict[int, RecordRejected] = {}
        for record in records:
            try:
                with edge.document(record.key):
                    orders.append(to_order(record.document, references, now))
            except RecordRejected as problem:
                problems[record.place] = problem
        write_orders(connection, orders)
        issue(connection, orders, references.facilities, references.product_types)
        return problems

    def warnings(self, connection: Connection, arrival: str) -> Sequence[str]:
        """Name the items that the tills sold and the order store had too few of."""
        return list(short_items(connection, self.config_id, arrival))


def approve_waiting(engine: Engine, product_store_id: str) -> int:
    """Approve the orders of a product store that HotWax's rule lets through by now; gives how many.

    An order waits when its store or itself does not want the rule, or when a payment is missing.
    """
    header = tables.order_header
    count, after = 0, ""
    with transaction(engine) as connection:
        rule = approval_rules(connection).get(product_store_id, ApprovalRule())
    while True:
        with transaction(engine) as connection:
            order_ids = connection.scalars(
                select(header.c.order_id)
                .where(
                    header.c.product_store_id == product_store_id,
                    header.c.status_id.in_(WAITS_FOR_APPROVAL),
                    header.c.order_id > after,
                )
                .order_by(header.c.order_id)
                .limit(_ORDERS_AT_A_TIME)
                .with_for_update()
            ).all()
            if not order_ids:
                return count
            approved = [
                order.order_id
                for order in read_orders(connection, order_ids)
                if rule.approves(order.status_id, order.auto_approve, order.payments)
            ]
            _approve(connection, approved)
        count, after = count + len(approved), order_ids[-1]


def about(value: Any, store_members: Sequence[str], amount_member: str) -> About:
    """Say for the report's reader which record this is, as far as it can be read."""
    if not isinstance(value, Mapping):
        return About()
    texts = {name: text for name, text in value.items() if isinstance(text, str)}
    currency = texts.get("currencyUom") or texts.get("currencyCode")
    amount = None
    if currency is not None and len(currency) == 3:
        with suppress(ValueError):
            amount = money.parse(value.get(amount_member))
    return About(
        order_no=texts.get("orderName") or texts.get("externalId") or "",
        order_id=texts.get("externalId") or "",
        store=next((texts[name] for name in store_members if name in texts), None),
        amount=amount,
        currency=currency if amount is not None else None,
    )


def _approve(connection: Connection, order_ids: Sequence[str]) -> None:
    header, item = tables.order_header, tables.order_item
    connection.execute(
        update(item)
        .where(item.c.order_id.in_(order_ids), item.c.status_id == ITEM_CREATED)
        .values(status_id=ITEM_APPROVED)
    )
    connection.execute(
        update(header).where(header.c.order_id.in_(order_ids)).values(status_id=ORDER_APPROVED)
    )
