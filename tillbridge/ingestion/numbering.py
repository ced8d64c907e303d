"""Which register made a sale, and which number in its row it has. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from tillbridge.profile import SequenceRule

_LARGEST = 2**53


def place_of(order_id: str, rule: SequenceRule) -> tuple[str, int] | None:
    """Give the register and the number that an order id names; None where it names none."""
    found = _compiled(rule.pattern).search(order_id)
    if not found or not found["number"].isdecimal():
        return None
    number = int(found["number"])
    return (found["register"] or "", number) if number < _LARGEST else None


def missing_numbers(seen: Iterable[int], longest_gap: int) -> list[range]:
    """Give the runs of numbers that are missing between the smallest and the largest seen.

    A run longer than `longest_gap` is no gap: the register started anew.
    """
    gaps: list[range] = []
    before: int | None = None
    for number in sorted(set(seen)):
        if before is not None and 1 < number - before <= longest_gap + 1:
            gaps.append(range(before + 1, number))
        before = number
    return gaps


@lru_cache(maxsize=8)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
