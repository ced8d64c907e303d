"""A till's arithmetic: do the amounts of a CustomerOrder add up? Pure.

Every amount that the till states is held against its lines, exactly. With goods brought back the till may
state the sale, the return or the difference as its total; which of them is not published, so each is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from tillbridge import money
from tillbridge.contracts.customer_order import CustomerOrder, OrderProduct
from tillbridge.errors import Finding
from tillbridge.ingestion.transaction import LineItem, RetailTransaction

ZERO = Decimal(0)


def line_discount(product: OrderProduct) -> Decimal:
    """Give the whole discount of a line.

    A part of the transaction's discount may be in `discount` or beside it, and a till may state its price
    adjustments only; the line's total says which.
    """
    discount = abs(product.discount or ZERO)
    possible = [discount, discount + abs(product.transaction_discount_amount or ZERO)]
    if product.discount is None:
        possible.append(
            sum((abs(one.price or ZERO) for one in product.price_adjustments or ()), ZERO)
        )
    if product.total is None:
        return discount
    before = abs(product.price * product.quantity) + abs(product.tax or ZERO)
    return next((one for one in possible if before - one == abs(product.total)), discount)


def line_findings(product: OrderProduct, line: LineItem, pointer: str) -> Iterator[Finding]:
    """Give the stated amounts of one line that do not fit it."""
    yield from _differs(
        f"{pointer}/subTotal", product.sub_total, line.extended_amount, "price x quantity"
    )
    expected = line.extended_amount - line.discount + line.tax
    yield from _differs(
        f"{pointer}/total", product.total, expected, "price x quantity - discount + tax"
    )


def transaction_discount(
    order: CustomerOrder, sales: Sequence[LineItem], shipping: Decimal
) -> Decimal:
    """Give the discount that belongs to the sale as a whole and is in none of its lines."""
    stated = abs(order.transaction_discount_amount or ZERO)
    lines = sum((line.total for line in sales), ZERO)
    return stated if stated and order.total_amount == lines + shipping - stated else ZERO


def order_findings(order: CustomerOrder, made: RetailTransaction) -> Iterator[Finding]:
    """Give the stated totals of the transaction that do not fit its lines."""
    sold, returned = made.sales_total, made.returns_total
    if not made.returns:
        yield from _sums(order, made)
    if order.total_amount is None:
        if not made.returns:
            yield Finding(
                "/totalAmount", None, f"expected {sold}, the sum of the lines; it is missing"
            )
        return
    totals = {sold, sold - returned, -returned} if made.returns else {sold}
    if made.returns and not made.sales:
        totals.add(returned)
    if order.total_amount not in totals:
        lines = f"{sold}, the sum of the lines"
        if made.returns:
            lines = f"{sold} sold, {returned} brought back, or the difference"
        yield Finding(
            "/totalAmount", str(order.total_amount), f"expected {lines}; found {order.total_amount}"
        )
    elif money.finest([order.total_amount], made.currency) > money.places(made.currency):
        yield Finding(
            "/totalAmount",
            str(order.total_amount),
            f"expected at most {money.places(made.currency)} decimals, as {made.currency} has",
        )


def _sums(order: CustomerOrder, made: RetailTransaction) -> Iterator[Finding]:
    kept = [line for line in made.sales if not line.is_cancelled]
    sub_total = sum((line.extended_amount for line in kept), ZERO)
    discount = sum((line.discount for line in kept), ZERO) + made.discount
    tax = sum((line.tax for line in kept), ZERO)
    yield from _differs(
        "/orderSubTotal", order.order_sub_total, sub_total, "the lines' price x quantity"
    )
    yield from _differs("/discount", order.discount, discount, "the lines' discounts")
    yield from _differs("/taxSubTotal", order.tax_sub_total, tax, "the lines' taxes")
    if not any(line.is_tax_exempt for line in kept):
        yield from _differs(
            "/taxableAmount", order.taxable_amount, sub_total - discount, "the lines less discounts"
        )


def _differs(
    pointer: str, stated: Decimal | None, expected: Decimal, what: str
) -> Iterator[Finding]:
    if stated is not None and abs(stated) != abs(expected):
        yield Finding(pointer, str(stated), f"expected {abs(expected)}, {what}; found {stated}")
