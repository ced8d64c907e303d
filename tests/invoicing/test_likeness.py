"""Numbers and orders that only look alike are recognised, and those that differ are not."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tillbridge.invoicing.likeness import digest_of, folded

ORDER_NUMBERS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=9)
many = settings(max_examples=500, deadline=None)


@many
@given(ORDER_NUMBERS, st.data())
def test_what_only_looks_different_folds_alike(number: str, data: st.DataObject) -> None:
    """Any case, and blanks in any place, are the same number; a fold is folded, and never longer."""
    place = data.draw(st.integers(0, len(number)))
    for other in (number.upper(), number.lower(), f"{number[:place]}  {number[place:]}"):
        assert folded(other) == folded(number)
    assert folded(folded(number)) == folded(number)
    assert len(folded(number)) <= len(number)


@many
@given(st.integers(0, 10**7), st.integers(0, 3), st.sampled_from(["", "."]), st.integers(0, 3))
def test_what_is_the_same_number_folds_alike(
    value: int, zeros: int, point: str, fraction: int
) -> None:
    """Leading zeros, a plus sign and a fraction of zeros do not count."""
    written = f"{'0' * zeros}{value}{point}{'0' * fraction if point else ''}"
    assert folded(written) == folded(f"+{written}") == str(value)


@many
@given(st.decimals(0, 9999, places=3), st.decimals(0, 9999, places=3))
def test_different_numbers_fold_differently(one: Decimal, other: Decimal) -> None:
    """Two amounts fold alike exactly if they are equal."""
    assert (folded(str(one)) == folded(str(other))) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("1001", "10010"), ("SV1001", "SV01001"), ("SV-1", "SV1"), ("-1", "1"), ("1.1", "1.10001")],
)
def test_what_differs_in_more_is_another_number(one: str, other: str) -> None:
    """Leading zeros behind letters tell numbers apart, as does everything that can be read."""
    assert folded(one) != folded(other)


CUSTOMER = {"FirstName": "Ana", "LastName": "Paz", "Email": "ana@example.com", "NoDocument": "01"}
LINES = [
    {"UPC": "400", "Qty": 1, "Price": 10.5, "Tax": 1, "StoreOrig": "A32"},
    {"UPC": "401", "Qty": 2, "Price": 3, "Tax": 0, "StoreOrig": "A32"},
]


def digest(total: str = "20", currency: str = "USD", **changes: Any) -> str | None:
    """Give the digest of a request."""
    request = {"OrderNo": "1", "CustomerBilling": CUSTOMER, "Items": LINES, **changes}
    return digest_of(json.dumps(request).encode(), Decimal(total), currency)


def test_the_same_purchase_under_another_number_is_alike() -> None:
    """Neither number, time, stores nor the order of the lines matter, nor how the customer is written."""
    shipped = [line | {"StoreOrig": "B7"} for line in reversed(LINES)]
    customer = CUSTOMER | {"FirstName": " ANA ", "Email": "Ana@Example.com"}
    assert digest() is not None
    assert digest(OrderNo="2", CustomerBilling=customer, Items=shipped, total="20.00") == digest()


@pytest.mark.parametrize(
    "changes",
    [
        {"total": "21"},
        {"currency": "EUR"},
        {"Items": LINES[:1]},
        {"Items": [LINES[0], LINES[1] | {"Qty": 3}]},
        {"CustomerBilling": CUSTOMER | {"Email": "eva@example.com"}},
    ],
)
def test_another_purchase_is_not_alike(changes: dict[str, Any]) -> None:
    """Customer, total, currency and lines all count."""
    assert digest(**changes) != digest()


def test_a_request_without_customer_or_lines_is_like_no_other() -> None:
    """There is nothing to compare."""
    assert digest(CustomerBilling=None) is None
    assert digest(Items=[]) is None
