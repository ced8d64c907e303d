"""Puts made-up orders into an order store, or straight into a feed file.

The orders are those of made_orders.py: the same for the same seed, on any day and machine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from pathlib import Path
from random import Random

from sqlalchemy import Connection, Engine

from sandbox import catalog
from sandbox.catalog import BRANDS, FACILITIES, PRODUCTS, SHOES, Brand
from sandbox.kinds import STAY
from sandbox.made_order import MadeOrder
from sandbox.made_orders import make_orders
from tillbridge.contracts import json_text
from tillbridge.database.engine import transaction
from tillbridge.oms.facilities import receive_stock
from tillbridge.oms.feed_document import document
from tillbridge.oms.fulfilment import cancel_items, complete_items
from tillbridge.oms.orders import create_orders

_ORDERS_AT_A_TIME = 200


@dataclass(frozen=True, slots=True)
class SeedReport:
    """What was made: the order numbers of each kind (kinds.py), and what to put into Retail Pro.

    `retail_pro_stock` is by invoicing store code and UPC. It is what the order store received in this
    call, less what tills have sold, because Retail Pro has taken that off already.
    """

    order_numbers: dict[str, list[str]] = field(default_factory=dict)
    retail_pro_stock: dict[str, dict[str, Decimal]] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """How many orders of each kind."""
        return {kind: len(numbers) for kind, numbers in self.order_numbers.items()}

    def numbers(self, kinds: Iterable[str]) -> list[str]:
        """Give the order numbers of several kinds, such as all `GOOD` ones."""
        return [number for kind in kinds for number in self.order_numbers.get(kind, ())]

    def add(self, made: MadeOrder) -> None:
        """Count an order in."""
        self.order_numbers.setdefault(made.kind, []).append(made.number)


def seed(
    engine: Engine,
    count: int,
    seed: int,
    start: int = 1,
    brands: Sequence[Brand] = BRANDS,
) -> SeedReport:
    """Write the catalog, stock and `count` orders numbered from `start` on, and let them happen.

    For more orders in the same order store give a `start` beyond the numbers that are there.
    """
    report = SeedReport()
    with transaction(engine) as connection:
        catalog.save(connection)
        _receive(connection, report, _spare_stock(brands, seed))
    orders = make_orders(count, seed, start, brands)
    while page := list(islice(orders, _ORDERS_AT_A_TIME)):
        with transaction(engine) as connection:
            _receive(connection, report, _needed_stock(page))
            create_orders(connection, [made.order for made in page])
            for made in page:
                _let_happen(connection, made)
                report.add(made)
    return report


def feed_file(
    path: Path, count: int, seed: int, start: int = 1, brands: Sequence[Brand] = BRANDS
) -> SeedReport:
    """Write a completed-orders feed of `count` orders to `path`, in the memory of one order.

    Among the orders are those that cannot or must not be invoiced.
    """
    report = SeedReport()
    # Two in fifty orders stay in the order store, so there is always a next one to take.
    leaving = (
        made for made in make_orders(2 * count + 100, seed, start, brands) if made.kind not in STAY
    )
    with path.open("wb") as file:
        separator = b"["
        for made in islice(leaving, count):
            file.write(separator)
            file.write(json_text.write(document(made.completed(), FACILITIES, PRODUCTS)))
            separator = b",\n"
            report.add(made)
        file.write(b"]\n" if count else b"[]\n")
    return report


def _let_happen(connection: Connection, made: MadeOrder) -> None:
    for step in made.steps:
        order_id = made.order.order_id
        if step.cancelled:
            cancel_items(connection, order_id, step.item_seq_ids, step.at)
        else:
            complete_items(connection, order_id, step.item_seq_ids, step.at, step.shipment)


_Stock = dict[tuple[str, str], Decimal]


def _spare_stock(brands: Sequence[Brand], seed: int) -> tuple[_Stock, _Stock]:
    random = Random(seed)
    spare = {
        (facility.facility_id, product.product_id): Decimal(random.randrange(5, 200))
        for brand in brands
        for facility in brand.facilities
        for product in SHOES
    }
    return spare, {}


def _needed_stock(page: Sequence[MadeOrder]) -> tuple[_Stock, _Stock]:
    """Give what the orders will take from each facility, and how much of it tills have sold."""
    needed: _Stock = defaultdict(Decimal)
    sold_at_till: _Stock = defaultdict(Decimal)
    for made in page:
        items = {item.order_item_seq_id: item for item in made.order.items}
        for step in made.steps:
            if step.shipment is None:
                continue
            for seq_id in step.item_seq_ids:
                place = (step.shipment.facility_id, items[seq_id].product_id)
                needed[place] += items[seq_id].quantity
                if made.kind in {"till_sale", "send_sale"}:
                    sold_at_till[place] += items[seq_id].quantity
    return needed, sold_at_till


def _receive(connection: Connection, report: SeedReport, stock: tuple[_Stock, _Stock]) -> None:
    received, sold_at_till = stock
    receive_stock(connection, received)
    for place, quantity in received.items():
        code = FACILITIES[place[0]].invoicing_store_code
        upc = PRODUCTS[place[1]].identifications.get("UPCA")
        if code and upc:
            store = report.retail_pro_stock.setdefault(code, {})
            added = quantity - sold_at_till.get(place, Decimal(0))
            store[upc] = store.get(upc, Decimal(0)) + added
