"""The two names HotWax has for a sales channel: its id in tables, its code in feeds. Pure."""

from __future__ import annotations

POS_SALES_CHANNEL = "POS_SALES_CHANNEL"
"""Orders that were taken at a till, which has invoiced them."""

_ID_ENDING = "_SALES_CHANNEL"
_CODE_ENDING = "_CHANNEL"


def channel_id(name: str) -> str:
    """Give the enumId of a channel named by either: WEB_CHANNEL is WEB_SALES_CHANNEL."""
    if name.endswith(_CODE_ENDING) and not name.endswith(_ID_ENDING):
        return name.removesuffix(_CODE_ENDING) + _ID_ENDING
    return name


def channel_code(name: str) -> str:
    """Give the enumCode of a channel named by either: WEB_SALES_CHANNEL is WEB_CHANNEL."""
    if name.endswith(_ID_ENDING):
        return name.removesuffix(_ID_ENDING) + _CODE_ENDING
    return name
