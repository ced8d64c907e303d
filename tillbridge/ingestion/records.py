"""The records that the new lines of a transaction become: orders, returns, variances. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from tillbridge.contracts import json_text
from tillbridge.contracts.members import LONGEST_KEY
from tillbridge.ingestion.order_document import order_document
from tillbridge.ingestion.return_document import return_document
from tillbridge.ingestion.revision import News
from tillbridge.ingestion.transaction import LineItem, RetailTransaction
from tillbridge.ingestion.variance import variance_row
from tillbridge.profile import Profile

RecordKind = Literal["order", "return", "variance"]


@dataclass(frozen=True, slots=True)
class Record:
    """One record for the order store, as JSON; a variance is the JSON of its CSV row.

    `lines` and `amount` (of its lines) are counted from the record itself, not from what it was made of.
    A variance has no amount.
    """

    kind: RecordKind
    body: bytes
    store: str
    business_day: date
    currency: str
    lines: int
    amount: Decimal


def records(
    made: RetailTransaction,
    news: News,
    returns_before: int,
    arrived_at: datetime,
    profile: Profile,
) -> Iterator[Record]:
    """Give the records of what is new; `returns_before` is how many returns of the order there were.

    A till that sends an old sale with what came back dates it as the sale; such a return is dated by its
    arrival, the best there is.

    Where the OMS is not order master, what was carried out of or into a store only changes its stock, and
    nothing at all where PredictSpring sends the variance itself.
    """
    settings = profile.tills
    is_master = settings.oms_is_order_master
    zone, product_store = profile.time_zone, profile.product_store_id
    sold = [line for line in news.sales if is_master or line.fulfillment != "in_store"]
    if sold:
        document = order_document(made, sold, product_store, zone, settings)
        items = [item for group in document["shipGroups"] for item in group["items"]]
        yield _record("order", document, made, len(items), _items_total(items, "unitPrice"))
    returned_at = arrived_at if made.sales and not news.sales else made.begin_date_time
    for number, (sale, lines) in enumerate(news.returns_by_sale.items(), returns_before + 1):
        returned = [
            line
            for line in lines
            if not line.is_cancelled and (is_master or line.fulfillment != "in_store")
        ]
        if returned:
            return_id = _return_id(made.transaction_id, number)
            refund = number == returns_before + 1
            document = return_document(
                made, returned, sale, return_id, returned_at, product_store, zone, is_first=refund
            )
            total = _items_total(document["items"], "returnPrice")
            yield _record("return", document, made, len(document["items"]), total)
    if not is_master and settings.variance_source == "tlog":
        for line, is_return in _moved(news):
            row = variance_row(made, line, is_return=is_return, settings=settings)
            yield _record("variance", row, made, 1, Decimal(0))


def _return_id(order_id: str, number: int) -> str:
    """Name a return of an order; an order id that leaves no room is shortened, with a mark of the whole."""
    name = f"{order_id}-R{number}"
    if len(name) <= LONGEST_KEY:
        return name
    mark = hashlib.sha256(order_id.encode()).hexdigest()[:12]
    return f"{order_id[:40]}-{mark}-R{number}"


def _moved(news: News) -> Iterator[tuple[LineItem, bool]]:
    for lines, is_return in ((news.sales, False), (news.returns, True)):
        for line in lines:
            if line.fulfillment == "in_store" and not line.is_cancelled:
                yield line, is_return


def _record(
    kind: RecordKind, document: dict[str, Any], made: RetailTransaction, lines: int, amount: Decimal
) -> Record:
    return Record(
        kind,
        json_text.write(document),
        made.store,
        made.business_day_date,
        made.currency,
        lines,
        amount,
    )


def _items_total(items: list[dict[str, Any]], price: str) -> Decimal:
    """Sum what the items of a record cost; a cancelled one costs nothing."""
    return sum(
        (
            item["quantity"] * item[price] + _sum(item["adjustments"])
            for item in items
            if item.get("statusId") != "ITEM_CANCELLED"
        ),
        Decimal(0),
    )


def _sum(adjustments: list[dict[str, Any]]) -> Decimal:
    return sum((one["amount"] for one in adjustments), Decimal(0))
