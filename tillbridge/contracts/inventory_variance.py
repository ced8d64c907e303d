"""HotWax's inventory variance: a CSV file of changes to the stock of facilities.

Everything is read as text, headers in any order and case. A row that cannot be used is named with its
number; it comes back in the error file, whose further column `error` is ignored on the way in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from tillbridge import money
from tillbridge.contracts import json_text
from tillbridge.errors import FileRejected, Finding, RecordRejected

if TYPE_CHECKING:
    # Loaded where a file is at hand: it is the largest of all that a run imports, and most see no file.
    import polars as pl

COLUMNS = (
    *("facilityId", "externalFacilityId", "idType", "idValue", "availableDelta"),
    *("locationSeqId", "varianceReasonId", "comments"),
)
REQUIRED = ("idType", "idValue", "availableDelta", "varianceReasonId")
ERROR = "error"

_FIRST_ROW = 2
"""Rows are numbered as a spreadsheet does; the first is the header."""
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class InventoryVariance:
    """One row: a signed change of the stock of one product at one facility, and why."""

    facility_id: str | None
    external_facility_id: str | None
    id_type: str
    id_value: str
    available_delta: Decimal
    location_seq_id: str | None
    variance_reason_id: str
    comments: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in the file: its number, and its cells by the column's HotWax name."""

    number: int
    cells: Mapping[str, str | None]


class VarianceFile:
    """A file of variances, whole in memory."""

    def __init__(self, table: pl.DataFrame, names: Mapping[str, str]) -> None:
        self._table = table
        self._names = names

    def rows(self) -> Iterator[Row]:
        """Yield the rows that are not empty."""
        wanted = self._table.select(self._names.values()).rename(
            {column: name for name, column in self._names.items()}
        )
        for number, cells in enumerate(wanted.iter_rows(named=True), _FIRST_ROW):
            if any(cells.values()):
                yield Row(number, cells)

    def error_csv(self, errors: Mapping[int, str]) -> bytes:
        """Write the rows of these numbers as they came, with the error behind each."""
        import polars as pl  # noqa: PLC0415 - see above

        numbers = sorted(errors)
        rows = self._table[[number - _FIRST_ROW for number in numbers]]
        others = [column for column in rows.columns if column.strip().lower() != ERROR]
        texts = pl.Series(ERROR, [errors[number] for number in numbers], pl.String)
        return rows.select(others).with_columns(texts).write_csv().encode()


def read_file(path: Path, file_name: str) -> VarianceFile:
    """Read a file of variances.

    Raises:
        FileRejected: it is empty, no CSV in UTF-8, lacks a column, or has one twice.
    """
    import polars as pl  # noqa: PLC0415 - see above

    try:
        # has_header would rename a column that is there twice.
        table = pl.read_csv(path, has_header=False, infer_schema=False)
    except pl.exceptions.NoDataError as problem:
        raise _rejected(file_name, "a CSV file with a header; the file is empty") from problem
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as problem:
        raise _rejected(
            file_name, "a CSV file in UTF-8, with as many cells in each row as in its header"
        ) from problem
    header = [(text or "").strip() for text in table.row(0)]
    by_lower_name = {name.lower(): name for name in COLUMNS}
    known = [by_lower_name[name.lower()] for name in header if name.lower() in by_lower_name]
    doubled = [name for name, times in Counter(known).items() if times > 1]
    missing = [name for name in REQUIRED if name not in known]
    if not {"facilityId", "externalFacilityId"} & set(known):
        missing.append("facilityId or externalFacilityId")
    if doubled:
        raise _rejected(file_name, f"each column once; {', '.join(doubled)} is there several times")
    if missing:
        raise _rejected(
            file_name, f"the columns of an inventory variance; {', '.join(missing)} is missing"
        )
    columns = _unlike(header)
    names = {
        by_lower_name[text.lower()]: column
        for text, column in zip(header, columns, strict=True)
        if text.lower() in by_lower_name
    }
    return VarianceFile(
        table.slice(1).rename(dict(zip(table.columns, columns, strict=True))), names
    )


def read_row(row: Row) -> InventoryVariance:
    """Read one row.

    Raises:
        RecordRejected: with every finding; its key is the number of the row.
    """
    cells = {name: _clean(text) for name, text in row.cells.items()}
    found = [
        Finding(f"/{name}", None, "expected a value; the cell is empty")
        for name in REQUIRED
        if cells[name] is None
    ]
    found += [
        Finding(f"/{name}", None, f"expected at most {_LONGEST} characters, and no NUL")
        for name, text in cells.items()
        if text is not None and (len(text) > _LONGEST or "\0" in text)
    ]
    delta = Decimal(0)
    if cells["availableDelta"] is not None:
        try:
            delta = money.parse(cells["availableDelta"])
        except ValueError as problem:
            shown = json_text.shown(cells["availableDelta"])
            found.append(Finding("/availableDelta", shown, f"expected {problem}"))
    if found:
        raise RecordRejected(f"row {row.number}", tuple(found))
    return InventoryVariance(
        facility_id=cells.get("facilityId"),
        external_facility_id=cells.get("externalFacilityId"),
        id_type=cells["idType"] or "",
        id_value=cells["idValue"] or "",
        available_delta=delta,
        location_seq_id=cells.get("locationSeqId"),
        variance_reason_id=cells["varianceReasonId"] or "",
        comments=cells.get("comments"),
    )


def _clean(text: str | None) -> str | None:
    return (text.strip() or None) if text is not None else None


def _unlike(header: list[str]) -> list[str]:
    """Give every column a name of its own; those that we do not know may be empty or alike."""
    names: list[str] = []
    for text in header:
        name = text
        while name in names:
            name += "_"
        names.append(name)
    return names


def _rejected(file_name: str, expected: str) -> FileRejected:
    return FileRejected(file_name, (Finding("", None, f"expected {expected}"),))
