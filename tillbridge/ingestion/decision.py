"""The decision table: is a line carried out of the store, shipped, or picked up? Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tillbridge.profile import LineRule
from tillbridge.profile.tills import Treatment

_ANY = "*"


def treatment(
    omni_fulfillment_type: str | None,
    fulfillment_type: str | None,
    order_status: str | None,
    table: Sequence[LineRule],
) -> Treatment:
    """Give what the first fitting row says; `quarantine` where none fits.

    Capitals do not matter, and an empty text counts as none.
    """
    for row in table:
        if (
            _fits(row.omni_fulfillment_type, omni_fulfillment_type)
            and _fits(row.fulfillment_type, fulfillment_type)
            and _fits(row.order_status, order_status)
        ):
            return row.treat_as
    return "quarantine"


def _fits(wanted: str | None, found: str | None) -> bool:
    return wanted == _ANY or (wanted or "").casefold() == (found or "").strip().casefold()
