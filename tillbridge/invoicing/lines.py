"""Discounts and taxes spread over the lines of an invoice, exact to the last decimal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from tillbridge import money


@dataclass(frozen=True, slots=True)
class Line:
    """One order item: its quantity, unit price before discount, and its own discount and tax in all."""

    quantity: Decimal
    unit_price: Decimal
    discount: Decimal
    tax: Decimal

    @property
    def gross(self) -> Decimal:
        """What the line is worth before discount and tax."""
        return self.quantity * self.unit_price


@dataclass(frozen=True, slots=True)
class UnitRun:
    """`quantity` units of a line that share one price and one tax, each for one unit."""

    quantity: Decimal
    original_price: Decimal
    original_tax: Decimal
    price: Decimal
    tax: Decimal


def spread(lines: Sequence[Line], discount: Decimal, tax: Decimal, decimals: int) -> list[Line]:
    """Put an order's own discount and tax onto its lines, by their value; the sums stay exact.

    Raises:
        ValueError: a line is worth less than nothing, or there is an amount but no line to bear it.
    """
    if not discount and not tax:
        return list(lines)
    worth = [line.gross - line.discount for line in lines]
    discounts = money.allocate(discount, worth, decimals)
    taxed = [value - part for value, part in zip(worth, discounts, strict=True)]
    taxes = money.allocate(tax, taxed, decimals)
    return [
        Line(line.quantity, line.unit_price, line.discount + less, line.tax + more)
        for line, less, more in zip(lines, discounts, taxes, strict=True)
    ]


def unit_runs(
    line: Line, decimals: int, original_tax: Literal["scaled", "same"]
) -> Iterator[UnitRun]:
    """Write a line as runs of equal units whose prices and taxes sum to the line exactly.

    A line of 3 units with a discount of 10.00 becomes 2 units at one price and 1 at another, one
    step of 10^-`decimals` apart.

    Raises:
        ValueError: the quantity is not whole and the amounts do not divide by it. The text says so.
    """
    net = line.gross - line.discount
    if line.quantity == int(line.quantity):
        prices = money.split(net, int(line.quantity), decimals)
        taxes = money.split(line.tax, int(line.quantity), decimals)
    else:
        prices = [(1, _divided(net, line.quantity))]
        taxes = [(1, _divided(line.tax, line.quantity))]
    for count, price, tax in _together(prices, taxes):
        yield UnitRun(
            quantity=Decimal(count) if line.quantity == int(line.quantity) else line.quantity,
            original_price=line.unit_price,
            original_tax=_scaled(tax, line.unit_price, price, decimals)
            if original_tax == "scaled"
            else tax,
            price=price,
            tax=tax,
        )


def _together(
    prices: list[tuple[int, Decimal]], taxes: list[tuple[int, Decimal]]
) -> Iterator[tuple[int, Decimal, Decimal]]:
    """Lay two lists of runs over each other: cut wherever either of them changes."""
    left, right = list(prices), list(taxes)
    while left and right:
        (price_count, price), (tax_count, tax) = left.pop(0), right.pop(0)
        count = min(price_count, tax_count)
        yield count, price, tax
        if price_count > count:
            left.insert(0, (price_count - count, price))
        if tax_count > count:
            right.insert(0, (tax_count - count, tax))


def _divided(amount: Decimal, quantity: Decimal) -> Decimal:
    part = (amount / quantity).quantize(Decimal("0.0001"))
    if part * quantity != amount:
        raise ValueError(
            f"{amount} for a quantity of {quantity} cannot be written as an exact price of one unit"
        )
    return part


def _scaled(tax: Decimal, original_price: Decimal, price: Decimal, decimals: int) -> Decimal:
    if not price:
        return tax
    step = Decimal(1).scaleb(-decimals)
    return (tax * original_price / price).quantize(step, ROUND_HALF_UP)
