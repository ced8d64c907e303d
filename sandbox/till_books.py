"""The books of the tills: what the order store must hold of what they sold, and whether it does.

What must be there is computed from the baskets alone, with nothing of tillbridge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, func, select

from sandbox.baskets import Basket
from tillbridge.database.engine import transaction
from tillbridge.database.import_tables import item_issuance, return_header, return_item
from tillbridge.database.ledger_tables import failure_report, invoice_failure
from tillbridge.database.oms_tables import facility, good_identification, order_header, order_item

Moves = Counter[tuple[str, str]]
"""Pieces by store (external id) and UPC; what leaves the store is negative."""


@dataclass(frozen=True)
class TillBooks:
    """Counts of what tills sent and what the order store has, amounts as text, and what does not agree."""

    documents: int
    sales: int
    returns: int
    orders_in_order_store: int
    completed: int
    to_be_brokered: int
    returns_in_order_store: int
    amount_sold: str
    amount_in_order_store: str
    pieces_moved: int
    missing_reported: int
    conflicts: int
    quarantined: int
    mailed: int
    problems: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give the figures as JSON members."""
        return asdict(self)


def moves(baskets: Iterable[Basket]) -> Moves:
    """Give what crosses the counters of the stores."""
    found: Moves = Counter()
    for basket in _once(baskets):
        document = basket.document
        name, sign = ("orderProductList", -1)
        if basket.kind == "return":
            name, sign = ("returnProductList", 1)
        for line in document[name]:
            if line["omniFulfillmentType"] == "IN_STORE":
                found[document["storeId"], line["gtin"]] += sign * int(line["quantity"])
    return found


def draw_up(engine: Engine, baskets: Iterable[Basket], unusable: Iterable[str]) -> TillBooks:
    """Compare the order store with what the tills sent; `unusable` are order ids that were sent broken."""
    broken = set(unusable)
    sent = [one for one in _once(baskets) if one.order_id not in broken]
    sales = {one.order_id: one.document for one in sent if one.kind != "return"}
    back = [one.document for one in sent if one.kind == "return"]
    with transaction(engine) as connection:
        orders = {
            row.external_id: row
            for row in connection.execute(
                select(order_header).where(order_header.c.external_id.is_not(None))
            )
        }
        lines = Counter(
            dict(
                connection.execute(
                    select(order_header.c.external_id, func.count())
                    .join(order_item, order_item.c.order_id == order_header.c.order_id)
                    .group_by(order_header.c.external_id)
                ).all()
            )
        )
        returned = connection.execute(select(return_header)).all()
        kinds = Counter(
            connection.scalars(
                select(invoice_failure.c.kind).where(invoice_failure.c.journey == "tills")
            )
        )
        mailed = connection.scalar(
            select(func.count())
            .select_from(invoice_failure.join(failure_report))
            .where(failure_report.c.mailed_at.is_not(None), invoice_failure.c.journey == "tills")
        )
        stock = _moved(connection)
    problems = [
        *(
            f"sale {order_id} is not in the order store"
            for order_id in sales
            if order_id not in orders
        ),
        *(f"order {order_id} was never sold" for order_id in orders if order_id not in sales),
        *(
            f"order {order_id}: {row.grand_total} in the order store, {sales[order_id]['totalAmount']} sold"
            for order_id, row in orders.items()
            if order_id in sales and row.grand_total != sales[order_id]["totalAmount"]
        ),
        *(
            f"order {order_id}: {lines[order_id]} lines of {len(document['orderProductList'])}"
            for order_id, document in sales.items()
            if order_id in orders and lines[order_id] != len(document["orderProductList"])
        ),
    ]
    if len(returned) != len(back):
        problems.append(f"{len(back)} returns, {len(returned)} in the order store")
    if mailed != sum(kinds.values()):
        problems.append(f"{sum(kinds.values())} failures of tills, {mailed} of them mailed")
    expected = moves(sent)
    problems += [
        f"{upc} at {store}: {expected[store, upc]} pieces sold and returned, {stock[store, upc]} moved"
        for store, upc in sorted(expected.keys() | stock.keys())
        if expected[store, upc] != stock[store, upc]
    ]
    statuses = Counter(row.status_id for row in orders.values())
    return TillBooks(
        documents=len(sent) + len(broken),
        sales=len(sales),
        returns=len(back),
        orders_in_order_store=len(orders),
        completed=statuses["ORDER_COMPLETED"],
        to_be_brokered=statuses["ORDER_APPROVED"],
        returns_in_order_store=len(returned),
        amount_sold=str(_sum(document["totalAmount"] for document in sales.values())),
        amount_in_order_store=str(_sum(row.grand_total for row in orders.values())),
        pieces_moved=sum(abs(pieces) for pieces in stock.values()),
        missing_reported=kinds["missing"],
        conflicts=kinds["conflict"],
        quarantined=kinds["quarantined"],
        mailed=mailed or 0,
        problems=tuple(problems),
    )


def _once(baskets: Iterable[Basket]) -> Iterator[Basket]:
    """Give each document once, however often it was sent."""
    seen = set()
    for one in baskets:
        key = (one.order_id, one.kind == "return")
        if key not in seen:
            seen.add(key)
            yield one


def _moved(connection: Any) -> Moves:
    """Give what the order store took from its stores and put back, in whole pieces."""
    upc = (
        select(good_identification)
        .where(good_identification.c.good_identification_type_id == "UPCA")
        .subquery()
    )
    taken = connection.execute(
        select(facility.c.external_id, upc.c.id_value, -func.sum(item_issuance.c.quantity))
        .join(facility, facility.c.facility_id == item_issuance.c.facility_id)
        .join(upc, upc.c.product_id == item_issuance.c.product_id)
        .group_by(facility.c.external_id, upc.c.id_value)
    )
    put_back = connection.execute(
        select(facility.c.external_id, upc.c.id_value, func.sum(return_item.c.return_quantity))
        .join(return_header, return_header.c.return_id == return_item.c.return_id)
        .join(facility, facility.c.facility_id == return_header.c.destination_facility_id)
        .join(upc, upc.c.product_id == return_item.c.product_id)
        .group_by(facility.c.external_id, upc.c.id_value)
    )
    found: Moves = Counter()
    for store, value, pieces in (*taken, *put_back):
        found[store, value] += int(Decimal(pieces))
    return found


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
