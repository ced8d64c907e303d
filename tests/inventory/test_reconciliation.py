"""The stock of the order store against that of Retail Pro."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillbridge.inventory.reconciliation import (
    DeductedAt,
    Movement,
    OrderStoreStock,
    Reconciliation,
    StockDifference,
    StoreStock,
    reconcile,
)

STORES = ("SVA32", "SVP22", "SVA27")
UPCS = ("8720116010001", "8720116010002")
CODES = {"SVA32": "SVA32", "SVP22": "SVP22", "SVA27": "SVA27", "A32": "SVA32", "P22": "SVP22"}
IN_DOUBT = {"INFLIGHT", "UNKNOWN", "PARKED"}


def stock(*quantities: StoreStock) -> OrderStoreStock:
    return OrderStoreStock(quantities, CODES, frozenset(UPCS))


def one(store: str, quantity: str | int) -> StoreStock:
    return store, UPCS[0], Decimal(quantity)


def only_row(result: Reconciliation) -> StockDifference:
    (row,) = result.rows
    return row


def test_equal_stock_leaves_no_row() -> None:
    """After a clean run the report has nothing to show, and says how much it compared."""
    result = reconcile(
        stock(one("SVA32", 8), one("SVP22", "2.5")),
        [one("SVA32", 8), one("SVP22", "2.5")],
        [],
        "invoicing_store",
    )
    assert result.rows == ()
    assert (result.totals.compared, result.totals.equal) == (2, 2)
    assert result.totals.order_store == result.totals.retail_pro == Decimal("10.5")


def test_what_is_not_invoiced_yet_explains_a_surplus_in_retail_pro() -> None:
    """Three pieces left the store, one of them on an order that Retail Pro rejected."""
    result = reconcile(
        stock(one("SVA32", 7)),
        [one("SVA32", 10)],
        [
            Movement("SVA32", UPCS[0], Decimal(2)),
            Movement("SVA32", UPCS[0], Decimal(1), "REJECTED", invoicing_store="SVA32"),
        ],
        "invoicing_store",
    )
    row = only_row(result)
    assert (row.difference, row.awaiting_invoice, row.unexplained) == (3, 3, 0)


def test_an_invoice_at_another_store_waits_for_a_transfer_slip() -> None:
    """Retail Pro took the piece off the invoiced store, though it left the other one."""
    result = reconcile(
        stock(one("SVA32", 9), one("SVP22", 10)),
        [one("SVA32", 10), one("SVP22", 9)],
        [Movement("SVA32", UPCS[0], Decimal(1), "CONFIRMED", invoicing_store="SVP22")],
        "invoicing_store",
    )
    assert {row.store: row.awaiting_slip for row in result.rows} == {"SVA32": 1, "SVP22": -1}
    assert result.totals.unexplained == 0
    assert result.totals.difference == 0


@pytest.mark.parametrize("retail_pro", [10, 9])
def test_a_parked_order_explains_either_outcome(retail_pro: int) -> None:
    """Whether or not Retail Pro made the invoice, nothing is called unexplained."""
    result = reconcile(
        stock(one("SVA32", 9)),
        [one("SVA32", retail_pro)],
        [Movement("SVA32", UPCS[0], Decimal(1), "PARKED", invoicing_store="SVA32")],
        "invoicing_store",
    )
    assert result.totals.unexplained == 0


def test_a_ready_order_that_was_tried_before_is_in_doubt() -> None:
    """An order to be sent again may have reached Retail Pro the first time."""
    movement = Movement("SVA32", UPCS[0], Decimal(1), "READY", True, "SVA32")
    result = reconcile(stock(one("SVA32", 9)), [one("SVA32", 9)], [movement], "invoicing_store")
    assert result.rows == ()


def test_a_loss_is_unexplained() -> None:
    """Two pieces that nobody can account for are shown with store and article."""
    row = only_row(reconcile(stock(one("SVA32", 10)), [one("SVA32", 8)], [], "invoicing_store"))
    assert (row.store, row.upc, row.unexplained) == ("SVA32", UPCS[0], -2)


def test_losses_and_gains_do_not_cancel_out_in_the_total() -> None:
    """A piece too many here and one too few there are two unexplained pieces."""
    result = reconcile(
        stock(one("SVA32", 10), one("SVP22", 10)),
        [one("SVA32", 9), one("SVP22", 11)],
        [],
        "invoicing_store",
    )
    assert (result.totals.difference, result.totals.unexplained) == (0, 2)


def test_retail_pro_may_name_a_store_by_its_line_code() -> None:
    """A32 and SVA32 are the same store."""
    result = reconcile(stock(one("SVA32", 4)), [one("A32", 4)], [], "line_store")
    assert result.rows == ()


def test_what_only_one_side_has_counts_as_none_on_the_other() -> None:
    """An article that is missing in Retail Pro's answer is a difference, not left out."""
    result = reconcile(stock(one("SVA32", 4)), [one("SVP22", 3)], [], "invoicing_store")
    assert {row.store: row.difference for row in result.rows} == {"SVA32": -4, "SVP22": 3}


def test_stores_and_articles_that_are_retail_pros_alone_are_counted_only() -> None:
    """Retail Pro has shops and goods that the order store has never heard of."""
    result = reconcile(
        stock(one("SVA32", 4)),
        [one("SVA32", 4), one("XX999", 5), ("SVA32", "not-in-the-order-store", Decimal(6))],
        [],
        "invoicing_store",
    )
    assert result.rows == ()
    assert result.totals.not_compared == 2


movements = st.lists(
    st.tuples(
        st.builds(
            Movement,
            st.sampled_from(STORES),
            st.sampled_from(UPCS),
            st.integers(1, 50_000).map(lambda units: Decimal(units) / 10_000),
            st.sampled_from(
                [None, "READY", "INFLIGHT", "CONFIRMED", "REJECTED", "UNKNOWN", "PARKED"]
            ),
            st.just(value=False),
            st.sampled_from(STORES),
        ),
        st.booleans(),
    ),
    max_size=12,
)


def follow(
    happened: list[tuple[Movement, bool]], deducted_at: DeductedAt
) -> tuple[OrderStoreStock, dict[tuple[str, str], Decimal]]:
    """Take every movement off both stocks as the two systems do."""
    order_store = {(store, upc): Decimal(1000) for store in STORES for upc in UPCS}
    retail_pro = dict(order_store)
    for movement, reached_retail_pro in happened:
        order_store[movement.fulfilled_at, movement.upc] -= movement.quantity
        if movement.state == "CONFIRMED" or (movement.state in IN_DOUBT and reached_retail_pro):
            at = movement.fulfilled_at
            if deducted_at == "invoicing_store":
                at = movement.invoicing_store or at
            retail_pro[at, movement.upc] -= movement.quantity
    return stock(*((*key, quantity) for key, quantity in order_store.items())), retail_pro


@given(movements, st.sampled_from(["invoicing_store", "line_store"]))
def test_whatever_happened_to_the_orders_nothing_is_unexplained(
    happened: list[tuple[Movement, bool]], deducted_at: DeductedAt
) -> None:
    """Follow both stocks piece by piece: every difference is accounted for."""
    order_store, retail_pro = follow(happened, deducted_at)
    result = reconcile(
        order_store,
        [(*key, quantity) for key, quantity in retail_pro.items()],
        [movement for movement, _ in happened],
        deducted_at,
    )
    assert result.totals.unexplained == 0
    for row in result.rows:
        explained = row.awaiting_invoice + row.awaiting_slip
        assert explained + row.doubt_low <= row.difference <= explained + row.doubt_high


@given(
    movements,
    st.sampled_from(["invoicing_store", "line_store"]),
    st.integers(1, 10**6).map(lambda units: Decimal(units) / 10_000),
)
def test_a_theft_shows_to_the_last_piece(
    happened: list[tuple[Movement, bool]], deducted_at: DeductedAt, stolen: Decimal
) -> None:
    """What vanished is unexplained in full where no order is in doubt."""
    certain = [(movement, True) for movement, _ in happened if movement.state not in IN_DOUBT]
    order_store, retail_pro = follow(certain, deducted_at)
    retail_pro["SVA32", UPCS[0]] -= stolen
    result = reconcile(
        order_store,
        [(*key, quantity) for key, quantity in retail_pro.items()],
        [movement for movement, _ in certain],
        deducted_at,
    )
    assert result.totals.unexplained == stolen
