"""The totals and lines of an invoice from the adjustments of an order. Pure.

Only what belongs to the order or to an invoiced item counts: HotWax leaves the adjustments of
cancelled items behind, such as their negative tax.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from tillbridge import money
from tillbridge.contracts.completed_orders import NOT_AN_ITEM, Adjustment
from tillbridge.contracts.order_to_invoice import LARGEST_AMOUNT
from tillbridge.errors import Finding
from tillbridge.invoicing import lines as line_amounts
from tillbridge.invoicing.draft import OMITTED, Draft, FeedItem, Origin
from tillbridge.invoicing.lines import Line
from tillbridge.profile import Profile, StoreCodes

_FINEST = 4
"""Decimals of a (10,4) amount."""


def write_amounts(
    draft: Draft,
    profile: Profile,
    items: list[FeedItem],
    codes: list[StoreCodes | None],
    is_pickup: bool,
) -> Finding | None:
    """Write totals and lines; returns the amount mismatch where the profile only warns."""
    order = draft.order
    currency = order.currency or ""
    if not re.fullmatch("[A-Z]{3}", currency):
        draft.find("/currency", order.currency, "expected an ISO 4217 code such as USD")
    adjustments = _Adjustments(draft, items)
    lines = [_line(draft, profile, found, adjustments) for found in items]
    upcs = [_upc(draft, profile, found) for found in items]
    shipping = adjustments.total(profile.shipping_adjustments)
    draft.put("TotalDiscAmt", -adjustments.total(profile.discount_adjustments), "/orderAdjustments")
    draft.put("ShippingAmt", shipping, "/orderAdjustments")
    warning = None
    if order.grand_total is None:
        draft.put("TotalAmt", None, "/grandTotal")
    else:
        without = profile.total_amount == "without_shipping"
        draft.put("TotalAmt", order.grand_total - (shipping if without else 0), "/grandTotal")
        warning = _check_total(draft, profile, items, adjustments, currency)
    if all(lines) and lines:
        _write_lines(draft, profile, items, codes, upcs, lines, adjustments, is_pickup)  # type: ignore[arg-type]
    else:
        draft.put("Items", OMITTED, "/shipments")
    return warning


class _Adjustments:
    """The adjustments that count: those of the order and those of the items that are invoiced."""

    def __init__(self, draft: Draft, items: list[FeedItem]) -> None:
        self.of_item: dict[str, list[Adjustment]] = {found.pointer: [] for found in items}
        self.of_order: list[Adjustment] = []
        by_seq_id = {found.item.order_item_seq_id: found.pointer for found in items}
        for index, adjustment in enumerate(draft.order.order_adjustments or ()):
            _require_amount(draft, adjustment, f"/orderAdjustments/{index}")
            if adjustment.order_item_seq_id in (None, NOT_AN_ITEM):
                self.of_order.append(adjustment)
            # What is left are the adjustments of cancelled items, such as their negative tax.
            elif adjustment.order_item_seq_id in by_seq_id:
                self.of_item[by_seq_id[adjustment.order_item_seq_id]].append(adjustment)
        for found in items:
            for index, adjustment in enumerate(found.item.item_adjustments or ()):
                _require_amount(draft, adjustment, f"{found.pointer}/itemAdjustments/{index}")
                self.of_item[found.pointer].append(adjustment)

    def all(self) -> list[Adjustment]:
        return [*self.of_order, *(one for many in self.of_item.values() for one in many)]

    @property
    def are_known(self) -> bool:
        return all(one.amount is not None for one in self.all())

    def total(self, types: list[str]) -> Decimal:
        return _sum(self.all(), types)


def _sum(adjustments: Iterable[Adjustment], types: list[str] | None = None) -> Decimal:
    return sum(
        (
            one.amount
            for one in adjustments
            if one.amount is not None and (types is None or one.order_adjustment_type_id in types)
        ),
        Decimal(0),
    )


def _require_amount(draft: Draft, adjustment: Adjustment, pointer: str) -> None:
    if adjustment.amount is None:
        draft.find(f"{pointer}/amount", None, "expected an amount, 0 if there is none")
    elif abs(adjustment.amount) > LARGEST_AMOUNT:
        draft.find(f"{pointer}/amount", adjustment.amount, f"expected at most {LARGEST_AMOUNT}")


def _check_total(
    draft: Draft,
    profile: Profile,
    items: list[FeedItem],
    adjustments: _Adjustments,
    currency: str,
) -> Finding | None:
    gross = sum(
        (
            (found.item.item_quantity or Decimal(0)) * (found.item.unit_price or Decimal(0))
            for found in items
        ),
        Decimal(0),
    )
    computed = gross + _sum(adjustments.all())
    total = draft.order.grand_total or Decimal(0)
    if money.finest([total], currency) > money.places(currency):
        draft.find(
            "/grandTotal",
            total,
            f"expected at most {money.places(currency)} decimals for {currency}",
        )
    # A sum over what is missing would only repeat the finding that it is missing.
    if (
        computed == total
        or not adjustments.are_known
        or not items
        or any(found.item.item_quantity is None or found.item.unit_price is None for found in items)
    ):
        return None
    finding = Finding(
        "/grandTotal",
        str(total),
        f"expected {money.show(computed, currency)}, what lines, discounts, tax and shipping come to; "
        f"the order says {money.show(total, currency)}",
    )
    if profile.amount_mismatch == "warn":
        return finding
    draft.findings.append(finding)
    return None


def _line(
    draft: Draft, profile: Profile, found: FeedItem, adjustments: _Adjustments
) -> Line | None:
    item, pointer = found.item, found.pointer
    problems = len(draft.findings)
    if item.item_quantity is None or not 0 < item.item_quantity <= LARGEST_AMOUNT:
        draft.find(
            f"{pointer}/itemQuantity",
            item.item_quantity,
            f"expected a quantity above zero, at most {LARGEST_AMOUNT}; it becomes Qty",
        )
    if item.unit_price is None or not 0 <= item.unit_price <= LARGEST_AMOUNT:
        draft.find(
            f"{pointer}/unitPrice",
            item.unit_price,
            f"expected a price of zero or more, at most {LARGEST_AMOUNT}; it becomes OrigPrice",
        )
    if len(draft.findings) > problems or item.item_quantity is None or item.unit_price is None:
        return None
    own = adjustments.of_item[pointer]
    line = Line(
        item.item_quantity,
        item.unit_price,
        -_sum(own, profile.discount_adjustments),
        _sum(own, profile.tax_adjustments),
    )
    if money.finest([line.gross], "") > _FINEST:
        draft.find(
            f"{pointer}/unitPrice",
            item.unit_price,
            f"expected a price that comes to at most {_FINEST} decimals for {line.quantity}",
        )
        return None
    if line.discount < 0 or line.discount > line.gross:
        draft.find(
            f"{pointer}/itemAdjustments",
            -line.discount,
            f"expected discounts between 0 and the line's {line.gross}, written as negative amounts",
        )
        return None
    return line


def _write_lines(
    draft: Draft,
    profile: Profile,
    items: list[FeedItem],
    codes: list[StoreCodes | None],
    upcs: list[tuple[object, str]],
    lines: list[Line],
    adjustments: _Adjustments,
    is_pickup: bool,
) -> None:
    discount = -_sum(adjustments.of_order, profile.discount_adjustments)
    tax = _sum(adjustments.of_order, profile.tax_adjustments)
    if discount < 0 or discount > sum(line.gross - line.discount for line in lines):
        draft.find(
            "/orderAdjustments",
            -discount,
            "expected order discounts between 0 and what the lines are worth, as negative amounts",
        )
        draft.put("Items", OMITTED, "/shipments")
        return
    amounts = [one.amount for one in adjustments.all() if one.amount is not None]
    amounts += [amount for line in lines for amount in (line.unit_price, line.gross)]
    decimals = money.finest(amounts, draft.order.currency or "")
    lines = line_amounts.spread(lines, discount, tax, decimals)
    written = 0
    for found, line, code, (upc, upc_pointer) in zip(items, lines, codes, upcs, strict=True):
        try:
            runs = list(line_amounts.unit_runs(line, decimals, profile.original_tax))
        except ValueError as problem:
            draft.find(found.pointer, None, str(problem))
            draft.put("Items", OMITTED, "/shipments")
            continue
        original_tax = Origin(
            f"{found.pointer}/itemAdjustments",
            "the item's tax, by the profile's original_tax",
        )
        for run in runs:
            put = draft.inside("Items", written)
            put("UPC", upc, upc_pointer)
            put("OrigPrice", run.original_price, f"{found.pointer}/unitPrice")
            put("OrigTax", run.original_tax, original_tax)
            put("Price", run.price, f"{found.pointer}/unitPrice")
            put("Tax", run.tax, f"{found.pointer}/itemAdjustments")
            put("Qty", run.quantity, f"{found.pointer}/itemQuantity")
            store = code.store if code else OMITTED
            put("StoreOrig", store, f"{found.pointer}/facilityExternalId")
            if is_pickup:
                put("StoreDest", store, f"{found.pointer}/facilityExternalId")
            written += 1


def _upc(draft: Draft, profile: Profile, found: FeedItem) -> tuple[object, str]:
    identifications = found.item.good_identifications or ()
    for wanted in profile.upc_sources:
        for index, one in enumerate(identifications):
            if one.good_identification_type_id == wanted and one.id_value and one.thru_date is None:
                return one.id_value, f"{found.pointer}/goodIdentifications/{index}/idValue"
    pointer = f"{found.pointer}/goodIdentifications"
    draft.find(
        pointer, None, f"expected one of type {' or '.join(profile.upc_sources)}; it becomes UPC"
    )
    return OMITTED, pointer
