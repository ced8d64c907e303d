"""HotWax's order import and the returns: every name of a member is read, and what is wrong is named."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.imports import in_store, item, made_return, order, return_line
from tillbridge.contracts import json_text
from tillbridge.contracts.import_record import failed_record, part_marks, unwrapped
from tillbridge.contracts.order_import import PARTS, read_order
from tillbridge.contracts.return_import import read_return
from tillbridge.errors import RecordRejected


def refused(document: Any) -> list[tuple[str, str]]:
    """Give the places and expectations of an order that cannot be read."""
    with pytest.raises(RecordRejected) as problem:
        read_order(document, 4)
    return [(found.pointer, found.expected) for found in problem.value.findings]


def renamed(members: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in members.items()}


OTHER_NAMES = {
    "salesChannelEnumId": "channel",
    "currencyUom": "currencyCode",
    "adjustments": "orderAdjustments",
    "attributes": "orderAttributes",
    "identifications": "orderIdentifications",
    "paymentPreferences": "orderPaymentPref",
    "shipGroups": "shipGroup",
}
OTHER_ITEM_NAMES = {
    "externalId": "itemExternalId",
    "statusId": "status",
    "itemDescription": "description",
    "adjustments": "itemAdjustments",
}


def test_every_name_of_a_member_means_the_same() -> None:
    """HotWax has several for some; under each of them it is the same order."""
    line = item(itemDescription="Boot, black")
    plain = order("T1", in_store(line))
    other_line = renamed(line, OTHER_ITEM_NAMES)
    other_line["itemAdjustments"] = [
        {"orderAdjustmentTypeId": one["type"], "amount": one["amount"]}
        for one in line["adjustments"]
    ]
    other = renamed(order("T1", in_store(other_line)), OTHER_NAMES)
    assert read_order(other, 0) == read_order(plain, 0)


def test_two_names_that_disagree_are_no_order() -> None:
    """Nobody can tell which was meant."""
    ((pointer, expected),) = refused(order(channel="WEB_SALES_CHANNEL"))
    assert pointer == ""
    assert expected.startswith("expected salesChannelEnumId and channel, which mean the same")
    assert read_order(order(channel="POS_SALES_CHANNEL"), 0).external_id == "T1"


def test_what_is_missing_or_null_has_hotwaxs_default() -> None:
    """Only identity, money and items are required."""
    least = {
        "externalId": 100231,
        "currencyUom": "USD",
        "grandTotal": 5,
        "productStoreId": "SV_STORE",
        "statusId": None,
        "salesChannelEnumId": None,
        "shipGroups": [
            {
                "facilityId": "_NA_",
                "shipmentMethodTypeId": "STANDARD",
                "items": [{"sku": "BOOT", "quantity": 1, "unitPrice": 5, "status": None}],
            }
        ],
    }
    read = read_order(least, 0)
    assert read.external_id == "100231"
    assert (read.order_type_id, read.status_id) == ("SALES_ORDER", "ORDER_CREATED")
    assert read.sales_channel_enum_id == "UNKNWN_SALES_CHANNEL"
    assert read.ship_groups[0].items[0].status_id == "ITEM_CREATED"
    assert read.order_date is None


def test_amounts_and_times_are_exact() -> None:
    """Through a file, with every digit and the offset."""
    read = read_order(json_text.read(json_text.write(order(grandTotal=Decimal("0.1001")))), 0)
    assert read.grand_total == Decimal("0.1001")
    assert read.order_date == datetime(2026, 11, 20, 16, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "pointer", "expected"),
    [
        ({"orderDate": 1_790_000_000}, "/orderDate", "a date and time with its zone"),
        ({"orderDate": "1790000000000"}, "/orderDate", "a date and time with its zone"),
        ({"orderDate": "2026-11-20T10:15:00"}, "/orderDate", "timezone"),
        ({"grandTotal": json_text.Unreadable("1e9", "a number")}, "/grandTotal", "a number"),
        ({"currencyUom": "usd"}, "/currencyUom", "ISO 4217"),
        ({"externalId": " T1"}, "/externalId", "an id of at most 60 characters"),
        ({"externalId": "x" * 61}, "/externalId", "an id of at most 60 characters"),
        ({"firstName": "a\0b"}, "/firstName", "NUL"),
        ({"statusId": "ORDER_SENT"}, "/statusId", "'ORDER_CREATED'"),
        ({"orderTypeId": "PURCHASE_ORDER"}, "/orderTypeId", "'SALES_ORDER'"),
        ({"shipGroups": []}, "/shipGroups", "at least one"),
        ({"shipGroups": [{**in_store(), "items": []}]}, "/shipGroups/0/items", "at least one"),
        (
            {"attributes": [{"attrName": "n" * 61, "attrValue": "v"}]},
            "/attributes/0/attrName",
            "60 characters",
        ),
        (
            {"attributes": [{"attrName": "n", "attrValue": "v" * 1000}]},
            "/attributes/0/attrValue",
            "999 characters",
        ),
        (
            {"shipGroups": [in_store(item(quantity=0))]},
            "/shipGroups/0/items/0/quantity",
            "a quantity above 0",
        ),
        (
            {"shipGroups": [in_store(item(unitPrice=-1))]},
            "/shipGroups/0/items/0/unitPrice",
            "a price of 0 or more",
        ),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], pointer: str, expected: str) -> None:
    """The place, and what was expected there."""
    ((found, text),) = refused(order(**changes))
    assert found == pointer
    assert expected in text


def test_everything_that_is_wrong_is_found_at_once() -> None:
    """Whoever mends the order need not try again and again."""
    found = refused({"externalId": "T1", "shipGroups": [in_store(item(quantity="many"))]})
    assert {pointer for pointer, _ in found} == {
        "/currencyUom",
        "/grandTotal",
        "/productStoreId",
        "/shipGroups/0/items/0/quantity",
    }


@pytest.mark.parametrize("value", [None, 17, "T1", [], ["T1"]])
def test_what_is_no_object_is_named_by_its_place(value: Any) -> None:
    """Counted from 1, for people."""
    with pytest.raises(RecordRejected, match="the record at place 5"):
        read_order(value, 4)


def test_a_failed_record_comes_back_as_it_was_with_its_reason() -> None:
    """Amounts keep their digits, and what could not be read is there as text, for mending."""
    text = b'[{"externalId": "T1", "grandTotal": 40.1001, "priority": 1e3, "error": "old"}]'
    value = json_text.read(text)[0]
    written = json_text.read(failed_record(value, "expected more"))
    assert written == {
        "json": {
            "externalId": "T1",
            "grandTotal": Decimal("40.1001"),
            "priority": "1e3",
            "error": "expected more",
        }
    }
    assert json_text.read(failed_record(written, "still"))["json"]["error"] == "still"
    assert json_text.read(failed_record(17, "no object")) == {
        "json": {"record": 17, "error": "no object"}
    }


def test_only_a_wrapping_is_taken_off() -> None:
    """A member that is called json is none."""
    assert unwrapped({"json": {"a": 1}}) == {"a": 1}
    assert unwrapped({"json": {"a": 1}, "error": "x"}) == {"a": 1}
    assert unwrapped({"json": 1, "a": 2}) == {"json": 1, "a": 2}


def test_marks_say_which_part_differs() -> None:
    """And not what it holds: no name or amount can be read from them."""
    first = part_marks(read_order(order(), 0), PARTS)
    other = part_marks(read_order(order(lastName="Other", grandTotal=1), 0), PARTS)
    assert {part for part in first if first[part] != other[part]} == {"customer", "grand total"}
    assert "Haddad" not in repr(first)


def test_returns_are_read_in_the_words_of_hotwaxs_feed() -> None:
    """With what only the feed calls otherwise, and the defaults."""
    plain = made_return("R", return_line())
    line = renamed(
        return_line(),
        {
            "quantity": "returnQuantity",
            "reasonId": "returnReasonId",
            "adjustments": "itemAdjustments",
        },
    )
    assert read_return(made_return("R", line), 0) == read_return(plain, 0)
    with pytest.raises(RecordRejected) as problem:
        read_return({"json": {**plain, "returnId": None, "returnTotal": "x"}, "error": "old"}, 0)
    assert [found.pointer for found in problem.value.findings] == ["/returnId", "/returnTotal"]
