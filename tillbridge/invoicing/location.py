"""Which store of an order is invoiced. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple


class Fulfilment(NamedTuple):
    """One item that left a facility; the order of the members is the tie-break."""

    completed_at: datetime
    facility: str
    item_seq_id: str


def invoicing_facility(items: Sequence[Fulfilment], location: Literal["first", "last"]) -> str:
    """Choose the facility that completed the first or the last item; ties go by facility, then item."""
    chosen = min(items) if location == "first" else max(items)
    return chosen.facility
