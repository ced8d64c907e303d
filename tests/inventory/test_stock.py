"""The stock of the order store, and the movements that explain why Retail Pro's differs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import Engine, insert, select

from sandbox.kinds import GOOD
from sandbox.orders import SeedReport, seed
from tests.fixtures_database import as_owner
from tillbridge.database import ledger_tables, oms_tables
from tillbridge.database.engine import transaction
from tillbridge.inventory.reconciliation import DeductedAt, Reconciliation, StoreStock, reconcile
from tillbridge.inventory.stock import open_movements, order_store_stock
from tillbridge.oms.facilities import store_codes
from tillbridge.oms.order import Order
from tillbridge.oms.reading import read_orders

NOW = datetime(2026, 11, 22, 3, 15, tzinfo=UTC)
TILL = ["POS_CHANNEL", "POS_SALES_CHANNEL"]


@pytest.fixture
def seeded(engine: Engine) -> tuple[Engine, SeedReport]:
    """An order store with fifty made-up orders of every kind."""
    with as_owner(engine) as owner:
        return engine, seed(owner, 50, seed=3)


def compare(
    engine: Engine, retail_pro: list[StoreStock], deducted_at: DeductedAt = "invoicing_store"
) -> Reconciliation:
    stores = store_codes(engine)
    return reconcile(
        order_store_stock(engine, stores),
        retail_pro,
        open_movements(engine, stores, TILL),
        deducted_at,
    )


def rows(stock: dict[str, dict[str, Decimal]]) -> list[StoreStock]:
    return [
        (store, upc, quantity) for store, upcs in stock.items() for upc, quantity in upcs.items()
    ]


def invoice(
    engine: Engine,
    report: SeedReport,
    deducted_at: DeductedAt,
    state: Callable[[int], str] = lambda _: "CONFIRMED",
) -> None:
    """Invoice the good orders at their last store, in the ledger and in Retail Pro's stock."""
    stores = store_codes(engine)
    numbers = report.numbers(GOOD)
    with transaction(engine) as connection:
        orders = read_orders(connection, [f"M{number}" for number in numbers])
        external = dict(
            connection.execute(
                select(oms_tables.facility.c.facility_id, oms_tables.facility.c.external_id)
            ).all()
        )
        identification = oms_tables.good_identification
        upcs = dict(
            connection.execute(
                select(identification.c.product_id, identification.c.id_value).where(
                    identification.c.good_identification_type_id == "UPCA"
                )
            ).all()
        )
    for index, (number, order) in enumerate(zip(numbers, orders, strict=True)):
        shipped = [item for item in order.items if item.shipment]
        codes = {item: stores[external[item.shipment.facility_id]][0] for item in shipped}
        last = max(shipped, key=lambda item: item.status_at)
        write_ledger_row(engine, order, number, codes[last], state(index))
        if state(index) == "CONFIRMED":
            for item in shipped:
                at = codes[last] if deducted_at == "invoicing_store" else codes[item]
                upc = upcs[item.product_id]
                stock = report.retail_pro_stock.setdefault(at, {})
                stock[upc] = stock.get(upc, Decimal(0)) - item.quantity


def write_ledger_row(engine: Engine, order: Order, number: str, store: str, state: str) -> None:
    with transaction(engine) as connection:
        connection.execute(
            insert(ledger_tables.invoice_order).values(
                product_store_id=order.product_store_id,
                order_no=number,
                order_id=order.order_id,
                revision=1,
                body=b"{}",
                body_sha256="0" * 64,
                state=state,
                total=order.grand_total,
                currency=order.currency,
                line_count=1,
                invoicing_store=store,
                source_file="feed.json",
                accepted_at=NOW,
                changed_at=NOW,
            )
        )


def test_before_any_invoice_every_difference_awaits_one(
    seeded: tuple[Engine, SeedReport],
) -> None:
    """What left the stores and is not invoiced is what Retail Pro has more; till sales are equal."""
    engine, report = seeded
    result = compare(engine, rows(report.retail_pro_stock))
    assert result.rows
    assert result.totals.unexplained == 0
    assert result.totals.awaiting_invoice == result.totals.difference > 0


@pytest.mark.parametrize("deducted_at", ["invoicing_store", "line_store"])
def test_after_the_invoices_only_slips_and_bad_orders_are_open(
    seeded: tuple[Engine, SeedReport], deducted_at: DeductedAt
) -> None:
    """Orders of one store leave no trace, those of several wait for slips or for nothing."""
    engine, report = seeded
    before = compare(engine, rows(report.retail_pro_stock)).totals.awaiting_invoice
    invoice(engine, report, deducted_at)
    result = compare(engine, rows(report.retail_pro_stock), deducted_at)
    assert result.totals.unexplained == 0
    assert result.totals.awaiting_invoice < before
    slips = any(row.awaiting_slip for row in result.rows)
    assert slips == (deducted_at == "invoicing_store")


def test_orders_in_doubt_explain_what_they_may_have_done(
    seeded: tuple[Engine, SeedReport],
) -> None:
    """A third parked, a third rejected, a third invoiced: nothing is unexplained."""
    engine, report = seeded
    states = ("PARKED", "REJECTED", "CONFIRMED")
    invoice(engine, report, "invoicing_store", lambda index: states[index % 3])
    result = compare(engine, rows(report.retail_pro_stock))
    assert result.totals.unexplained == 0
    assert any(row.doubt_high or row.doubt_low for row in result.rows)


def test_a_missing_piece_is_found(seeded: tuple[Engine, SeedReport]) -> None:
    """One piece that vanished in one store is the one unexplained row."""
    engine, report = seeded
    stock = rows(report.retail_pro_stock)
    store, upc, quantity = stock[0]
    result = compare(engine, [(store, upc, quantity - 1), *stock[1:]])
    (row,) = [row for row in result.rows if row.unexplained]
    assert (row.store, row.upc, row.unexplained) == (store, upc, -1)


def test_an_empty_order_store_compares_nothing(engine: Engine) -> None:
    """A first run before any facility is known reports zero rows instead of failing."""
    result = compare(engine, [("SVA32", "8720116010001", Decimal(3))])
    assert (result.totals.compared, result.totals.not_compared) == (0, 1)
