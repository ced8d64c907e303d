"""The Retail Pro of the ledger machine: it books whatever reaches it, and answers in every known way.

It never lies: it says that an invoice was made only when it was, and that none was only when this
request made none. Everything else it says may mean either.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tillbridge.contracts.http_exchange import Exchange
from tillbridge.contracts.invoice_lookup import FoundInvoice


@dataclass
class Invoice:
    """One invoice; look-ups see it from `seen_from` on."""

    reference: str
    order_no: str
    total: Decimal
    seen_from: timedelta


class RetailPro:
    """The far end, and the judge of what the ledger believes: what is here was booked.

    Without a key it books the same order as often as it comes. It remembers a key for `key_memory`.
    """

    def __init__(self, key_memory: timedelta) -> None:
        self.invoices: list[Invoice] = []
        self._key_memory = key_memory
        self._keys: dict[str, tuple[Invoice, timedelta]] = {}

    def known(self, key: str | None, now: timedelta) -> Invoice | None:
        """Give the invoice that was made under a key, as long as the key is remembered."""
        invoice, until = self._keys.get(key or "", (None, now))
        return invoice if now < until else None

    def book(
        self, order_no: str, total: Decimal, key: str | None, now: timedelta, seen_from: timedelta
    ) -> Invoice:
        """Make an invoice; under a key that is remembered, give the one that was made."""
        invoice = self.known(key, now)
        if invoice is None:
            invoice = Invoice(f"RP-{len(self.invoices) + 1}", order_no, total, seen_from)
            self.invoices.append(invoice)
            if key:
                self._keys[key] = (invoice, now + self._key_memory)
        return invoice

    def of(self, order_no: str) -> list[Invoice]:
        """Give all invoices of an order, whether or not a look-up sees them."""
        return [one for one in self.invoices if one.order_no == order_no]

    def find(self, order_no: str, now: timedelta) -> list[FoundInvoice]:
        """Answer a look-up, truly."""
        return [
            FoundInvoice(one.reference, order_no, one.total, 1)
            for one in self.of(order_no)
            if one.seen_from <= now
        ]


@dataclass(frozen=True)
class Answer:
    """A way to answer a request for an order: what is said, and whether it is said of an invoice made.

    `books` is None where it is said with and without one.
    """

    status: int
    books: bool | None
    body: Callable[[dict[str, Any]], Any] = lambda good: b"oops"
    is_cut: bool = False
    retry_after: float | None = None

    def to(self, order_no: str, total: Decimal, invoice: Invoice | None) -> Exchange:
        """Make the answer to one request."""
        number = invoice.reference if invoice else None
        good = {"success": True, "invoiceNo": number, "orderNo": order_no, "total": str(total)}
        made = self.body(good)
        return Exchange(
            "answered",
            self.status,
            retry_after=self.retry_after,
            body=made if isinstance(made, bytes) else json.dumps(made).encode(),
            body_complete=not self.is_cut,
        )


def _refusal(good: dict[str, Any]) -> dict[str, Any]:
    return {"success": False, "message": "UPC unknown", "orderNo": good["orderNo"]}


ANSWERS: Mapping[str, Answer] = {
    "invoiced": Answer(200, True, lambda good: good),
    "invoiced, no number": Answer(201, True, lambda good: good | {"invoiceNo": None}),
    "refused in a 200": Answer(200, False, _refusal),
    "another order": Answer(200, None, lambda good: good | {"orderNo": "9"}),
    "no order": Answer(200, None, lambda good: good | {"orderNo": None}),
    "another total": Answer(200, None, lambda good: good | {"total": 0.01}),
    "unclear": Answer(200, None, lambda good: {"status": "queued"}),
    "not JSON": Answer(200, None, lambda good: b"<html>ok</html>"),
    "empty": Answer(204, None, lambda good: b""),
    "cut": Answer(200, None, lambda good: good, is_cut=True),
    "accepted, not final": Answer(202, None, lambda good: good),
    "redirected": Answer(302, None),
    **{f"refused with {code}": Answer(code, False, _refusal) for code in (400, 413, 422)},
    "refused, of another order": Answer(400, None, lambda good: _refusal(good | {"orderNo": "9"})),
    "refused and invoiced": Answer(422, None, lambda good: good),
    "already there": Answer(409, None, lambda good: {"invoiceNo": good["invoiceNo"]}),
    "too many calls": Answer(429, False, retry_after=1800.0),
    **{f"setting {code}": Answer(code, False) for code in (307, 308, 401, 403, 404, 405, 415)},
    **{f"HTTP {code}": Answer(code, None) for code in (408, 425, 500, 502, 503, 504)},
}
"""Every row of the classification of answers that has a status."""

_REFUSALS = {200, 400, 413, 422}
ANSWER_KINDS = [
    [name for name, one in ANSWERS.items() if one.books],
    [name for name, one in ANSWERS.items() if one.books is False and one.status in _REFUSALS],
    [name for name, one in ANSWERS.items() if one.books is False and one.status not in _REFUSALS],
    [name for name, one in ANSWERS.items() if one.books is None],
]
"""The same by what they prove: an invoice, none, that it was turned away, nothing."""

NOT_SENT: Mapping[str, Exchange] = {
    "not sent": Exchange("not_sent", problem="the connection was refused"),
    "not sent, not trusted": Exchange("not_sent", problem="certificate", configuration=True),
    "not sent, wait": Exchange("not_sent", problem="no free connection", retry_after=1800.0),
}
NO_ANSWER = Exchange("sent_no_answer", problem="no answer before the deadline")
