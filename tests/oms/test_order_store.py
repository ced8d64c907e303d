"""Orders in the order store: created, fulfilled facility by facility, cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, select

from tests.fixtures_database import as_owner
from tillbridge.database import oms_tables as tables
from tillbridge.database.engine import transaction
from tillbridge.errors import RecordRejected
from tillbridge.oms.facilities import (
    receive_stock,
    save_facilities,
    save_product_stores,
    save_products,
    store_codes,
)
from tillbridge.oms.fulfilment import cancel_items, complete_items
from tillbridge.oms.order import (
    Adjustment,
    Facility,
    Item,
    Order,
    Product,
    ShipGroup,
    Shipment,
)
from tillbridge.oms.orders import create_orders
from tillbridge.oms.reading import read_orders

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def item(number: int, group: int = 1, quantity: int = 2) -> Item:
    return Item(
        order_item_seq_id=f"{number:05}",
        ship_group_seq_id=f"{group:05}",
        product_id="10000",
        quantity=Decimal(quantity),
        unit_price=Decimal("19.99"),
        adjustments=(
            Adjustment("EXT_PROMO_ADJUSTMENT", Decimal("-3.00")),
            Adjustment("SALES_TAX", Decimal("4.81")),
        ),
    )


ORDER = Order(
    order_id="M1",
    product_store_id="SV_STORE",
    order_name="#SV1",
    order_at=NOON,
    entry_at=NOON,
    sales_channel="WEB_CHANNEL",
    currency="USD",
    grand_total=Decimal("83.58"),
    ship_groups=(
        ShipGroup("00001", "SV_A32", "STANDARD"),
        ShipGroup("00002", "SV_P22", "STANDARD"),
    ),
    items=(item(101), item(102, group=2)),
)


@pytest.fixture
def store(engine: Engine) -> Iterator[Engine]:
    """An order store with two shops, five pieces of a shoe in each, and one new order; opened as its owner."""
    with as_owner(engine) as owner:
        with transaction(owner) as connection:
            save_product_stores(connection, {"SV_STORE": "Zapatos"})
            save_facilities(
                connection,
                [
                    Facility(
                        "SV_A32",
                        "A32-ext",
                        "Centro",
                        "RETAIL_STORE",
                        "PHYSICAL_STORE",
                        "SV_STORE",
                        "SVA32",
                        "A32",
                    ),
                    Facility("SV_P22", "P22-ext", "Plaza", invoicing_store_code="SVP22"),
                ],
            )
            save_products(
                connection, [Product("10000", "Boot", identifications={"UPCA": "872011601"})]
            )
            receive_stock(
                connection, {("SV_A32", "10000"): Decimal(5), ("SV_P22", "10000"): Decimal(5)}
            )
            create_orders(connection, [ORDER])
        yield owner


def order_now(engine: Engine) -> Order:
    with transaction(engine) as connection:
        return read_orders(connection, ["M1"])[0]


def stock_at(engine: Engine, facility_id: str) -> Decimal | None:
    stock = tables.product_facility
    with transaction(engine) as connection:
        return connection.scalar(
            select(stock.c.quantity_on_hand).where(stock.c.facility_id == facility_id)
        )


def ship(engine: Engine, seq_id: str, facility_id: str, after_hours: int = 1) -> None:
    with transaction(engine) as connection:
        at = NOON + timedelta(hours=after_hours)
        complete_items(connection, "M1", [seq_id], at, Shipment(f"S{seq_id}", facility_id))


def test_an_order_is_completed_with_its_last_item(store: Engine) -> None:
    """After the first shop has shipped the order is open, after the second it is completed."""
    ship(store, "00101", "SV_A32")
    assert order_now(store).status_id == "ORDER_APPROVED"
    ship(store, "00102", "SV_P22", after_hours=2)
    assert order_now(store).status_id == "ORDER_COMPLETED"
    with transaction(store) as connection:
        completed_at = connection.scalar(select(tables.order_header.c.completed_at))
    assert completed_at == NOON + timedelta(hours=2)


def test_stock_is_taken_where_the_item_left(store: Engine) -> None:
    """Only the shop that shipped has less."""
    ship(store, "00101", "SV_A32")
    assert (stock_at(store, "SV_A32"), stock_at(store, "SV_P22")) == (3, 5)


def test_more_than_there_is_cannot_be_shipped(store: Engine) -> None:
    """The error says which item, how many and where; item, order and stock stay as they were."""
    with transaction(store) as connection:
        receive_stock(connection, {("SV_A32", "10000"): Decimal(-4)})
    with pytest.raises(RecordRejected, match="expected 2 of product 10000 at facility SV_A32"):
        ship(store, "00101", "SV_A32")
    assert stock_at(store, "SV_A32") == 1
    assert {one.status_id for one in order_now(store).items} == {"ITEM_APPROVED"}


def test_an_item_is_shipped_once(store: Engine) -> None:
    """The second time is refused and takes no stock."""
    ship(store, "00101", "SV_A32")
    with pytest.raises(RecordRejected, match="it is ITEM_COMPLETED"):
        ship(store, "00101", "SV_A32")
    assert stock_at(store, "SV_A32") == 3


def test_a_cancelled_item_costs_nothing_and_completes_the_rest(store: Engine) -> None:
    """HotWax leaves the item's amounts and adds a negative tax; the order's total falls."""
    ship(store, "00101", "SV_A32")
    with transaction(store) as connection:
        cancel_items(connection, "M1", ["00102"], NOON + timedelta(hours=3))
    order = order_now(store)
    assert order.status_id == "ORDER_COMPLETED"
    assert order.grand_total == Decimal("41.79")
    cancelled = order.items[1]
    assert cancelled.status_id == "ITEM_CANCELLED"
    assert cancelled.adjustments[-1] == Adjustment("SALES_TAX", Decimal("-4.81"))


def test_an_order_without_any_item_left_is_cancelled(store: Engine) -> None:
    """Nothing of it is ever invoiced."""
    with transaction(store) as connection:
        cancel_items(connection, "M1", ["00101", "00102"], NOON)
    assert order_now(store).status_id == "ORDER_CANCELLED"
    assert order_now(store).grand_total == 0


def test_two_shops_that_ship_at_the_same_time_complete_the_order(store: Engine) -> None:
    """Neither overlooks the other's item."""
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(ship, [store] * 2, ["00101", "00102"], ["SV_A32", "SV_P22"]))
    assert order_now(store).status_id == "ORDER_COMPLETED"


def test_the_last_piece_is_shipped_once(store: Engine) -> None:
    """Of two orders that want the last pieces of a shop, one gets them."""
    other = replace(ORDER, order_id="M2")
    with transaction(store) as connection:
        create_orders(connection, [other])
        receive_stock(connection, {("SV_A32", "10000"): Decimal(-3)})

    def try_to_ship(order_id: str) -> None:
        with suppress(RecordRejected), transaction(store) as connection:
            shipment = Shipment(f"S-{order_id}", "SV_A32")
            complete_items(connection, order_id, ["00101"], NOON, shipment)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(try_to_ship, ["M1", "M2"]))
    assert stock_at(store, "SV_A32") == 0


def test_what_an_order_refers_to_must_be_there(store: Engine) -> None:
    """Every wrong reference is named at once, and nothing is written."""
    stranger = replace(
        ORDER,
        product_store_id="XX_STORE",
        ship_groups=(ShipGroup("00001", "XX", "STANDARD"),),
        items=(replace(item(101), product_id="99999"),),
    )
    with pytest.raises(RecordRejected) as problem, transaction(store) as connection:
        create_orders(connection, [replace(ORDER, order_id="M2"), stranger])
    assert [finding.pointer for finding in problem.value.findings] == [
        "/orderId",
        "/productStoreId",
        "/shipGroups/0/facilityId",
        "/items/0/productId",
    ]
    with transaction(store) as connection:
        assert connection.scalars(select(tables.order_header.c.order_id)).all() == ["M1"]


def test_an_order_comes_back_as_it_was_written(store: Engine) -> None:
    """Amounts, times and channel survive the database; the channel is kept by its enumId."""
    assert order_now(store) == replace(
        ORDER, sales_channel="WEB_SALES_CHANNEL", identifications={}, attributes={}
    )


def test_only_facilities_with_both_codes_have_store_codes(store: Engine) -> None:
    """A shop without its Retail Pro codes is not guessed at."""
    assert store_codes(store) == {"A32-ext": ("SVA32", "A32")}
