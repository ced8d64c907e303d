"""The completed-orders feed: everything HotWax writes is read, and what cannot be used is named."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from tests.strategies import changed, feed_order, feed_orders
from tillbridge.contracts import json_text
from tillbridge.contracts.completed_orders import read_order
from tillbridge.errors import RecordRejected

ITEM = "/shipments/0/shipmentItems/0"


def refused(document: Any) -> list[tuple[str, str | None, str]]:
    """Give key and findings of an order that cannot be read."""
    with pytest.raises(RecordRejected) as problem:
        read_order(document, 4)
    return [(found.pointer, found.value, found.expected) for found in problem.value.findings]


@settings(max_examples=50, deadline=None)
@given(feed_orders(whole_quantities=False))
def test_every_feed_order_is_read_exactly(document: Any) -> None:
    """Amounts keep their digits on the way through a file."""
    order = read_order(json_text.read(json_text.write(document)), 0)
    assert order.grand_total == document["grandTotal"]
    assert order.shipments is not None
    assert order.shipments[0].shipment_items is not None
    read = [item.unit_price for item in order.shipments[0].shipment_items]
    assert read == [item["unitPrice"] for item in document["shipments"][0]["shipmentItems"]]


def test_nulls_and_unknown_members_are_kept() -> None:
    """HotWax writes most members as null and may add some; neither is a fault."""
    nulls: dict[str, Any] = dict.fromkeys(feed_order()) | {"orderId": "M1", "newMember": [1]}
    order = read_order(nulls, 0)
    assert order.order_id == "M1"
    assert order.shipments is None
    assert order.model_extra is not None
    assert order.model_extra["newMember"] == [1]


def test_ids_that_were_written_as_numbers_are_text() -> None:
    """A spreadsheet on the way costs nothing."""
    order = read_order(feed_order(orderId=100231, customerPartyId=7), 0)
    assert (order.order_id, order.customer_party_id) == ("100231", "7")


def test_times_are_moments() -> None:
    """An offset is part of the time."""
    order = read_order(feed_order(orderDate="2026-03-01T18:05:09-05:00"), 0)
    assert order.order_date == datetime(2026, 3, 1, 23, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pointer", "value", "words"),
    [
        ("/orderId", None, "string"),
        ("/orderId", "", "an id"),
        ("/orderId", " M1", "without spaces"),
        ("/orderId", "M\x001", "control"),
        ("/orderId", "M" * 61, "60 characters"),
        ("/orderId", True, "string"),
        ("/orderDate", "2026-03-01T18:05:09", "timezone"),
        ("/orderDate", "yesterday", "datetime"),
        ("/grandTotal", "78,30", "plain decimal number"),
        ("/grandTotal", "1e2", "plain decimal number"),
        ("/grandTotal", True, "plain decimal number"),
        ("/customerEmail", "a\ud800", "whole characters"),
        ("/customerEmail", 1, None),
        ("/customerEmail", Decimal("1.5"), "string"),
        ("/shipments", {}, "a list"),
        (f"{ITEM}/unitPrice", "30.00001", "plain decimal number"),
        (f"{ITEM}/itemQuantity", [], "plain decimal number"),
        (f"{ITEM}/orderItemSeqId", "a\nb", "control"),
        (f"{ITEM}/itemAdjustments/0/amount", "x", "plain decimal number"),
    ],
)
def test_a_value_of_the_wrong_form_is_found_at_its_place(
    pointer: str, value: Any, words: str | None
) -> None:
    """Pointer, value and expectation of the one defect; what is harmless is read."""
    document = changed(feed_order(), pointer, value)
    if words is None:
        assert read_order(document, 0)
        return
    [(at, shown, expected)] = refused(document)
    assert at == pointer
    assert words in expected
    assert shown == json_text.shown(value)


@pytest.mark.parametrize(
    ("text", "pointer", "value", "words"),
    [
        ('{"orderId":"M1","grandTotal":NaN}', "/grandTotal", "NaN", "expected a number"),
        ('{"orderId":"M1","grandTotal":1e3}', "/grandTotal", "1e3", "plain decimal number"),
        ('{"orderId":"M1","grandTotal":1,"grandTotal":2}', "/grandTotal", "grandTotal", "several times"),
        ('{"orderId":"M1","orderId":"M2"}', "/orderId", "orderId", "several times"),
        ('{"orderId":"M1","shipments":[],"shipments":[]}', "/shipments", "shipments", "several times"),
        ('{"orderId":"M1","orderDate":NaN}', "/orderDate", "NaN", "a number"),
        ('{"orderId":"M1","currency":"\\ud800"}', "/currency", "\ud800", "whole characters"),
        ('{"grandTotal":1}', "/orderId", None, "the member is missing"),
        ("[]", "", None, "an object"),
        ("17", "", "17", "an object"),
        ("[" * 70 + "]" * 70, "", "[" * 70 + "]" * 70, "nested at most 64 deep"),
    ],
)  # fmt: skip
def test_what_json_cannot_be_trusted_with_is_found_at_its_place(
    text: str, pointer: str, value: str | None, words: str
) -> None:
    """Not-a-number, duplicate members, exponents and half characters name their field."""
    [element] = json_text.read_array(io.BytesIO(f"[{text}]".encode()), "feed.json")
    [(at, shown, expected)] = refused(element.value)
    assert (at, shown) == (pointer, value)
    assert words in expected


def test_all_findings_come_at_once_under_the_orders_name() -> None:
    """The key is the order id where there is one, else the place in the file."""
    bad = feed_order(grandTotal="x", orderDate="y", currency=["z"])
    with pytest.raises(RecordRejected) as problem:
        read_order(bad, 4)
    assert problem.value.key == "M100231"
    assert {found.pointer for found in problem.value.findings} == {
        "/grandTotal",
        "/orderDate",
        "/currency",
    }
    with pytest.raises(RecordRejected) as nameless:
        read_order({"orderId": None}, 4)
    assert nameless.value.key == "the order at place 4"
