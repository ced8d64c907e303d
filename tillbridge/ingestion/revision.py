"""What a transaction brings that was not known before: every line of a till counts once. Pure.

A till may send an order again, and does so when goods of it come back: then the order stands there once
more with a longer `returnProductList`. So it is lines that are new or known, not documents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tillbridge.contracts import json_text
from tillbridge.ingestion.transaction import LineItem, RetailTransaction

Kind = Literal["sale", "return"]
Known = Mapping[tuple[Kind, str], str]
"""The fingerprints of the lines that are known of an order, by list and key."""


@dataclass(frozen=True, slots=True)
class News:
    """The lines that are new; none of a transaction that is known whole."""

    sales: tuple[LineItem, ...]
    returns: tuple[LineItem, ...]


@dataclass(frozen=True, slots=True)
class Sold:
    """What an order was sold for, its discount and shipping included."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """The transaction contradicts what is known of its order. `pointer` and `expected` say where."""

    pointer: str
    expected: str


def compare(made: RetailTransaction, known: Known, sold: Sold | None = None) -> News | Conflict:
    """Hold a transaction against what is known of its order; `sold` is None where no sale is known.

    What was sold never changes: once an order is known, other lines, another content or another sum are a
    conflict. What came back may only grow.
    """
    for kind, name, lines in (
        ("sale", "orderProductList", made.sales),
        ("return", "returnProductList", made.returns),
    ):
        for line in lines:
            before = known.get((kind, line.key))  # type: ignore[arg-type]
            if before is not None and before != fingerprint(line):
                return Conflict(
                    f"/{name}/{line.sequence_number - 1}",
                    f"expected line {line.key} as it came before; it has other content now",
                )
    sold_before = {key for kind, key in known if kind == "sale"}
    sold_now = {line.key for line in made.sales}
    if sold_before and sold_now - sold_before:
        return Conflict(
            "/orderProductList",
            f"expected the {len(sold_before)} lines that were sold; "
            f"{len(sold_now - sold_before)} more stand there now",
        )
    if sold_before - sold_now and not made.returns:
        return Conflict(
            "/orderProductList",
            f"expected all {len(sold_before)} lines that were sold; "
            f"{len(sold_before - sold_now)} are gone, and nothing was brought back",
        )
    if sold and made.sales and made.currency != sold.currency:
        return Conflict(
            "/currency", f"expected {sold.currency} as it came before; it is {made.currency} now"
        )
    # With goods brought back the total may say too little of a discount of the whole.
    if sold and made.sales and not made.returns and made.sales_total != sold.amount:
        return Conflict(
            "/totalAmount",
            f"expected a sale of {sold.amount} as it came before; it is one of {made.sales_total} now",
        )
    return News(
        tuple(line for line in made.sales if ("sale", line.key) not in known),
        tuple(line for line in made.returns if ("return", line.key) not in known),
    )


def fingerprint(line: LineItem) -> str:
    """Give what tells a line's content: everything that moves goods or money."""
    content = [
        *(line.item.type_id, line.item.value, line.quantity, line.unit_price, line.discount),
        *(line.tax, line.fulfillment, line.pickup_store, line.is_cancelled),
    ]
    return hashlib.sha256(json_text.write(content)).hexdigest()
