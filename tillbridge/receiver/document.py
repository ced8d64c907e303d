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
from itertools import chain, islice
from typing import Any

from tillbridge import harmless
from tillbridge.contracts import json_text
from tillbridge.contracts.json_limits import LONGEST_NAME, TooManyValues
from tillbridge.contracts.json_text import Unreadable
from tillbridge.errors import MOST_FINDINGS, FileRejected, Finding, RecordRejected
from tillbridge.receiver.settings import ReceiverSettings

LONGEST_ORDER_ID = 60
LONGEST_NUMBER = 24
LISTS = ("orderProductList", "returnProductList")

_LONGEST_POINTER = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """How deep, long and wide a document may be."""

    deepest: int
    most_lines: int
    longest_text: int
    most_values: int

    @classmethod
    def of(cls, settings: ReceiverSettings) -> Limits:
        """Take them from the settings."""
        return cls(
            settings.deepest, settings.most_lines, settings.longest_text, settings.most_values
        )


@dataclass(frozen=True, slots=True)
class TillDocument:
    """A TLog as it came, and what tells it from others.

    `identity` stands for the client, the order and its revision; `canonical_sha256` for the content,
    however it is spelt; `body_sha256` for the bytes. `order_id` is made harmless, for people.
    `store` is its storeId as text.
    """

    client: str
    store: str
    order_id: str
    exact_order_id: str
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
        value = json_text.read(body, limits.most_values)
    except TooManyValues as problem:
        raise RecordRejected("The body", (Finding("", None, str(problem)),)) from problem
    except ValueError as problem:
        raise FileRejected("The body", (Finding("", None, str(problem)),)) from problem
    if not isinstance(value, dict):
        raise RecordRejected("The body", (Finding("", None, "a JSON object"),))
    walk = _Walk(limits)
    findings = tuple(islice(chain(_missing(value, limits), walk.beyond(value)), MOST_FINDINGS))
    if findings:
        raise RecordRejected("The body", findings)
    returned = value.get("returnProductList")
    revision = _sha256(returned) if returned else ""
    body_sha256 = hashlib.sha256(body).hexdigest()
    return TillDocument(
        client=client,
        store=_text(value["storeId"]),
        order_id=harmless.line(value["orderId"], LONGEST_ORDER_ID),
        identity=identity(client, value["orderId"], revision),
        exact_order_id=value["orderId"],
        revision=revision,
        body=body,
        body_sha256=body_sha256,
        # What cannot be read exactly cannot be compared but by its bytes.
        canonical_sha256=_sha256(value) if walk.is_exact else body_sha256,
    )


def identity(client: str, order_id: str, revision: str = "") -> str:
    """Return what an order's revision of a client is known by; without a revision, its sale."""
    return _sha256([client, order_id, revision])


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


def _text(store: Any) -> str:
    return store.text if isinstance(store, Unreadable) else str(store)


class _Walk:
    """A look at every value of a document, in memory of its depth."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._names: list[Any] = []
        self.is_exact = True
        """Whether each value met so far could be read exactly."""

    def beyond(self, value: Any) -> Iterator[Finding]:
        """Yield what goes beyond the limits. A place is spelt out only where there is something to say."""
        open_members = [_members(value)]
        while open_members:
            if len(open_members) > self._limits.deepest:
                yield self._finding(f"nested at most {self._limits.deepest} deep")
                return
            found = next(open_members[-1], None)
            if found is None:
                open_members.pop()
                del self._names[-1:]
                continue
            name, member = found
            if isinstance(name, str) and len(name) > LONGEST_NAME:
                yield self._finding(f"names of at most {LONGEST_NAME} characters")
            self._names.append(name)
            if isinstance(member, dict | list):
                open_members.append(_members(member))
            else:
                yield from self._plain(name, member)
                self._names.pop()

    def _plain(self, name: object, member: Any) -> Iterator[Finding]:
        if isinstance(member, str) and len(member) > self._limits.longest_text:
            yield self._finding(f"at most {self._limits.longest_text} characters")
        elif isinstance(member, Unreadable):
            self.is_exact = False
            # A member that stands twice carries its own name as its text.
            if member.text != name and len(member.text) > LONGEST_NUMBER:
                yield self._finding(f"a number of at most {LONGEST_NUMBER} characters")

    def _finding(self, expected: str) -> Finding:
        place = harmless.line(json_text.pointer(*self._names), _LONGEST_POINTER)
        return Finding(place, None, expected)


def _members(value: dict[str, Any] | list[Any]) -> Iterator[tuple[Any, Any]]:
    return iter(value.items()) if isinstance(value, dict) else enumerate(value)


def _sha256(value: Any) -> str:
    return hashlib.sha256(json_text.write_canonical(value)).hexdigest()
