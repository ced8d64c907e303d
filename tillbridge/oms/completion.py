"""HotWax's rule that says when an order is completed or cancelled. Pure."""

from __future__ import annotations

from collections.abc import Collection

from tillbridge.oms.order import (
    ITEM_CANCELLED,
    ITEM_COMPLETED,
    ITEM_REJECTED,
    ORDER_CANCELLED,
    ORDER_COMPLETED,
)

_IGNORED = {ITEM_CANCELLED, ITEM_REJECTED}


def completed_status(item_statuses: Collection[str]) -> str | None:
    """Give the order status that the items' statuses bring about, None where they bring about none.

    Cancelled and rejected items do not count. When no other is left the order is cancelled; when all
    others are completed it is completed. An order without items is neither.
    """
    counted = {status for status in item_statuses if status not in _IGNORED}
    if not item_statuses:
        return None
    if not counted:
        return ORDER_CANCELLED
    return ORDER_COMPLETED if counted == {ITEM_COMPLETED} else None
