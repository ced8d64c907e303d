"""What the members of JSON documents at the border have in common: amounts, texts, ids, and findings.

HotWax and PredictSpring both write members in camelCase, leave out or null what they do not know, and add
members without notice; what a contract does not name is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from tillbridge import money
from tillbridge.contracts import json_text
from tillbridge.errors import Finding

_MOST_SPELT_OUT = 2_000
"""Spelling a finding out costs a hundred times what its value took in the document."""

LONGEST_KEY = 60
"""What the database can hold of an id; HotWax's own are 20 characters at most."""


def _amount(value: object) -> Decimal:
    if isinstance(value, json_text.Unreadable):
        raise ValueError(f"{value.why}, found {value.text[:40]!r}")
    return money.parse(value)


def _key(value: object) -> object:
    # HotWax's ids are strings, but exports that passed a spreadsheet send them as numbers.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _clean_key(value: str) -> str:
    if not value or value != value.strip() or not value.isprintable() or len(value) > LONGEST_KEY:
        raise ValueError(
            f"an id of at most {LONGEST_KEY} characters, without spaces at its ends and without "
            "control characters"
        )
    return value


def _whole_text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as problem:
        raise ValueError("text of whole characters, half of a surrogate pair is none") from problem
    return value


def at_most(most: int) -> Callable[[object], object]:
    """Refuse a longer list before any of it is looked at; pydantic would look at all of it first."""

    def check(value: object) -> object:
        if isinstance(value, list | tuple) and len(value) > most:
            raise ValueError(f"at most {most:,} in this list, here are {len(value):,}")
        return value

    return check


T = TypeVar("T")
Few = Annotated[tuple[T, ...], BeforeValidator(at_most(1_000))]
"""A list of what a document has some of."""
Lines = Annotated[tuple[T, ...], BeforeValidator(at_most(25_000))]
"""A list of an order's lines: the largest that was seen had hundreds."""

Amount = Annotated[Decimal, BeforeValidator(_amount)]
Text = Annotated[str, BeforeValidator(_key), AfterValidator(_whole_text)]
Key = Annotated[str, BeforeValidator(_key), AfterValidator(_clean_key)]


class Document(BaseModel):
    """A JSON object; members that are not named are kept."""

    model_config = ConfigDict(
        extra="allow", alias_generator=to_camel, populate_by_name=True, frozen=True
    )


def findings(problem: ValidationError) -> tuple[Finding, ...]:
    """Give everything that is wrong with a document, each with its place and what was expected."""
    if flood := too_many(problem):
        return (flood,)
    return tuple(
        Finding(
            json_text.pointer(*error["loc"]),
            json_text.shown(error["input"]),
            _expectation(error),
        )
        for error in problem.errors(include_url=False)
    )


def too_many(problem: ValidationError) -> Finding | None:
    """Give the one finding of a document that is wrong in so many places that nobody wants them named."""
    wrong = problem.error_count()
    if wrong <= _MOST_SPELT_OUT:
        return None
    return Finding("", None, f"expected a document of this kind; {wrong:,} of its values are wrong")


_SHAPES = {"tuple_type": "a list", "model_type": "an object", "model_attributes_type": "an object"}


def _expectation(error: Mapping[str, Any]) -> str:
    if isinstance(error["input"], json_text.Unreadable):
        return f"expected {error['input'].why}"
    if error["type"] == "missing":
        return "expected a value; the member is missing"
    if error["type"] == "value_error":
        return f"expected {error['ctx']['error']}"
    if error["type"] in _SHAPES:
        return f"expected {_SHAPES[error['type']]}"
    message: str = error["msg"]
    return message[0].lower() + message[1:]
