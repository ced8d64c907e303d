"""Money: exact decimals with at most four places, their integer form, and exact allocation.

Nothing here rounds an amount that came from outside: what cannot be held exactly is refused. Floats
are refused everywhere. Amounts of two currencies never meet: the caller keeps one currency per order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

UNITS_PER_ONE = 10_000
"""The database keeps amounts as integers of 1/10,000, the finest amount Retail Pro's (10,4) can hold."""

_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,4}0*)?", re.ASCII)
_LONGEST_NUMBER = 24

# ISO 4217 minor units that are not 2.
_SCALES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}


def parse(value: object) -> Decimal:
    """Read an amount from `str`, `int` or `Decimal`, exactly.

    Raises:
        ValueError: `value` is a float, not a plain decimal number, or finer than 1/10,000. The caller
            reports it against the field the value came from.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError("a plain decimal number")
    text = f"{value:f}" if isinstance(value, Decimal) and value.is_finite() else str(value)
    if len(text) > _LONGEST_NUMBER or not _PLAIN_NUMBER.fullmatch(text):
        raise ValueError("a plain decimal number with at most 12 digits and 4 decimals")
    return _normal(Decimal(text))


def to_units(amount: Decimal) -> int:
    """Give the integer of 1/10,000 that the database keeps.

    Raises:
        ValueError: `amount` is finer than that. `parse` never returns such an amount.
    """
    scaled = amount * UNITS_PER_ONE
    if scaled != int(scaled):
        raise ValueError(f"{amount} is finer than 1/{UNITS_PER_ONE}")
    return int(scaled)


def from_units(units: int) -> Decimal:
    """Give back the amount that `to_units` made an integer of."""
    return _normal(Decimal(units) / UNITS_PER_ONE)


def places(currency: str) -> int:
    """Say how many decimals the currency (ISO 4217 code) has: JPY 0, USD 2, KWD 3."""
    return next((scale for scale, codes in _SCALES.items() if currency in codes.split()), 2)


def show(amount: Decimal, currency: str) -> str:
    """Write an amount for people: the currency's decimals, more where the amount has more."""
    shown = max(places(currency), _decimals(amount))
    return f"{amount:,.{shown}f} {currency}"


def finest(amounts: Sequence[Decimal], currency: str) -> int:
    """Say how many decimals are needed to write all `amounts`, at least the currency's own."""
    return max((places(currency), *(_decimals(amount) for amount in amounts)))


def allocate(total: Decimal, weights: Sequence[Decimal], decimals: int) -> list[Decimal]:
    """Spread `total` over `weights` so that the parts sum to it exactly.

    Each part is a multiple of 10^-`decimals` and within one such step of its true share. Equal
    weights are spread evenly; where all weights are zero the last part takes everything.

    Raises:
        ValueError: there is nothing to spread over, a weight is negative, or `total` is finer than
            `decimals`.
    """
    step = Decimal(1).scaleb(-decimals)
    steps = total / step
    if not weights or any(weight < 0 for weight in weights) or steps != int(steps):
        raise ValueError(f"cannot spread {total} over {list(weights)} in steps of {step}")
    whole = sum(weights, Decimal(0))
    if whole == 0:
        return [Decimal(0)] * (len(weights) - 1) + [total]
    # Rounding the running sum, not each part, keeps every part within a step and the sum exact.
    running = Decimal(0)
    marks = [0]
    for weight in weights:
        running += weight
        marks.append(int(steps) * _integer(running) // _integer(whole))
    return [_normal((high - low) * step) for low, high in pairwise(marks)]


def split(total: Decimal, parts: int, decimals: int) -> list[tuple[int, Decimal]]:
    """Divide `total` into `parts` amounts that differ by at most one step and sum to it exactly.

    Returns runs of (how many, amount): one run where it divides evenly, else two.
    """
    step = Decimal(1).scaleb(-decimals)
    steps = total / step
    if parts < 1 or steps != int(steps):
        raise ValueError(f"cannot split {total} into {parts} parts in steps of {step}")
    low, extra = divmod(int(steps), parts)
    runs = [(parts - extra, _normal(low * step)), (extra, _normal((low + 1) * step))]
    return [run for run in runs if run[0]]


def _integer(weight: Decimal) -> int:
    return int(weight.scaleb(12))


def _decimals(amount: Decimal) -> int:
    exponent = _normal(amount).as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def _normal(amount: Decimal) -> Decimal:
    """Drop trailing zeros and the sign of zero, without an exponent: 40.00 is 40, -0 is 0."""
    text = f"{amount:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return Decimal("0") if text in {"-0", ""} else Decimal(text)
