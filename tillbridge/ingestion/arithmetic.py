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


def line_discount(product: OrderProduct, tax: Decimal) -> Decimal:
    """Give the whole discount of a line; `tax` is what comes on top of its price.

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
    before = abs(product.price * product.quantity) + tax
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


def limits(line: LineItem, pointer: str) -> Iterator[Finding]:
    """Find what no line can cost, whatever the till states: nothing that follows could count it."""
    if not _can_be_kept(line.extended_amount):
        yield Finding(
            f"{pointer}/quantity",
            None,
            "expected price x quantity with at most 12 digits and 4 decimals; "
            f"found {line.unit_price} x {line.quantity}",
        )
    elif line.total < 0:
        yield Finding(
            f"{pointer}/discount",
            None,
            f"expected a discount of no more than the line costs; found {line.discount}",
        )


def sum_limits(made: RetailTransaction) -> Iterator[Finding]:
    """Find sums that no database column holds, and a sale that costs less than nothing."""
    sums = (made.sales_total, made.returns_total, made.carried_over)
    if not all(map(_can_be_kept, sums)):
        yield Finding("/totalAmount", None, "expected sums of at most 12 digits and 4 decimals")
    elif made.sales_total < 0:
        yield Finding(
            "/transactionDiscountAmount",
            None,
            f"expected a discount of no more than the sale costs; found {made.discount}",
        )


def transaction_discount(
    order: CustomerOrder, sales: Sequence[LineItem], returns: Sequence[LineItem], shipping: Decimal
) -> Decimal:
    """Give the discount that belongs to the sale as a whole and is in none of its lines.

    It is stated as such, or as the part of `discount` that no line has. The total says which it is; where
    it fits both, as a refund does, the discount that is stated.
    """
    inside = sum((line.discount for line in sales if not line.is_cancelled), ZERO)
    stated = abs(order.transaction_discount_amount or ZERO)
    if not stated and sales and not returns:
        stated = max(abs(order.discount or ZERO) - inside, ZERO)
    sold = sum((line.total for line in sales), shipping)
    is_beside = stated and order.total_amount in _totals(sold - stated, returns)
    if is_beside and order.total_amount in _totals(sold, returns):
        is_beside = abs(order.discount or ZERO) == inside + stated
    return stated if is_beside else ZERO


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
    totals = _totals(sold, made.returns)
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


def _totals(sold: Decimal, returns: Sequence[LineItem]) -> set[Decimal]:
    """Give what a till may state as its total."""
    back = sum((line.total for line in returns), ZERO)
    return {sold, sold - back, back, -back} if returns else {sold}


def _can_be_kept(amount: Decimal) -> bool:
    try:
        money.parse(amount)
    except ValueError:
        return False
    return True


def _sums(order: CustomerOrder, made: RetailTransaction) -> Iterator[Finding]:
    kept = [line for line in made.sales if not line.is_cancelled]
    sub_total = sum((line.extended_amount for line in kept), ZERO)
    discount = sum((line.discount for line in kept), ZERO)
    tax = sum((line.tax + line.included_tax for line in kept), ZERO)
    yield from _differs(
        "/orderSubTotal", order.order_sub_total, sub_total, "the lines' price x quantity"
    )
    if order.discount is None or abs(order.discount) != discount:  # or with that of the whole
        with_whole = discount + made.discount
        yield from _differs("/discount", order.discount, with_whole, "the lines' discounts")
    yield from _differs("/taxSubTotal", order.tax_sub_total, tax, "the lines' taxes")
    # A line without tax may or may not count as taxable.
    if all(line.tax for line in kept):
        less = sub_total - discount - made.discount
        yield from _differs(
            "/taxableAmount", order.taxable_amount, less, "the lines less discounts"
        )


def _differs(
    pointer: str, stated: Decimal | None, expected: Decimal, what: str
) -> Iterator[Finding]:
    if stated is not None and abs(stated) != abs(expected):
        yield Finding(pointer, str(stated), f"expected {abs(expected)}, {what}; found {stated}")
