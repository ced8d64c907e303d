"""Compares the order store's stock with Retail Pro's and says what explains each difference. Pure.

The order store takes stock when an item is fulfilled, Retail Pro when it makes the invoice, and not
always at the same store: what lies between the two explains a difference. stock.py reads the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import polars as pl

from tillbridge import money

_KEY = ["store", "upc"]
_EXPLANATIONS = ["awaiting_invoice", "awaiting_slip", "doubt_low", "doubt_high"]
_STOCK_SCHEMA = {"store": pl.String, "upc": pl.String, "quantity": pl.Int64}
_MOVEMENT_SCHEMA = {
    "fulfilled_at": pl.String,
    "upc": pl.String,
    "state": pl.String,
    "doubtful": pl.Boolean,
    "invoicing_store": pl.String,
    "quantity": pl.Int64,
}

DeductedAt = Literal["invoicing_store", "line_store"]
StoreStock = tuple[str, str, Decimal]
"""A Retail Pro store code, a UPC, and how many there are."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Items that left `fulfilled_at` and do not show in Retail Pro's stock there, or may not.

    Stores are invoicing store codes. `state` is that of the order in the invoice ledger, None where it
    is not in the ledger yet; `doubtful` says that an earlier attempt may have made the invoice.
    """

    fulfilled_at: str
    upc: str
    quantity: Decimal
    state: str | None = None
    doubtful: bool = False
    invoicing_store: str | None = None


@dataclass(frozen=True, slots=True)
class OrderStoreStock:
    """What the order store has, by invoicing store code and UPC, and what can be compared at all.

    `codes` gives the invoicing store code for every code Retail Pro may name a store by; `upcs` are
    those the order store knows, wherever it has them.
    """

    quantities: tuple[StoreStock, ...]
    codes: Mapping[str, str] = field(default_factory=dict)
    upcs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class StockDifference:
    """One article in one store. `difference` is Retail Pro's quantity less the order store's.

    It is the sum of what awaits an invoice, what awaits a transfer slip, something between `doubt_low`
    and `doubt_high` (orders nobody knows the outcome of), and `unexplained`.
    """

    store: str
    upc: str
    order_store: Decimal
    retail_pro: Decimal
    difference: Decimal
    awaiting_invoice: Decimal
    awaiting_slip: Decimal
    doubt_low: Decimal
    doubt_high: Decimal
    unexplained: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """Quantities summed over all rows; `unexplained` sums sizes, so that signs do not cancel out."""

    compared: int
    equal: int
    unexplained_rows: int
    not_compared: int
    order_store: Decimal
    retail_pro: Decimal
    difference: Decimal
    awaiting_invoice: Decimal
    awaiting_slip: Decimal
    unexplained: Decimal


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Every article and store that differs or has something unexplained, and the totals of all."""

    rows: tuple[StockDifference, ...]
    totals: Totals


def reconcile(
    order_store: OrderStoreStock,
    retail_pro: Iterable[StoreStock],
    movements: Iterable[Movement],
    deducted_at: DeductedAt,
) -> Reconciliation:
    """Compare the two stocks per store and UPC; what only one of them has counts as 0 in the other.

    Stores and articles that the order store does not know are Retail Pro's own affair: they are
    counted as not compared.
    """
    left = _frame(order_store.quantities).rename({"quantity": "order_store"})
    everything = _frame(
        (order_store.codes.get(store, store), upc, quantity) for store, upc, quantity in retail_pro
    )
    known = everything.filter(
        pl.col("store").is_in(set(order_store.codes.values())),
        pl.col("upc").is_in(order_store.upcs),
    )
    right = known.rename({"quantity": "retail_pro"})
    compared = (
        left.join(right, on=_KEY, how="full", coalesce=True)
        .join(_explanations(movements, deducted_at), on=_KEY, how="full", coalesce=True)
        .with_columns(pl.col(pl.Int64).fill_null(0))
        .with_columns(difference=pl.col("retail_pro") - pl.col("order_store"))
        .with_columns(
            rest=pl.col("difference") - pl.col("awaiting_invoice") - pl.col("awaiting_slip")
        )
        .with_columns(
            unexplained=pl.col("rest")
            - pl.col("rest").clip(pl.col("doubt_low"), pl.col("doubt_high"))
        )
        .drop("rest")
        .sort(_KEY)
    )
    differing = compared.filter((pl.col("difference") != 0) | (pl.col("unexplained") != 0))
    return Reconciliation(
        tuple(StockDifference(**_decimals(row)) for row in differing.iter_rows(named=True)),
        _totals(compared, differing, everything.height - known.height),
    )


def _frame(rows: Iterable[StoreStock]) -> pl.DataFrame:
    """Make a table of integers of 1/10,000; equal keys are added up."""
    units = [(store, upc, money.to_units(quantity)) for store, upc, quantity in rows]
    frame = pl.DataFrame(units, schema=_STOCK_SCHEMA, orient="row")
    return frame.group_by(_KEY).agg(pl.col("quantity").sum())


def _explanations(movements: Iterable[Movement], deducted_at: DeductedAt) -> pl.DataFrame:
    """Give, per store and UPC, by how much the movements make Retail Pro's stock differ."""
    rows = [
        (
            one.fulfilled_at,
            one.upc,
            one.state,
            one.doubtful,
            one.invoicing_store,
            money.to_units(one.quantity),
        )
        for one in movements
    ]
    moved = pl.DataFrame(rows, schema=_MOVEMENT_SCHEMA, orient="row")
    invoiced = (pl.col("state") == "CONFIRMED").fill_null(value=False)
    in_doubt = ~invoiced & (
        pl.col("state").is_in(["INFLIGHT", "UNKNOWN", "PARKED"])
        | (pl.col("doubtful") & (pl.col("state") == "READY"))
    ).fill_null(value=False)
    elsewhere = pl.lit(value=False)
    if deducted_at == "invoicing_store":
        elsewhere = (pl.col("invoicing_store") != pl.col("fulfilled_at")).fill_null(value=False)
    quantity = pl.col("quantity")
    nothing = pl.lit(0, pl.Int64)
    # Where it left, an order in doubt shows for certain if Retail Pro would deduct it elsewhere.
    at_fulfilment = moved.select(
        pl.col("fulfilled_at").alias("store"),
        "upc",
        awaiting_invoice=pl.when(~invoiced & (~in_doubt | elsewhere)).then(quantity).otherwise(0),
        awaiting_slip=pl.when(invoiced & elsewhere).then(quantity).otherwise(0),
        doubt_low=nothing,
        doubt_high=pl.when(in_doubt & ~elsewhere).then(quantity).otherwise(0),
    )
    at_invoicing = moved.filter(elsewhere).select(
        pl.col("invoicing_store").alias("store"),
        "upc",
        awaiting_invoice=nothing,
        awaiting_slip=pl.when(invoiced).then(-quantity).otherwise(0),
        doubt_low=pl.when(in_doubt).then(-quantity).otherwise(0),
        doubt_high=nothing,
    )
    return (
        pl.concat([at_fulfilment, at_invoicing])
        .group_by(_KEY)
        .agg(pl.col(name).sum() for name in _EXPLANATIONS)
    )


def _totals(compared: pl.DataFrame, differing: pl.DataFrame, not_compared: int) -> Totals:
    sums = compared.select(
        pl.col(
            "order_store", "retail_pro", "difference", "awaiting_invoice", "awaiting_slip"
        ).sum(),
        unexplained=pl.col("unexplained").abs().sum(),
    ).row(0, named=True)
    return Totals(
        compared=compared.height,
        equal=compared.height - differing.height,
        unexplained_rows=compared.filter(pl.col("unexplained") != 0).height,
        not_compared=not_compared,
        **_decimals(sums),
    )


def _decimals(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: money.from_units(value) if isinstance(value, int) else value
        for name, value in row.items()
    }
