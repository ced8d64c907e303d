"""Reading and writing JSON without losing a digit, a duplicate key or a byte.

The standard parser accepts NaN, keeps the last of two equal keys, turns numbers into floats and takes
UTF-16 for granted. Here a value that cannot be trusted becomes an `Unreadable`, so that the contract
that meets it says which field it is, and one bad order does not cost its whole file.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, BinaryIO

import simplejson

from tillbridge import money
from tillbridge.contracts.json_limits import (
    DEEPEST,
    MOST_VALUES_OF_AN_ELEMENT,
    STEPS,
    STRUCTURE,
    TooManyValues,
    require_few_values,
)
from tillbridge.errors import FileRejected, Finding

LARGEST_ELEMENT = 8 * 1024 * 1024
"""Characters of one array element. An order of 1,000 lines with every null written out is under 2 MiB."""

_CHUNK = 1024 * 1024
_LONGEST_SHOWN = 200
_HALF_CHARACTERS = "backslashreplace"
"""Half of a surrogate pair goes back to the `\\ud800` it came from, which is how JSON writes it."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands where a JSON value was that no contract may use; `why` completes "expected ..."."""

    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Element:
    """One element of an array: its value, and its text exactly as it stood in the file."""

    value: Any
    text: str


def _number(text: str) -> Decimal | Unreadable:
    try:
        return money.parse(text)
    except ValueError as problem:
        return Unreadable(text, str(problem))


def _integer(text: str) -> int | Unreadable:
    return int(text) if len(text) <= 20 else Unreadable(text, "a number of at most 20 digits")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                members[key] = Unreadable(key, "this member once, it stands here several times")
            seen.add(key)
    return members


_DECODER = json.JSONDecoder(
    parse_float=_number,
    parse_int=_integer,
    parse_constant=lambda text: Unreadable(text, "a number"),
    object_pairs_hook=_members,
)


def read(data: bytes, most_values: int | None = None) -> Any:
    """Read one whole JSON document.

    Numbers with a fraction become `Decimal`; what cannot be trusted becomes `Unreadable`.

    Raises:
        TooManyValues: it holds more than `most_values`; nothing was built of it.
        ValueError: not UTF-8, or not JSON. The text says where and is fit for people.
    """
    try:
        text = data.decode("utf-8-sig")
        if most_values is not None:
            require_few_values(text, most_values)
        return _checked_depth(_DECODER.decode(text))
    except UnicodeDecodeError as problem:
        raise ValueError(f"UTF-8 text; byte {problem.start} is not") from problem
    except json.JSONDecodeError as problem:
        raise ValueError(
            f"JSON; {problem.msg} at line {problem.lineno} column {problem.colno}"
        ) from problem
    except RecursionError as problem:
        raise ValueError(f"JSON nested at most {DEEPEST} deep") from problem


def read_array(
    stream: BinaryIO, file_name: str, most_values: int = MOST_VALUES_OF_AN_ELEMENT
) -> Iterator[Element]:
    """Yield the elements of the JSON array in `stream` one at a time, in memory of one element.

    An element that holds more than `most_values` is an `Unreadable`.

    Raises:
        FileRejected: the file is empty, not UTF-8, not JSON, not an array, or ends before the array
            does. Elements before the fault have been yielded by then: have no effect before the end.
    """
    text = _Text(stream, file_name)
    if (first := text.peek()) != "[":
        raise text.rejected(
            "a JSON array of orders" if first else "a JSON array; the file is empty"
        )
    text.skip(1)
    if text.peek() == "]":
        text.skip(1)
    else:
        while True:
            element = text.element()
            yield _bounded(element, most_values)
            separator = text.peek()
            text.skip(1)
            if separator == "]":
                break
            if separator != ",":
                raise text.rejected("',' or ']' after an array element")
    if text.peek():
        raise text.rejected("nothing after the end of the array")


def write(document: Any) -> bytes:
    """Write compact UTF-8 JSON; a `Decimal` keeps every digit and is never written as a float."""
    text: str = simplejson.dumps(
        document, use_decimal=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )
    return text.encode(errors=_HALF_CHARACTERS)


def write_canonical(document: Any) -> bytes:
    """Write what `read` gave so that the same content is the same bytes, however it was spelt."""
    text: str = simplejson.dumps(
        document,
        use_decimal=True,
        ensure_ascii=False,
        separators=(",", ":"),
        allow_nan=False,
        sort_keys=True,
        default=lambda unreadable: [unreadable.why, unreadable.text],
    )
    return text.encode(errors=_HALF_CHARACTERS)


def write_readable(document: Any) -> bytes:
    """Write JSON for a person to read, indented; otherwise as `write`."""
    text: str = simplejson.dumps(
        document, use_decimal=True, ensure_ascii=False, indent=2, allow_nan=False
    )
    return text.encode(errors=_HALF_CHARACTERS) + b"\n"


def shown(value: object) -> str | None:
    """Give a value of a document as the text of a finding; None for nothing and for a whole structure."""
    if isinstance(value, Unreadable):
        return value.text[:_LONGEST_SHOWN]
    if value is None or isinstance(value, dict | list | tuple):
        return None
    return str(value)[:_LONGEST_SHOWN]


def pointer(*parts: object) -> str:
    """Join member names and indexes to an RFC 6901 JSON pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _checked_depth(value: Any) -> Any:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return value
    raise RecursionError


def _shallow(value: Any, text: str) -> Any:
    try:
        return _checked_depth(value)
    except RecursionError:
        return _too_deep(text)


def _bounded(element: Element, most_values: int) -> Element:
    if isinstance(element.value, Unreadable):
        return element  # too deep to be counted
    try:
        require_few_values(element.text, most_values)
    except TooManyValues as problem:
        return Element(Unreadable(element.text[:_LONGEST_SHOWN], str(problem)), element.text)
    return element


def _too_deep(text: str) -> Unreadable:
    return Unreadable(text[:_LONGEST_SHOWN], f"JSON nested at most {DEEPEST} deep")


class _Text:
    """A window over the decoded text of a stream that knows where it stands."""

    def __init__(self, stream: BinaryIO, file_name: str) -> None:
        self._stream = stream
        self._file_name = file_name
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._buffer = ""
        self._at = 0
        self._bytes_read = 0
        self._lines_before = 0
        self._ended = False

    def peek(self) -> str:
        """Give the next character that is not white space, '' at the end."""
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._fill():
                return ""

    def skip(self, count: int) -> None:
        self._at += count

    def element(self) -> Element:
        if not self.peek():
            raise self.rejected("another array element; the file ends in the middle")
        while True:
            try:
                value, end = _DECODER.raw_decode(self._buffer, self._at)
                # A number at the end of the window may go on in the next one.
                if end < len(self._buffer) or not self._fill():
                    text = self._buffer[self._at : end]
                    self._at = end
                    return Element(_shallow(value, text), text)
            except json.JSONDecodeError as problem:
                if len(self._buffer) - self._at > LARGEST_ELEMENT:
                    raise self.rejected(
                        f"an array element under {LARGEST_ELEMENT} characters, or valid JSON"
                    ) from problem
                if not self._fill():
                    self._at = min(problem.pos, len(self._buffer))
                    ending = (
                        "; the file ends in the middle" if self._at == len(self._buffer) else ""
                    )
                    raise self.rejected(f"valid JSON ({problem.msg}{ending})") from problem
            except RecursionError:
                return self._stepped_over()

    def _stepped_over(self) -> Element:
        """Go by the brackets to the end of an element that is too deep for the parser."""
        while True:
            depth = 0
            for found in STRUCTURE.finditer(self._buffer, self._at):
                depth += STEPS.get(found.group(), 0)
                if depth == 0:
                    text = self._buffer[self._at : found.end()]
                    self._at = found.end()
                    return Element(_too_deep(text), text)
            if len(self._buffer) - self._at > LARGEST_ELEMENT or not self._fill():
                raise self.rejected(f"JSON nested at most {DEEPEST} deep")

    def rejected(self, expected: str) -> FileRejected:
        line = self._lines_before + self._buffer.count("\n", 0, self._at) + 1
        return FileRejected(self._file_name, (Finding("", None, f"{expected}, at line {line}"),))

    def _fill(self) -> bool:
        """Drop what is read, take one more chunk (more for a long element); False at the end."""
        if self._ended:
            return False
        self._lines_before += self._buffer.count("\n", 0, self._at)
        self._buffer = self._buffer[self._at :]
        self._at = 0
        chunk = self._stream.read(max(_CHUNK, len(self._buffer)))
        self._ended = not chunk
        try:
            self._buffer += self._decoder.decode(chunk, final=self._ended)
        except UnicodeDecodeError as problem:
            raise FileRejected(
                self._file_name,
                (
                    Finding(
                        "",
                        None,
                        f"UTF-8 text; a byte near {self._bytes_read + problem.start} is not. "
                        "Export the file as UTF-8",
                    ),
                ),
            ) from problem
        self._bytes_read += len(chunk)
        return bool(chunk)
