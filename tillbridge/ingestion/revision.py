"""What a transaction brings that was not known before: every line of a till counts once. Pure.

A till may send an order again, and does so when goods of it come back: then the order stands there once
more with a longer `returnProductList`. So it is lines that are new or known, not documents.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from tillbridge.contracts import json_text
from tillbridge.counting import counted
from tillbridge.ingestion.transaction import LineItem, RetailTransaction

Kind = Literal["sale", "return"]


@dataclass(frozen=True, slots=True)
class News:
    """The lines that are new; none of a transaction that is known whole."""

    sales: tuple[LineItem, ...]
    returns: tuple[LineItem, ...]

    @property
    def returns_by_sale(self) -> dict[str | None, list[LineItem]]:
        """The returned lines by the sale they name; None for those that name none."""
        found: dict[str | None, list[LineItem]] = {}
        for line in self.returns:
            found.setdefault(line.original_transaction, []).append(line)
        return found


@dataclass(frozen=True, slots=True)
class Sold:
    """What an order was sold for, its discount and shipping included, and where."""

    amount: Decimal
    currency: str
    store: str


@dataclass(frozen=True, slots=True)
class KnownLine:
    """A line that is known: its content, and how much of it there was."""

    fingerprint: str
    quantity: Decimal
    discount: Decimal
    tax: Decimal


@dataclass
class KnownOrder:
    """What is known of one order: its lines by list and key, its sale, its dates, how many returns."""

    lines: dict[tuple[Kind, str], KnownLine] = field(default_factory=dict)
    sold: Sold | None = None
    moments: set[datetime] = field(default_factory=set)
    returns: int = 0

    def add(self, made: RetailTransaction, news: News) -> None:
        """Know from now on what is new in this transaction."""
        if news.sales:
            self.sold = Sold(made.sales_total, made.currency, made.store)
        self.lines |= {("sale", line.key): known_line(line) for line in made.sales}
        self.lines |= {("return", line.key): known_line(line) for line in made.returns}
        self.moments.add(made.begin_date_time)
        self.returns += len(news.returns_by_sale)


@dataclass(frozen=True, slots=True)
class Conflict:
    """The transaction contradicts what is known of its order. `pointer` and `expected` say where."""

    pointer: str
    expected: str


def compare(made: RetailTransaction, order: KnownOrder) -> News | Conflict:
    """Hold a transaction against what is known of its order.

    What was sold never changes: once an order is known, other lines, another content, another sum or
    another store are a conflict. What came back may only grow, by lines or by the quantity of a line.
    """
    if conflict := _sale_conflict(made, order):
        return conflict
    returns = []
    for line in made.returns:
        more = _more_of(line, order.lines.get(("return", line.key)))
        if isinstance(more, Conflict):
            return more
        if more is not None:
            returns.append(more)
    news = News(
        tuple(line for line in made.sales if ("sale", line.key) not in order.lines), tuple(returns)
    )
    is_new = news.sales or news.returns
    if not is_new and order.moments and made.begin_date_time not in order.moments:
        return Conflict(
            "/orderDate",
            "expected the date it came with before, or something new in it; it is another date now",
        )
    return news


def known_line(line: LineItem) -> KnownLine:
    """Give what is kept of a line."""
    return KnownLine(fingerprint(line), line.quantity, line.discount, line.tax)


def fingerprint(line: LineItem) -> str:
    """Give what tells a line's content, however much there is of it."""
    content = [
        *(line.item.type_id, line.item.value, line.unit_price),
        *(line.fulfillment, line.pickup_store, line.is_cancelled),
    ]
    return hashlib.sha256(json_text.write(content)).hexdigest()


def _sale_conflict(made: RetailTransaction, order: KnownOrder) -> Conflict | None:
    for line in made.sales:
        before = order.lines.get(("sale", line.key))
        if before is not None and before != known_line(line):
            return _other_content("orderProductList", line)
    sold_before = {key for kind, key in order.lines if kind == "sale"}
    sold_now = {line.key for line in made.sales}
    if sold_before and sold_now - sold_before:
        return Conflict(
            "/orderProductList",
            f"expected the {counted(len(sold_before), 'line that was', 'lines that were')} sold; "
            f"now there are {len(sold_now - sold_before)} more",
        )
    if sold_before - sold_now and not made.returns:
        return Conflict(
            "/orderProductList",
            f"expected the {counted(len(sold_before), 'line that was', 'lines that were')} sold; "
            f"{len(sold_before - sold_now)} of them gone, and nothing was brought back",
        )
    sold = order.sold
    if not sold or not made.sales:
        return None
    if made.currency != sold.currency:
        return Conflict(
            "/currency", f"expected {sold.currency} as it came before; it is {made.currency} now"
        )
    # With goods brought back another store may send it, and its total may leave out a discount.
    if not made.returns and made.store != sold.store:
        return Conflict(
            "/storeId", f"expected store {sold.store} as it came before; it is {made.store} now"
        )
    if not made.returns and made.sales_total != sold.amount:
        return Conflict(
            "/totalAmount",
            f"expected a sale of {sold.amount} as it came before; it is one of {made.sales_total} now",
        )
    return None


def _more_of(line: LineItem, before: KnownLine | None) -> LineItem | Conflict | None:
    """Give what more came back of a line than was known; None where nothing did."""
    if before is None:
        return line
    now = known_line(line)
    if now == before:
        return None
    more = replace(
        line,
        quantity=line.quantity - before.quantity,
        discount=line.discount - before.discount,
        tax=line.tax - before.tax,
    )
    if now.fingerprint != before.fingerprint or more.quantity <= 0:
        return _other_content("returnProductList", line)
    if more.discount < 0 or more.tax < 0 or more.total < 0:
        return _other_content("returnProductList", line)
    return more


def _other_content(list_name: str, line: LineItem) -> Conflict:
    return Conflict(
        f"/{list_name}/{line.sequence_number - 1}",
        f"expected line {line.key} as it came before; its article, price, quantity, discount, tax or "
        "fulfilment is another now",
    )
