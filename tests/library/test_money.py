"""Amounts are exact or refused, and what is spread always sums to the total."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tillbridge import money

UNITS = st.integers(-(10**16) + 1, 10**16 - 1)
many = settings(max_examples=500, deadline=None)


@many
@given(UNITS)
def test_every_amount_goes_through_the_database_unchanged(units: int) -> None:
    """Integer, amount, text and integer again are the same, without exponent or trailing zero."""
    amount = money.from_units(units)
    assert money.to_units(amount) == units
    assert money.parse(str(amount)) == money.parse(amount) == amount
    assert "E" not in str(amount)
    assert str(amount) in {"0", str(amount).rstrip(".")}
    assert "." not in str(amount) or not str(amount).endswith("0")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("40.00", "40"),
        ("0.0001", "0.0001"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("1.50000000", "1.5"),
        (7, "7"),
        (-7, "-7"),
        (Decimal("1E+2"), "100"),
        (Decimal("-0E-7"), "0"),
        ("999999999999.9999", "999999999999.9999"),
    ],
)
def test_an_amount_has_one_spelling(value: object, text: str) -> None:
    """Equal amounts look equal, so that equal orders have equal bytes."""
    assert str(money.parse(value)) == text


@pytest.mark.parametrize(
    "value",
    [
        *(1.0, float("nan"), True, None, b"1", [], {}),
        *("", " ", " 1", "1 ", "1\n", "+1", "--1", ".5", "5.", "1,000", "0x1", "1/2", "abc"),
        *("１２", "١٢", "1_0", "1e5", "1E5", "NaN", "Infinity", "-Infinity", "sNaN"),  # noqa: RUF001
        *("0.00001", "1.23456", "1234567890123", "0" * 30, "1." + "0" * 30),
        *(10**12, 10**5000, Decimal("1E-5"), Decimal("1E+12"), Decimal("1E+1000")),
        *(Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-Infinity")),
    ],
    ids=lambda value: repr(value)[:20] if not isinstance(value, int) else f"int{value % 97}",
)
def test_what_is_not_exactly_an_amount_is_refused(value: object) -> None:
    """Floats, exponents, other digits, signs, separators and finer decimals are all refused."""
    with pytest.raises(ValueError):  # noqa: PT011 - the caller words it with the field
        money.parse(value)


def test_an_amount_finer_than_the_database_is_refused() -> None:
    """Nothing is rounded on its way into the database."""
    with pytest.raises(ValueError, match="finer"):
        money.to_units(Decimal("0.00005"))


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("1234.5", "USD", "1,234.50 USD"),
        ("1234", "JPY", "1,234 JPY"),
        ("0.5", "KWD", "0.500 KWD"),
        ("0.5", "CLF", "0.5000 CLF"),
        ("0.125", "USD", "0.125 USD"),
        ("-3", "EUR", "-3.00 EUR"),
    ],
)
def test_people_read_amounts_in_the_currencys_decimals(
    amount: str, currency: str, shown: str
) -> None:
    """Two decimals, none, three or four; more where the amount has more."""
    assert money.show(Decimal(amount), currency) == shown


def test_the_finest_amount_decides() -> None:
    """Never fewer decimals than the currency has."""
    assert money.finest([Decimal("1.00"), Decimal("2.125")], "USD") == 3
    assert money.finest([], "JPY") == 0
    assert money.finest([Decimal(1)], "KWD") == 3


WEIGHTS = st.lists(st.integers(0, 10**10).map(money.from_units), min_size=1, max_size=40)


@many
@given(st.integers(-(10**12), 10**12), WEIGHTS, st.integers(0, 4))
def test_the_parts_of_an_allocation_sum_to_it_exactly(
    steps: int, weights: list[Decimal], decimals: int
) -> None:
    """Every part is a whole number of steps and within one step of its true share."""
    step = Decimal(1).scaleb(-decimals)
    total = steps * step
    parts = money.allocate(total, weights, decimals)
    assert len(parts) == len(weights)
    assert sum(parts) == total
    assert all(part / step == int(part / step) for part in parts)
    whole = sum(weights)
    if whole:
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part * whole - total * weight) < step * whole


@many
@given(st.integers(0, 10**9), WEIGHTS)
def test_a_part_of_a_discount_is_never_more_than_its_line(
    units: int, weights: list[Decimal]
) -> None:
    """A discount that the order can bear makes no line negative."""
    total = money.from_units(units)
    assume(total <= sum(weights))
    for part, weight in zip(money.allocate(total, weights, 4), weights, strict=True):
        assert 0 <= part <= weight


@many
@given(st.integers(0, 10**9), st.integers(1, 30), st.integers(1, 10**6).map(money.from_units))
def test_equal_weights_share_evenly(units: int, count: int, weight: Decimal) -> None:
    """No line of equal lines gets more than a step above another."""
    parts = money.allocate(money.from_units(units), [weight] * count, 4)
    assert max(parts) - min(parts) <= Decimal("0.0001")


@many
@given(st.integers(0, 10**9), WEIGHTS, st.randoms(use_true_random=False))
def test_the_order_of_lines_moves_no_part_by_more_than_a_step(
    units: int, weights: list[Decimal], chance: object
) -> None:
    """Another order of the lines gives the same sum, and each line its share again."""
    total = money.from_units(units)
    assume(sum(weights) > 0)
    places = sorted(range(len(weights)), key=lambda _: chance.random())  # type: ignore[attr-defined]
    straight = money.allocate(total, weights, 4)
    shuffled = money.allocate(total, [weights[place] for place in places], 4)
    for place, part in zip(places, shuffled, strict=True):
        assert abs(straight[place] - part) <= Decimal("0.0001")


def test_without_weights_the_last_bears_it() -> None:
    """A tax on lines that are worth nothing is not lost."""
    assert money.allocate(Decimal(3), [Decimal(0), Decimal(0)], 2) == [0, 3]


@pytest.mark.parametrize(
    ("total", "weights"),
    [("1", []), ("1", ["1", "-1"]), ("0.001", ["1"])],
)
def test_what_cannot_be_spread_is_refused(total: str, weights: list[str]) -> None:
    """No lines, a negative weight, or an amount finer than the step."""
    with pytest.raises(ValueError, match="cannot spread"):
        money.allocate(Decimal(total), [Decimal(weight) for weight in weights], 2)


@many
@given(st.integers(-(10**12), 10**12), st.integers(1, 999_999), st.integers(0, 4))
def test_a_split_is_even_and_exact(steps: int, parts: int, decimals: int) -> None:
    """At most two amounts, one step apart, for exactly as many parts, with exactly the sum."""
    step = Decimal(1).scaleb(-decimals)
    runs = money.split(steps * step, parts, decimals)
    assert len(runs) in {1, 2}
    assert sum(count for count, _ in runs) == parts
    assert sum(count * amount for count, amount in runs) == steps * step
    assert len(runs) == 1 or runs[1][1] - runs[0][1] == step


@pytest.mark.parametrize(("total", "parts"), [("1", 0), ("0.001", 2)])
def test_what_cannot_be_split_is_refused(total: str, parts: int) -> None:
    """No parts, or an amount finer than the step."""
    with pytest.raises(ValueError, match="cannot split"):
        money.split(Decimal(total), parts, 2)


def test_an_amount_that_no_float_holds_is_read_exactly() -> None:
    """Sixteen digits are more than a float keeps."""
    assert str(money.parse("725217078192.8161")) == "725217078192.8161"
