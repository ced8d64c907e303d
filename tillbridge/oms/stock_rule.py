"""How far stock goes down: to zero, never below. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken of a stock, and what was wanted but not there."""

    quantity: Decimal
    short: Decimal


def take(on_hand: Decimal, wanted: Decimal) -> Taken:
    """Take what is wanted, down to zero at most."""
    quantity = min(wanted, max(on_hand, Decimal(0)))
    return Taken(quantity, wanted - quantity)
