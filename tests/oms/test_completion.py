"""When an order counts as completed or cancelled, and how channels are named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillbridge.oms.channels import channel_code, channel_id
from tillbridge.oms.completion import completed_status

STATUSES = [
    "ITEM_CREATED",
    "ITEM_APPROVED",
    "ITEM_HOLD",
    "ITEM_COMPLETED",
    "ITEM_CANCELLED",
    "ITEM_REJECTED",
]


@pytest.mark.parametrize(
    ("items", "order"),
    [
        (["ITEM_COMPLETED"], "ORDER_COMPLETED"),
        (["ITEM_COMPLETED", "ITEM_CANCELLED"], "ORDER_COMPLETED"),
        (["ITEM_COMPLETED", "ITEM_REJECTED", "ITEM_COMPLETED"], "ORDER_COMPLETED"),
        (["ITEM_CANCELLED", "ITEM_REJECTED"], "ORDER_CANCELLED"),
        (["ITEM_COMPLETED", "ITEM_APPROVED"], None),
        (["ITEM_CANCELLED", "ITEM_CREATED"], None),
        ([], None),
    ],
)
def test_items_decide_the_order(items: list[str], order: str | None) -> None:
    """Cancelled and rejected items do not count; all others must be completed."""
    assert completed_status(items) == order


@given(st.lists(st.sampled_from(STATUSES)))
def test_an_order_with_an_open_item_is_never_finished(items: list[str]) -> None:
    """No order is invoiced while one of its items may still be fulfilled."""
    is_open = bool({"ITEM_CREATED", "ITEM_APPROVED", "ITEM_HOLD"} & set(items))
    assert (completed_status(items) is None) == (is_open or not items)


@pytest.mark.parametrize(
    ("enum_id", "enum_code"),
    [
        ("WEB_SALES_CHANNEL", "WEB_CHANNEL"),
        ("POS_SALES_CHANNEL", "POS_CHANNEL"),
        ("SOMETHING_ELSE", "SOMETHING_ELSE"),
    ],
)
def test_a_channel_is_known_by_both_its_names(enum_id: str, enum_code: str) -> None:
    """HotWax's tables say WEB_SALES_CHANNEL where its feeds say WEB_CHANNEL."""
    assert {channel_id(enum_id), channel_id(enum_code)} == {enum_id}
    assert {channel_code(enum_id), channel_code(enum_code)} == {enum_code}
