"""The pages of Retail Pro's stock query as rows, and an end to them. Which member means what is a setting."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tillbridge import money
from tillbridge.clients.deadline import Deadline
from tillbridge.clients.retail_pro_settings import RetailProSettings
from tillbridge.contracts import json_text
from tillbridge.errors import ConfigurationProblem, Unavailable


@dataclass(frozen=True, slots=True)
class StockRow:
    """What Retail Pro says it has of one article in one store."""

    store: str
    upc: str
    quantity: Decimal


class StockReading(Deadline):
    """One reading of all pages: it ends at a deadline or a most of rows or bytes, and no page counts twice."""

    def __init__(self, settings: RetailProSettings) -> None:
        """Begin; the time runs from now."""
        super().__init__(Deadline.within(settings.stock_deadline).until)
        self._settings = settings
        self._seen: dict[bytes, int] = {}
        self._rows = 0
        self._bytes = 0

    def require_time(self, page: int) -> None:
        """Raise `Unavailable` when the time is up."""
        if self.over:
            raise Unavailable(
                f"reading stock page {page} of Retail Pro: stock_deadline"
                f" ({self._settings.stock_deadline:g} s) is over and there was no empty page yet;"
                " read it again later, or allow more time"
            )

    def rows(self, body: bytes, page: int) -> list[StockRow]:
        """Read the rows of the next page; there are none on the one behind the last.

        Raises:
            Unavailable: the page is not JSON, or the time is up; ask again later.
            ConfigurationProblem: the rows are not where the settings say, or have no end.
        """
        rows = read_page(body, self._settings, page)
        if not rows:
            return rows
        self.require_time(page)
        self._rows += len(rows)
        self._bytes += len(body)
        self._require_room(page)
        first = self._seen.setdefault(hashlib.sha256(repr(rows).encode()).digest(), page)
        if first != page:
            raise ConfigurationProblem(
                f"stock page {page} of Retail Pro equals page {first}:"
                f" {self._settings.stock_path} does not page"
            )
        return rows

    def _require_room(self, page: int) -> None:
        for name, is_passed in (
            ("stock_most_rows", self._rows > self._settings.stock_most_rows),
            ("stock_most_megabytes", self._bytes > self._settings.stock_most_megabytes * 1_000_000),
        ):
            if is_passed:
                raise ConfigurationProblem(
                    f"stock page {page} of Retail Pro passes {name} ({getattr(self._settings, name)}) and"
                    f" there was no empty page yet: see whether {self._settings.stock_path} ends, or raise it"
                )


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
