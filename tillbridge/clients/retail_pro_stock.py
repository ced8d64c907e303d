"""A page of Retail Pro's stock query as rows. Which member means what is a setting."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tillbridge import money
from tillbridge.clients.retail_pro_settings import RetailProSettings
from tillbridge.contracts import json_text
from tillbridge.errors import ConfigurationProblem, Unavailable


@dataclass(frozen=True, slots=True)
class StockRow:
    """What Retail Pro says it has of one article in one store."""

    store: str
    upc: str
    quantity: Decimal


def read_page(body: bytes, settings: RetailProSettings, page: int) -> list[StockRow]:
    """Read all rows of one page.

    Raises:
        Unavailable: the page is not JSON; ask again later.
        ConfigurationProblem: the rows are not where the settings say.
    """
    try:
        document = json_text.read(body)
    except ValueError as error:
        raise Unavailable(f"stock page {page} of Retail Pro is not JSON") from error
    for name in settings.stock_rows_pointer.split("/")[1:]:
        document = document.get(name) if isinstance(document, dict) else None
    if not isinstance(document, list):
        where = settings.stock_rows_pointer or "the page itself"
        raise ConfigurationProblem(
            f"stock page {page} of Retail Pro: {where} is not a list; check stock_rows_pointer"
        )
    return [_row(row, settings, f"stock page {page}, row {n}") for n, row in enumerate(document, 1)]


def _row(row: Any, settings: RetailProSettings, where: str) -> StockRow:
    values = {}
    for setting in ("stock_store_member", "stock_upc_member", "stock_quantity_member"):
        member = getattr(settings, setting)
        value = row.get(member) if isinstance(row, dict) else None
        if not isinstance(value, str | int | Decimal) or value == "":
            raise ConfigurationProblem(f"{where} has no usable {member!r}; check {setting}")
        values[setting] = value
    try:
        quantity = money.parse(values["stock_quantity_member"])
    except ValueError as error:
        raise ConfigurationProblem(
            f"{where}: {settings.stock_quantity_member!r} is not a number; check stock_quantity_member"
        ) from error
    return StockRow(str(values["stock_store_member"]), str(values["stock_upc_member"]), quantity)
