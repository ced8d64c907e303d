"""What tells one TLog from another."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import simplejson
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures_receiver import sale
from tillbridge.receiver import document
from tillbridge.receiver.document import Limits, TillDocument

LIMITS = Limits(deepest=32, most_lines=1000, longest_text=4096, most_values=50_000)

plain = (
    st.none()
    | st.booleans()
    | st.text(max_size=20)
    | st.integers(-(10**9), 10**9)
    | st.decimals(-(10**6), 10**6, places=2).map(lambda number: number + 0)  # no -0
)
members = st.dictionaries(
    st.text(max_size=8),
    st.recursive(
        plain,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=5,
)


def read(value: dict[str, Any], client: str = "till", **style: Any) -> TillDocument:
    return document.read(
        client, simplejson.dumps(value, use_decimal=True, **style).encode(), LIMITS
    )


def shuffled(value: Any, random: Any) -> Any:
    """Give the same value with its members in another order, and its numbers spelt otherwise."""
    match value:
        case dict():
            names = list(value)
            random.shuffle(names)
            return {name: shuffled(value[name], random) for name in names}
        case list():
            return [shuffled(inner, random) for inner in value]
        case Decimal():
            return Decimal(f"{value:.4f}")
        case _:
            return value


@given(members, st.randoms(use_true_random=False))
def test_the_same_content_has_one_hash(extra: dict[str, Any], random: Any) -> None:
    """However members are ordered, spaced, escaped, and numbers spelt."""
    one = {**extra, **sale("N-1")}
    first = read(one)
    second = read(shuffled(one, random), indent=2, ensure_ascii=random.random() < 0.5)
    assert first.canonical_sha256 == second.canonical_sha256
    assert first.identity == second.identity


@given(members, members)
def test_other_content_has_another_hash(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Two documents that differ are never taken for one."""
    a, b = {**sale("N-1"), "x": one}, {**sale("N-1"), "x": other}
    is_same = json.dumps(one, default=_number, sort_keys=True) == json.dumps(
        other, default=_number, sort_keys=True
    )
    assert (read(a).canonical_sha256 == read(b).canonical_sha256) == is_same


def _number(value: Decimal) -> Any:
    return int(value) if value == int(value) else ["number", str(value.normalize())]


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=60))
def test_orders_are_told_apart_by_exact_text(one: str, other: str) -> None:
    """Case, spaces and look-alikes count; the client counts, too."""
    assert (read(sale(one)).identity == read(sale(other)).identity) == (one == other)
    assert read(sale(one)).identity != read(sale(one), "other").identity


PIECES = [
    "..",
    "/",
    "\\",
    "\x00",
    "\n",
    "\u202e",
    "~",
    "%2e",
    "CON",
    "a" * 20,
    "tlog_",
    ".json",
    "\ud800",
    "é",
]


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=3) | st.lists(st.text(), min_size=1))
def test_no_name_has_a_part_of_the_document(pieces: list[str]) -> None:
    """It is of our own characters, whatever the order is called."""
    order_id = "".join(pieces)[:60] or "x"
    name = read(sale(order_id)).file_name(datetime(2026, 11, 22, tzinfo=UTC))
    assert re.fullmatch(r"tlog_20261122_till_[0-9a-f]{16}_[0-9a-f]{8}\.json", name)


def test_file_name() -> None:
    """It has the day the order came first, the client, and marks of order and content."""
    moment = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)
    found = read(sale("N-1"))
    assert found.file_name(moment) == (
        f"tlog_20261122_till_{found.identity[:16]}_{found.body_sha256[:8]}.json"
    )
