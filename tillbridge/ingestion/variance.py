"""Till lines as rows of HotWax's inventory variance, where the OMS is not order master. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from tillbridge import harmless
from tillbridge.contracts.inventory_variance import COLUMNS
from tillbridge.ingestion.transaction import LineItem, RetailTransaction
from tillbridge.profile import TillSettings

_LONGEST_COMMENT = 200


def variance_row(
    made: RetailTransaction, line: LineItem, *, is_return: bool, settings: TillSettings
) -> dict[str, str]:
    """Give the row of one line: what was sold leaves the store's stock, what came back enters it."""
    delta: Decimal = line.quantity if is_return else -line.quantity
    what = "return" if is_return else "sale"
    comment = f"{what} {made.transaction_id} line {line.key} {made.business_day_date:%Y-%m-%d}"
    return {
        "facilityId": "",
        "externalFacilityId": made.store,
        "idType": line.item.type_id,
        "idValue": line.item.value,
        "availableDelta": f"{delta:f}",
        "locationSeqId": settings.location_seq_id,
        "varianceReasonId": settings.variance_reason,
        "comments": harmless.line(comment, _LONGEST_COMMENT),
    }


def variance_csv(rows: Iterable[Mapping[str, str]]) -> bytes:
    """Write rows as the CSV that HotWax's import takes."""
    import polars as pl  # noqa: PLC0415 - takes long, and most runs write no variance

    table = pl.DataFrame(list(rows), schema=dict.fromkeys(COLUMNS, pl.String))
    return table.with_columns(pl.all().replace("", None)).write_csv().encode()
