"""Lines of an invoice sum to their amounts exactly, whatever divides badly."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tillbridge.invoicing.lines import Line, spread, unit_runs

many = settings(max_examples=400, deadline=None)
CENTS = Decimal("0.01")


@st.composite
def lines(draw: Any) -> Line:
    """Draw a line of whole pieces with a discount it can bear."""
    quantity = draw(st.integers(1, 20) | st.integers(1, 999_999))
    price = draw(st.integers(0, 99_999))
    discount = draw(st.integers(0, quantity * price))
    tax = draw(st.integers(0, 10**8))
    return Line(Decimal(quantity), price * CENTS, discount * CENTS, tax * CENTS)


@many
@given(lines(), st.sampled_from(["scaled", "same"]), st.integers(2, 4))
def test_the_runs_of_a_line_sum_to_it(
    line: Line, original_tax: Literal["scaled", "same"], decimals: int
) -> None:
    """Pieces, price and tax sum exactly in at most three runs, up to 999,999 pieces."""
    runs = list(unit_runs(line, decimals, original_tax))
    assert 1 <= len(runs) <= 3
    assert sum(run.quantity for run in runs) == line.quantity
    assert sum(run.quantity * run.price for run in runs) == line.gross - line.discount
    assert sum(run.quantity * run.tax for run in runs) == line.tax
    assert {run.original_price for run in runs} == {line.unit_price}
    for run in runs:
        if original_tax == "same":
            assert run.original_tax == run.tax
        elif run.price:
            exact = run.tax * run.original_price / run.price
            assert abs(run.original_tax - exact) <= Decimal(1).scaleb(-decimals) / 2


@many
@given(st.lists(lines(), min_size=1, max_size=12), st.data())
def test_what_is_spread_over_lines_is_all_there(given_lines: list[Line], data: Any) -> None:
    """Order discount and tax are on the lines to the last cent, and no line is worth less than nothing."""
    worth = sum(line.gross - line.discount for line in given_lines)
    discount = data.draw(st.integers(0, int(worth / CENTS))) * CENTS
    tax = data.draw(st.integers(0, 10**9)) * CENTS
    spread_lines = spread(given_lines, discount, tax, 2)
    own_discount = sum(line.discount for line in given_lines)
    assert sum(line.discount for line in spread_lines) == own_discount + discount
    assert sum(line.tax for line in spread_lines) == sum(line.tax for line in given_lines) + tax
    for before, after in zip(given_lines, spread_lines, strict=True):
        assert (before.quantity, before.unit_price) == (after.quantity, after.unit_price)
        assert after.discount <= after.gross


def test_nothing_to_spread_changes_nothing() -> None:
    """Lines with own amounts only stay as they are."""
    line = Line(Decimal(2), Decimal(5), Decimal(1), Decimal(1))
    assert spread([line], Decimal(0), Decimal(0), 2) == [line]


def test_three_pieces_with_ten_off() -> None:
    """The odd cent makes a line of its own."""
    line = Line(Decimal(3), Decimal("30.00"), Decimal("10.00"), Decimal("18.40"))
    runs = [(run.quantity, run.price, run.tax) for run in unit_runs(line, 2, "scaled")]
    assert runs == [
        (1, Decimal("26.66"), Decimal("6.13")),
        (1, Decimal("26.67"), Decimal("6.13")),
        (1, Decimal("26.67"), Decimal("6.14")),
    ]


def test_a_part_of_a_piece_keeps_its_quantity() -> None:
    """1.25 metres stay one line where the price of a metre is exact."""
    [run] = unit_runs(Line(Decimal("1.25"), Decimal(8), Decimal(2), Decimal("0.5")), 2, "same")
    assert (run.quantity, run.price, run.tax) == (Decimal("1.25"), Decimal("6.4"), Decimal("0.4"))


@pytest.mark.parametrize("line", [
    Line(Decimal("0.3"), Decimal(10), Decimal(0), Decimal(1)),
    Line(Decimal("0.7"), Decimal(10), Decimal("0.01"), Decimal(0)),
])  # fmt: skip
def test_a_price_that_is_not_exact_is_refused(line: Line) -> None:
    """Nothing is rounded away; the text says which amount and quantity."""
    with pytest.raises(ValueError, match="cannot be written as an exact price"):
        list(unit_runs(line, 2, "scaled"))


def test_a_gift_keeps_its_tax() -> None:
    """A line that costs nothing has no ratio to scale by."""
    [run] = unit_runs(Line(Decimal(2), Decimal(8), Decimal(16), Decimal(3)), 2, "scaled")
    assert (run.price, run.tax, run.original_tax) == (0, Decimal("1.5"), Decimal("1.5"))
