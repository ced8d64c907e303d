"""What the receiver has to know of a TLog: which order it is, whether it came before, what it is called.

It checks no more than that. A till does not send again what was refused, so whatever can be kept is
kept, and `ingest-tlogs` judges it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tillbridge import harmless
from tillbridge.contracts import json_text
from tillbridge.contracts.json_text import Unreadable
from tillbridge.errors import FileRejected, Finding, RecordRejected

LONGEST_ORDER_ID = 60
LONGEST_NUMBER = 24
LISTS = ("orderProductList", "returnProductList")

_MOST_FINDINGS = 20
_LONGEST_POINTER = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """How deep, long and wide a document may be."""

    deepest: int
    most_lines: int
    longest_text: int


@dataclass(frozen=True, slots=True)
class TillDocument:
    """A TLog as it came, and what tells it from others.

    `identity` stands for the client, the order and its revision; `canonical_sha256` for the content,
    however it is spelt; `body_sha256` for the bytes. `order_id` is made harmless, for people.
    """

    client: str
    order_id: str
    identity: str
    revision: str
    body: bytes
    body_sha256: str
    canonical_sha256: str

    def file_name(self, first_received_at: datetime) -> str:
        """Give the name of its file. No character of it comes from the document."""
        return (
            f"tlog_{first_received_at:%Y%m%d}_{self.client}_{self.identity[:16]}_"
            f"{self.body_sha256[:8]}.json"
        )


def read(client: str, body: bytes, limits: Limits) -> TillDocument:
    """Read what `client` posted.

    The revision tells a return from the sale: both have the same `orderId`, and only the return has
    lines in `returnProductList`.

    Raises:
        FileRejected: it is not JSON.
        RecordRejected: it is no TLog, or goes beyond the limits; with every place, and no value.
    """
    try:
        value = json_text.read(body)
    except ValueError as problem:
        raise FileRejected("The body", (Finding("", None, str(problem)),)) from problem
    if not isinstance(value, dict):
        raise RecordRejected("The body", (Finding("", None, "a JSON object"),))
    unreadable: list[Unreadable] = []
    findings = [*_missing(value, limits), *_beyond(value, limits, unreadable)]
    if findings:
        raise RecordRejected("The body", tuple(findings[:_MOST_FINDINGS]))
    returned = value.get("returnProductList")
    revision = _sha256(_canonical(returned)) if returned else ""
    body_sha256 = hashlib.sha256(body).hexdigest()
    return TillDocument(
        client=client,
        order_id=harmless.line(value["orderId"], LONGEST_ORDER_ID),
        identity=_sha256([client, value["orderId"], revision]),
        revision=revision,
        body=body,
        body_sha256=body_sha256,
        # What cannot be read exactly cannot be compared but by its bytes.
        canonical_sha256=body_sha256 if unreadable else _sha256(_canonical(value)),
    )


def _missing(value: dict[str, Any], limits: Limits) -> Iterator[Finding]:
    order_id = value.get("orderId")
    if not isinstance(order_id, str) or not 1 <= len(order_id) <= LONGEST_ORDER_ID:
        yield Finding("/orderId", None, f"a text of 1 to {LONGEST_ORDER_ID} characters")
    for name in ("storeId", "orderDate"):
        member = value.get(name)
        if member == "" or isinstance(member, bool) or not _is_plain(member):
            yield Finding(f"/{name}", None, "a text or a number")
    for name in LISTS:
        lines = value.get(name)
        if lines is not None and not isinstance(lines, list):
            yield Finding(f"/{name}", None, "a list of lines")
        elif lines and len(lines) > limits.most_lines:
            yield Finding(f"/{name}", None, f"at most {limits.most_lines} lines")


def _is_plain(member: Any) -> bool:
    is_number = isinstance(member, Unreadable) and member.text[:1] in tuple("-0123456789")
    return is_number or isinstance(member, str | int | Decimal)


def _beyond(value: Any, limits: Limits, unreadable: list[Unreadable]) -> Iterator[Finding]:
    """Yield what goes beyond the limits, and collect what cannot be read exactly."""
    level: list[tuple[str, str, Any]] = [("", "", value)]
    depth = 0
    while level:
        depth += 1
        below: list[tuple[str, str, Any]] = []
        for path, name, member in level:
            if isinstance(member, dict | list) and depth > limits.deepest:
                yield _finding(path, f"nested at most {limits.deepest} deep")
                return
            if isinstance(member, dict):
                for key, inner in member.items():
                    if len(key) > limits.longest_text:
                        yield _finding(path, f"names of at most {limits.longest_text} characters")
                    below.append((path + json_text.pointer(key), key, inner))
            elif isinstance(member, list):
                below += [(f"{path}/{at}", "", inner) for at, inner in enumerate(member)]
            elif isinstance(member, str) and len(member) > limits.longest_text:
                yield _finding(path, f"at most {limits.longest_text} characters")
            elif isinstance(member, Unreadable):
                unreadable.append(member)
                # A member that stands twice carries its own name as its text.
                if member.text != name and len(member.text) > LONGEST_NUMBER:
                    yield _finding(path, f"a number of at most {LONGEST_NUMBER} characters")
        level = below


def _finding(path: str, expected: str) -> Finding:
    return Finding(harmless.line(path, _LONGEST_POINTER), None, expected)


def _canonical(value: Any) -> Any:
    """Give the same value with the members of objects in one order."""
    if isinstance(value, dict):
        return {key: _canonical(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_canonical(inner) for inner in value]
    if isinstance(value, Unreadable):
        return [value.why, value.text]
    return value


def _sha256(value: Any) -> str:
    return hashlib.sha256(json_text.write(value)).hexdigest()
