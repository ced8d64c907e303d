"""What the sender does when the database is busy at the worst moment."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine

from tillbridge.clients.retail_pro_settings import RetailProSettings
from tillbridge.contracts.http_exchange import Exchange, Posting
from tillbridge.database.engine import transaction
from tillbridge.errors import Unavailable
from tillbridge.invoicing import sending
from tillbridge.invoicing.ledger import attempts, orders
from tillbridge.invoicing.ledger.events import OrderKey
from tillbridge.invoicing.sending import Result, Sender
from tillbridge.invoicing.transform import InvoiceRequest

KEY = OrderKey("SV_STORE", "1")


def test_a_clear_answer_survives_a_locked_database(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is invoiced, not in doubt, although writing that down failed at first."""
    body = b'{"OrderNo":"1"}'
    request = InvoiceRequest(*KEY[:1], "M1", KEY.order_no, "USD", Decimal(1), "SVA32", 1, body)
    with transaction(engine) as connection:
        orders.accept(connection, request, "a.json", "test")
    real, failures = attempts.settle, [Unavailable("locked"), Unavailable("locked")]

    def busy(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return real(*arguments)

    monkeypatch.setattr(attempts, "settle", busy)
    monkeypatch.setattr(sending, "_SETTLE_PAUSES", (0, 0, 0))

    def post(take: Callable[[], Posting]) -> Exchange:
        assert take() == Posting(body, None)
        answer = b'{"success": true, "orderNo": "1", "invoiceNo": "F1", "total": 1}'
        return Exchange("answered", 200, body=answer, body_complete=True)

    settings = RetailProSettings(base_url="http://127.0.0.1")
    outcome = Sender(engine, post, settings, "run").send(KEY)

    assert outcome.result == Result.INVOICED
    assert orders.counts(engine, "SV_STORE") == {"CONFIRMED": 1}
