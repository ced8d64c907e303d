"""What may be done about an order whose outcome is unknown, as the endpoint's capability allows. Pure.

L0 parks it. L1 looks it up, and parks it when no invoice is found. L2 also sends it again when it is
provably absent. L3 sends the same bytes again with the same key. See `docs/concepts/never-twice.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from tillbridge.contracts.invoice_lookup import FoundInvoice
from tillbridge.counting import counted

Level = Literal["L0", "L1", "L2", "L3"]

MOST_DOUBTS = 3
"""After so many sendings without a proof an order is left to a person."""

LONGEST_DOUBT = timedelta(hours=24)
"""An order that could not be looked up for so long is left to a person."""


@dataclass(frozen=True, slots=True)
class DoubtPolicy:
    """The level of an endpoint, and how long its doubts take to clear."""

    level: Level = "L0"
    quiet: timedelta = timedelta(minutes=15)
    absent: timedelta = timedelta(minutes=5)
    key_life: timedelta = timedelta(hours=24)

    @property
    def looks_up(self) -> bool:
        """Whether an order in doubt is looked up."""
        return self.level in {"L1", "L2"}

    @property
    def has_key(self) -> bool:
        """Whether requests carry a key under which the server books once."""
        return self.level == "L3"


@dataclass(frozen=True, slots=True)
class LookUp:
    """What a look-up says about an order: its invoice is there, another is there, none is, or nothing."""

    result: Literal["same", "different", "absent", "impossible"]
    reference: str | None = None
    difference: str = ""


def judge_look_up(found: Sequence[FoundInvoice], total: Decimal, line_count: int) -> LookUp:
    """Compare the invoices under an order's number with what was sent; amount and lines must agree."""
    if not found:
        return LookUp("absent")
    if len(found) > 1:
        return LookUp(
            "different",
            found[0].reference,
            f"{counted(len(found), 'invoice has', 'invoices have')} this number",
        )
    (one,) = found
    if one.total != total:
        difference = f"its total is {one.total}, and {total} was sent"
    elif one.line_count != line_count:
        has = (
            "lines that are not said" if one.line_count is None else counted(one.line_count, "line")
        )
        difference = f"it has {has}, and {line_count} were sent"
    else:
        return LookUp("same", one.reference)
    return LookUp("different", one.reference, difference)
