"""The published contract of Order to Invoice, checked the way the far end would.

Written from the published field table alone and on purpose not shared with the product: two readings
of one page catch each other's mistakes.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

# Each text: its name, how long it may be, and whether it must be there.
_ROOT = (("InvoicingStore", 5, True), ("OrderNo", 9, True))
_COMPANY = (("CompanyId", 20), ("CompanyName", 30), ("CompanyAddress", 80))
_CUSTOMER = (
    ("FirstName", 30, True),
    ("LastName", 30, True),
    ("Email", 60, True),
    ("Address1", 40, True),
    ("Address2", 40, False),
    ("City", 40, False),
    ("Country", 40, False),
    ("NoDocument", 20, True),
)
_ITEM = (("UPC", 19, True), ("StoreOrig", 5, True), ("StoreDest", 5, False))
_ITEM_AMOUNTS = ("OrigPrice", "OrigTax", "Price", "Tax", "Qty")


def read_request(body: bytes) -> Any:
    """Read the JSON text of a request with exact numbers; raise ValueError where it is none."""

    def refuse(text: str) -> None:
        raise ValueError(f"{text} is not JSON")

    return json.loads(body.decode("utf-8"), parse_float=Decimal, parse_constant=refuse)


def problems_of(order: Any, version: int) -> list[str]:
    """List everything that breaks version 1 or 2 of the contract; empty for a good order."""
    if not isinstance(order, dict):
        return ["the body must be a JSON object"]
    found: list[str] = []
    for name, longest, required in _ROOT:
        _text(found, order, name, longest, required=required)
    _created(found, order)
    _one_or_two(found, order, "DeliveryType")
    _one_or_two(found, order, "PaymentType")
    _amount(found, order, "TotalAmt", required=True)
    _amount(found, order, "TotalDiscAmt", required=False)
    _amount(found, order, "ShippingAmt", required=False)
    if version == 2:
        _fiscal(found, order)
    for part in ("CustomerBilling", "CustomerShipping"):
        customer = order.get(part)
        if not isinstance(customer, dict):
            found.append(f"{part} is required")
            continue
        for name, longest, required in _CUSTOMER:
            _text(found, customer, name, longest, f"{part}.", required=required)
        if version == 2:
            _text(found, customer, "TypeDocument", 40, f"{part}.", required=True)
    _items(found, order.get("Items"))
    return found


def _items(found: list[str], items: Any) -> None:
    if not isinstance(items, list) or not items:
        found.append("Items must be a list with at least one item")
        return
    for number, item in enumerate(items):
        where = f"Items[{number}]."
        if not isinstance(item, dict):
            found.append(f"Items[{number}] must be an object")
            continue
        for name, longest, required in _ITEM:
            _text(found, item, name, longest, where, required=required)
        for name in _ITEM_AMOUNTS:
            _amount(found, item, name, where, required=True)


def _fiscal(found: list[str], order: dict[str, Any]) -> None:
    credit = order.get("FiscalCredit")
    if not (isinstance(credit, bool) or credit in ("true", "false")):
        found.append("FiscalCredit must be true or false")
    for name, longest in _COMPANY:
        _text(found, order, name, longest, required=credit in (True, "true"))


def _created(found: list[str], order: dict[str, Any]) -> None:
    try:
        datetime.strptime(str(order.get("CreatedDate")), "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007
    except ValueError:
        found.append("CreatedDate must look like 2023-03-20T11:29:00")


def _one_or_two(found: list[str], order: dict[str, Any], name: str) -> None:
    value = order.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value not in {1, 2}:
        found.append(f"{name} must be 1 or 2")


def _text(
    found: list[str],
    holder: dict[str, Any],
    name: str,
    longest: int,
    where: str = "",
    *,
    required: bool,
) -> None:
    value = holder.get(name)
    if value is None or value == "":
        if required:
            found.append(f"{where}{name} is required")
    elif not isinstance(value, str):
        found.append(f"{where}{name} must be a string")
    elif len(value) > longest:
        found.append(f"{where}{name} is longer than {longest}")


def _amount(
    found: list[str], holder: dict[str, Any], name: str, where: str = "", *, required: bool
) -> None:
    value = holder.get(name)
    if value is None:
        if required:
            found.append(f"{where}{name} is required")
    elif isinstance(value, bool) or not isinstance(value, int | Decimal):
        found.append(f"{where}{name} must be a number")
    elif abs(Decimal(value)) >= 1_000_000 or Decimal(value) % Decimal("0.0001"):
        found.append(f"{where}{name} must fit (10,4)")
