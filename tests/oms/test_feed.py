"""The completed-orders feeds: every completed order once, and in HotWax's shape."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select

from sandbox.catalog import BRANDS
from sandbox.kinds import DEFECTS, EXCLUDED, GOOD, STAY
from sandbox.orders import SeedReport, feed_file, seed
from tests.fixtures_database import as_owner
from tillbridge.contracts import json_text
from tillbridge.contracts.completed_orders import CompletedOrder, read_order
from tillbridge.database import oms_tables as tables
from tillbridge.database.engine import transaction
from tillbridge.oms.feed import Feed, FeedSelection, documents, mark_sent, produce, unsent

NOW = datetime(2026, 11, 22, 3, 15, tzinfo=UTC)
EVERYTHING = FeedSelection()


@pytest.fixture
def seeded(engine: Engine) -> tuple[Engine, SeedReport]:
    """An order store with fifty made-up orders of every kind."""
    with as_owner(engine) as owner:
        return engine, seed(owner, 50, seed=7)


def exported(engine: Engine, feeds: Iterable[Feed]) -> list[str]:
    return [one["orderId"] for feed in feeds for one in documents(engine, feed.feed_id)]


def order_ids(report: SeedReport, *kinds: Iterable[str]) -> set[str]:
    return {f"M{number}" for kind in kinds for number in report.numbers(kind)}


def test_every_completed_order_is_exported_once(seeded: tuple[Engine, SeedReport]) -> None:
    """Open orders and till sales stay; what was exported is not exported again."""
    engine, report = seeded
    feeds = produce(engine, EVERYTHING, 2500, NOW)
    found = exported(engine, feeds)
    assert set(found) == order_ids(report, GOOD, EXCLUDED, DEFECTS)
    assert len(found) == len(set(found)) == feeds[0].order_count
    assert not set(found) & order_ids(report, STAY)
    assert produce(engine, EVERYTHING, 2500, NOW) == []


def test_a_later_order_goes_into_a_later_feed(seeded: tuple[Engine, SeedReport]) -> None:
    """New orders, and only they, are in the next feed."""
    engine, _ = seeded
    produce(engine, EVERYTHING, 2500, NOW)
    with as_owner(engine) as owner:
        report = seed(owner, 20, seed=8, start=5001)
    found = exported(engine, produce(engine, EVERYTHING, 2500, NOW))
    assert set(found) == order_ids(report, GOOD, EXCLUDED, DEFECTS)


def test_nothing_new_makes_no_feed(engine: Engine) -> None:
    """An empty order store writes no empty file."""
    assert produce(engine, EVERYTHING, 2500, NOW) == []
    assert unsent(engine) == []


def test_pages_are_full_named_and_in_order_of_completion(
    seeded: tuple[Engine, SeedReport],
) -> None:
    """Each page is a file of its own, whose name sorts as its orders do."""
    engine, _ = seeded
    feeds = produce(engine, EVERYTHING, 20, NOW)
    assert [feed.order_count for feed in feeds[:-1]] == [20] * (len(feeds) - 1)
    assert 0 < feeds[-1].order_count <= 20
    names = [feed.file_name for feed in feeds]
    assert names == sorted(names)
    assert all(name.startswith("CompletedOrders-2026-11-22-03-15-00-") for name in names)
    header = tables.order_header
    with transaction(engine) as connection:
        completed = dict(connection.execute(select(header.c.order_id, header.c.completed_at)).all())
    found = exported(engine, feeds)
    assert found == sorted(found, key=lambda order_id: (completed[order_id], order_id))


def test_a_crash_before_the_file_was_written_costs_nothing(
    seeded: tuple[Engine, SeedReport],
) -> None:
    """The next run finds the feed, writes the very same bytes, and is then done with it."""
    engine, _ = seeded
    feeds = produce(engine, EVERYTHING, 20, NOW)
    before = json_text.write(list(documents(engine, feeds[0].feed_id)))
    assert unsent(engine) == feeds
    assert json_text.write(list(documents(engine, feeds[0].feed_id))) == before
    mark_sent(engine, feeds[0].feed_id, NOW + timedelta(minutes=1))
    mark_sent(engine, feeds[0].feed_id, NOW + timedelta(hours=1))
    assert unsent(engine) == feeds[1:]
    with transaction(engine) as connection:
        sent_at = connection.scalars(
            select(tables.feed.c.sent_at).where(tables.feed.c.feed_id == feeds[0].feed_id)
        ).all()
    assert sent_at == [NOW + timedelta(minutes=1)]


def test_a_crash_in_the_middle_of_producing_exports_nothing(
    seeded: tuple[Engine, SeedReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages that were taken before the fault are free again."""
    engine, report = seeded
    insert_new, calls = produce.__globals__["insert_new"], []

    def fail_on_second(*arguments: Any) -> int:
        calls.append(arguments)
        if len(calls) == 2:
            raise MemoryError
        return int(insert_new(*arguments))

    monkeypatch.setattr("tillbridge.oms.feed.insert_new", fail_on_second)
    with pytest.raises(MemoryError):
        produce(engine, EVERYTHING, 20, NOW)
    monkeypatch.undo()
    assert unsent(engine) == []
    found = exported(engine, produce(engine, EVERYTHING, 2500, NOW))
    assert set(found) == order_ids(report, GOOD, EXCLUDED, DEFECTS)


def test_two_exports_at_once_give_each_order_to_one(seeded: tuple[Engine, SeedReport]) -> None:
    """Overlapping runs share the orders between them, none twice, none lost."""
    engine, report = seeded

    def run(_: int) -> list[Feed]:
        return produce(engine, EVERYTHING, 20, NOW)

    with ThreadPoolExecutor(4) as threads:
        feeds = [feed for result in threads.map(run, range(4)) for feed in result]
    found = exported(engine, feeds)
    assert len(found) == len(set(found)) == sum(feed.order_count for feed in feeds)
    assert set(found) == order_ids(report, GOOD, EXCLUDED, DEFECTS)


@pytest.mark.parametrize("name", ["POS_SALES_CHANNEL", "POS_CHANNEL"])
def test_channels_are_selected_by_either_name(seeded: tuple[Engine, SeedReport], name: str) -> None:
    """What one feed leaves out by channel another takes by it."""
    engine, report = seeded
    without = exported(
        engine, produce(engine, replace(EVERYTHING, excluded_sales_channels=[name]), 2500, NOW)
    )
    only = exported(engine, produce(engine, replace(EVERYTHING, sales_channels=[name]), 2500, NOW))
    assert set(without) == order_ids(report, GOOD, DEFECTS)
    assert set(only) == order_ids(report, EXCLUDED)


def test_product_stores_and_facilities_are_selected(seeded: tuple[Engine, SeedReport]) -> None:
    """A feed of one brand, and one of one shop, hold only theirs."""
    engine, _ = seeded
    chile, guatemala = BRANDS[2], BRANDS[1]
    selection = replace(EVERYTHING, product_store_ids=[chile.product_store_id])
    found = [
        one
        for feed in produce(engine, selection, 2500, NOW)
        for one in documents(engine, feed.feed_id)
    ]
    assert found
    assert {one["productStoreId"] for one in found} == {chile.product_store_id}
    shop = guatemala.facilities[0].facility_id
    found = [
        one
        for feed in produce(engine, replace(EVERYTHING, facility_ids=[shop]), 2500, NOW)
        for one in documents(engine, feed.feed_id)
    ]
    assert found
    assert all(shop in _facilities(one) for one in found)


def test_the_window_is_from_a_moment_until_before_another(
    seeded: tuple[Engine, SeedReport],
) -> None:
    """Two windows that touch export every order once between them."""
    engine, report = seeded
    header = tables.order_header
    with transaction(engine) as connection:
        moments = connection.scalars(
            select(header.c.completed_at)
            .where(header.c.completed_at.is_not(None))
            .order_by(header.c.completed_at)
        ).all()
    middle = moments[len(moments) // 2]
    early = exported(engine, produce(engine, replace(EVERYTHING, completed_thru=middle), 2500, NOW))
    late = exported(engine, produce(engine, replace(EVERYTHING, completed_from=middle), 2500, NOW))
    assert early
    assert late
    assert len(early) + len(late) == len({*early, *late})
    assert {*early, *late} == order_ids(report, GOOD, EXCLUDED, DEFECTS)


def test_documents_are_hotwaxs_and_good_ones_add_up(seeded: tuple[Engine, SeedReport]) -> None:
    """Every document reads by the feed's contract; lines, discounts, tax and shipping are the total."""
    engine, report = seeded
    good, wrong = order_ids(report, GOOD), order_ids(report, ["amounts_do_not_add_up"])
    for feed in produce(engine, EVERYTHING, 2500, NOW):
        for index, members in enumerate(documents(engine, feed.feed_id)):
            order = read_order(json_text.read(json_text.write(members)), index)
            assert order.order_status_id == "ORDER_COMPLETED"
            if order.order_id in good:
                assert _amounts(order) == order.grand_total
            elif order.order_id in wrong:
                assert _amounts(order) + 1 == order.grand_total


def test_digital_items_left_no_facility(seeded: tuple[Engine, SeedReport]) -> None:
    """They show HotWax's virtual facility and no shipment, as in its published sample."""
    engine, report = seeded
    digital = order_ids(report, ["digital"])
    feeds = produce(engine, EVERYTHING, 2500, NOW)
    found = [
        one
        for feed in feeds
        for one in documents(engine, feed.feed_id)
        if one["orderId"] in digital
    ]
    assert found
    for one in found:
        (shipment,) = one["shipments"]
        assert shipment["trackingNumber"] is None
        (item,) = shipment["shipmentItems"]
        assert item["facilityExternalId"] == "_NA_"
        assert item["parentFacilityTypeId"] == "VIRTUAL_FACILITY"
        assert item["shippedQuantity"] is None


def test_the_number_of_queries_does_not_grow_with_the_orders(
    seeded: tuple[Engine, SeedReport],
) -> None:
    """A feed is read in pages, not order by order."""
    engine, _ = seeded
    small = produce(engine, replace(EVERYTHING, product_store_ids=["BH_STORE"]), 3, NOW)[0]
    large = produce(engine, EVERYTHING, 2500, NOW)[0]
    statements: list[str] = []
    event.listen(
        engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2])
    )
    counts = []
    for feed in (small, large):
        statements.clear()
        assert len(list(documents(engine, feed.feed_id))) == feed.order_count
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_a_feed_made_without_a_database_holds_the_same_orders(
    seeded: tuple[Engine, SeedReport], tmp_path: Path
) -> None:
    """The generated big feeds are what an export of the same orders would have written."""
    engine, _ = seeded
    path = tmp_path / "feed.json"
    report = feed_file(path, 45, seed=7)
    assert sum(report.counts.values()) == 45
    generated = {one["orderId"]: one for one in json_text.read(path.read_bytes())}
    assert len(generated) == 45
    feeds = produce(engine, EVERYTHING, 2500, NOW)
    from_store = {
        one["orderId"]: json_text.read(json_text.write(one))
        for feed in feeds
        for one in documents(engine, feed.feed_id)
    }
    for order_id, one in generated.items():
        assert _unordered(one) == _unordered(from_store[order_id])


def _facilities(order: dict[str, Any]) -> set[str]:
    return {
        item["facilityId"] for shipment in order["shipments"] for item in shipment["shipmentItems"]
    }


def _amounts(order: CompletedOrder) -> Decimal:
    items = [item for shipment in order.shipments or () for item in shipment.shipment_items or ()]
    adjustments = [
        *(order.order_adjustments or ()),
        *(one for item in items for one in item.item_adjustments or ()),
    ]
    gross = sum(((one.item_quantity or 0) * (one.unit_price or 0) for one in items), Decimal(0))
    return gross + sum((one.amount or Decimal(0) for one in adjustments), Decimal(0))


def _unordered(value: Any) -> Any:
    """Make lists of identifications and attributes comparable, whose order says nothing."""
    if isinstance(value, dict):
        return {name: _unordered(member) for name, member in value.items()}
    if isinstance(value, list):
        return sorted((_unordered(member) for member in value), key=repr)
    return value
