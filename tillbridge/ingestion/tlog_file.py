"""One TLog file, taken and read: a CustomerOrder, or an array of them as in a daily batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from tillbridge.contracts import json_text
from tillbridge.contracts.customer_order import read_customer_order
from tillbridge.contracts.json_limits import MOST_VALUES_OF_AN_ELEMENT
from tillbridge.contracts.json_text import LARGEST_ELEMENT, Element
from tillbridge.errors import FileRejected, Finding, InternalError, RecordRejected
from tillbridge.handover import edge
from tillbridge.handover.usability import Usability
from tillbridge.ingestion.reading import Reading, Rules, read_transaction

_BLANKS = b" \t\r\n\xef\xbb\xbf"
_MOST_TRANSACTIONS = 100_000
"""In one file. Without a limit, a file of a few megabytes could name more than the memory holds."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction of a file: what was read, or what is wrong with it. Its element has no value."""

    index: int
    element: Element
    read: Reading | RecordRejected


@dataclass(slots=True)
class TLogFile:
    """A file that was claimed and fetched. `arrived_at` is by the server's clock."""

    name: str
    claimed: str
    path: Path
    sha256: str
    size: int
    arrived_at: datetime
    is_array: bool = False
    entries: list[Entry] = field(default_factory=list)
    problem: FileRejected | InternalError | None = None


def read_into(file: TLogFile, rules: Rules) -> None:
    """Read every transaction of the file; what is wrong is kept with it."""
    usability = Usability(file.name)
    try:
        with file.path.open("rb") as stream:
            file.is_array = _starts_with_bracket(stream)
            for index, element in enumerate(_elements(stream, file)):
                if index == _MOST_TRANSACTIONS:
                    raise _rejected(
                        file, f"at most {_MOST_TRANSACTIONS:,} CustomerOrders; part the file"
                    )
                found = _read(element, rules, file.arrived_at, index)
                file.entries.append(Entry(index, Element(None, element.text), found))
                if isinstance(found, RecordRejected):
                    usability.unusable(found)
                else:
                    usability.usable()
            usability.require()
    except (FileRejected, InternalError) as problem:
        file.problem = problem
        file.entries.clear()


def _elements(stream: BinaryIO, file: TLogFile) -> Iterator[Element]:
    if file.is_array:
        yield from json_text.read_array(stream, file.name)
        return
    if file.size > LARGEST_ELEMENT:
        raise _rejected(file, f"a CustomerOrder of at most {LARGEST_ELEMENT:,} bytes")
    data = stream.read()
    if not data.strip(_BLANKS):
        raise _rejected(file, "a CustomerOrder; the file is empty")
    try:
        value = json_text.read(data, MOST_VALUES_OF_AN_ELEMENT)
        yield Element(value, data.decode("utf-8-sig"))
    except ValueError as problem:
        raise _rejected(file, str(problem)) from problem


def _read(
    element: Element, rules: Rules, arrived_at: datetime, index: int
) -> Reading | RecordRejected:
    try:
        with edge.document(f"the record at place {index + 1}"):
            return read_transaction(read_customer_order(element.value), rules, arrived_at)
    except RecordRejected as problem:
        # Without its traceback, which would keep the whole document in memory.
        return problem.with_traceback(None)


def _starts_with_bracket(stream: BinaryIO) -> bool:
    first = b""
    while not first.strip(_BLANKS):
        if not (first := stream.read(64)):
            break
    stream.seek(0)
    return first.lstrip(_BLANKS).startswith(b"[")


def _rejected(file: TLogFile, expected: str) -> FileRejected:
    return FileRejected(file.name, (Finding("", None, expected),))
