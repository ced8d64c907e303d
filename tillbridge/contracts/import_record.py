"""What HotWax's import files have in common: records with several names for a member, and their mending.

A record that failed comes back in the error file as `{"json": {record, "error": "..."}}`. Such a file can
be mended and dropped again, so the wrapping and `error` are ignored on the way in.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    model_validator,
)

from tillbridge.contracts import json_text
from tillbridge.contracts.members import Amount, Document, Text
from tillbridge.errors import Finding, RecordRejected

_HEAD = "name, channel, currency or store"
_WRAPPING = {"json", "error"}
_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d", re.ASCII)


def _storable(value: str) -> str:
    if "\0" in value:
        raise ValueError("text without NUL characters; no database keeps them")
    return value


def _written_moment(value: object) -> object:
    # A bare number may be seconds or milliseconds, and nobody can tell which.
    if isinstance(value, str) and _DATE_AND_TIME.match(value):
        return value
    raise ValueError("a date and time with its zone, such as 2026-11-22T10:15:00-06:00")


def _positive(value: Any) -> Any:
    if value <= 0:
        raise ValueError("a quantity above 0")
    return value


def _not_negative(value: Any) -> Any:
    if value < 0:
        raise ValueError("a price of 0 or more")
    return value


def _not_empty(value: tuple[Any, ...]) -> tuple[Any, ...]:
    if not value:
        raise ValueError("at least one, the array is empty")
    return value


def _currency(value: str) -> str:
    if not re.fullmatch("[A-Z]{3}", value, re.ASCII):
        raise ValueError("a currency as its ISO 4217 code, such as USD")
    return value


def at_most(length: int) -> AfterValidator:
    """Refuse longer texts; nothing is ever cut."""

    def check(value: str) -> str:
        if len(value) > length:
            raise ValueError(f"at most {length} characters, here are {len(value)}")
        return value

    return AfterValidator(check)


NotEmpty = AfterValidator(_not_empty)
StoredText = Annotated[Text, AfterValidator(_storable)]
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_written_moment),
    AfterValidator(lambda value: value.astimezone(UTC)),
]
Quantity = Annotated[Amount, AfterValidator(_positive)]
Price = Annotated[Amount, AfterValidator(_not_negative)]
Currency = Annotated[StoredText, AfterValidator(_currency)]


class ImportDocument(Document):
    """A JSON object of an import file.

    `other_names` gives the name used here by the others that HotWax takes for a member. What is not
    named is not kept: the order store has no place for it.
    """

    model_config = ConfigDict(extra="ignore")
    other_names: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _one_name_each(cls, members: Any) -> Any:
        if not isinstance(members, dict):
            return members
        # HotWax writes null for what it does not know, also where a default stands in.
        renamed = {name: value for name, value in members.items() if value is not None}
        for other in cls.other_names.keys() & renamed.keys():
            name, value = cls.other_names[other], renamed.pop(other)
            if renamed.get(name, value) != value:
                raise ValueError(
                    f"{name} and {other}, which mean the same, to be the same; leave one out"
                )
            renamed[name] = value
        return renamed


class Adjustment(ImportDocument):
    """A signed amount on an order, a return or an item; discounts are negative."""

    other_names: ClassVar[Mapping[str, str]] = {
        "orderAdjustmentTypeId": "type",
        "returnAdjustmentTypeId": "type",
    }

    type: StoredText
    amount: Amount
    order_item_seq_id: StoredText | None = None
    set_ship_group: StoredText | None = None


class PaymentPreference(ImportDocument):
    """How a part of an order was paid, or of a return paid back."""

    payment_method_type_id: StoredText
    status_id: StoredText
    max_amount: Amount


def part_marks(document: ImportDocument, parts: Mapping[str, str]) -> dict[str, str]:
    """Give a mark of each part of a record, for saying later what differs in another one.

    `parts` is what people call the members; the others are together the head of the record.
    Marks hold no readable data, and are the same for the same content under other names or spellings.
    """
    texts: dict[str, list[Any]] = {}
    for name, member in document.model_dump(mode="json", exclude_none=True).items():
        texts.setdefault(parts.get(name, _HEAD), []).append([name, member])
    return {
        part: hashlib.sha256(json_text.write(members)).hexdigest()[:16]
        for part, members in sorted(texts.items())
    }


def unwrapped(value: Any) -> Any:
    """Give the record itself, also where it comes out of an error file."""
    if isinstance(value, Mapping) and "json" in value and value.keys() <= _WRAPPING:
        return value["json"]
    return value


def failed_record(value: Any, error: str) -> bytes:
    """Write a record for the error file: as it was, with the reason, ready to be mended."""
    record = unwrapped(value)
    members = record if isinstance(record, Mapping) else {"record": record}
    return json_text.write({"json": {**_readable(members), "error": error}})


def key_of(value: Any, member: str, index: int) -> str:
    """Name a record by its key where one can be read, else by its place, counted from 1."""
    key = value.get(member) if isinstance(value, Mapping) else None
    return str(key)[:60] if isinstance(key, str | int) else f"the record at place {index + 1}"


def sentence(problem: RecordRejected) -> str:
    """Say in one text what is wrong; it holds no value of the record."""
    return "; ".join(map(_with_place, problem.findings))


def _with_place(found: Finding) -> str:
    return f"{found.pointer}: {found.expected}" if found.pointer else found.expected


def _readable(value: Any) -> Any:
    """Give back as text what could not be read; what stood there exactly is in the archived file."""
    match value:
        case json_text.Unreadable(text=text):
            return text
        case Mapping():
            return {name: _readable(member) for name, member in value.items()}
        case list():
            return [_readable(member) for member in value]
        case _:
            return value
