"""When two order numbers, or two orders, only look alike. Pure.

An order is what its HotWax order id says. A number that looks like a known one may be the same to Retail
Pro, or to whoever reads it there; an order that looks like another may be the same purchase.
"""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal
from typing import Any

from tillbridge.contracts import json_text

_BLANKS = re.compile(r"\s+")
_AS_A_NUMBER = re.compile(
    r"(?=.*[0-9])(?P<sign>[+-]?)0*(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*?)0*)?"
)
_CUSTOMER = ("FirstName", "LastName", "Email", "NoDocument")
_LINE = ("UPC", "Qty", "Price", "Tax")


def folded(order_no: str) -> str:
    """Return what all numbers that look like `order_no` have in common; at most as long as it is.

    Case and blanks do not count, and of a number that is nothing but digits neither do leading zeros, a
    plus sign and a fraction of zeros.
    """
    text = _BLANKS.sub("", order_no).casefold()
    found = _AS_A_NUMBER.fullmatch(text)
    if found is None:
        return text
    sign = "-" if found["sign"] == "-" else ""
    part = f".{found['part']}" if found["part"] else ""
    return f"{sign}{found['whole']}{part}" if found["whole"] or part else "0"


def digest_of(body: bytes, total: Decimal, currency: str) -> str | None:
    """Return the SHA-256 of who bought what for how much, by an Order to Invoice request.

    Two orders with one digest may be one purchase. None where the request names no customer or no line.
    """
    request = json_text.read(body)
    customer = request.get("CustomerBilling")
    items = request.get("Items")
    if not customer or not items:
        return None
    who = [_text(customer.get(name)) for name in _CUSTOMER]
    what = sorted([str(item.get(name, "")) for name in _LINE] for item in items)
    facts = json_text.write([who, what, str(total.normalize()), currency])
    return hashlib.sha256(facts).hexdigest()


def _text(value: Any) -> str:
    """Return a text without what people type now one way and now another."""
    return _BLANKS.sub(" ", str(value or "")).strip().casefold()
