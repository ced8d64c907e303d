"""What the sender does at the worst moments: the database is busy, the run is asked to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from tests.ledger_steps import unmarked
from tillbridge.clients.retail_pro_settings import RetailProSettings
from tillbridge.contracts.http_exchange import Exchange, Posting
from tillbridge.database.engine import transaction
from tillbridge.database.group_commit import GroupCommit
from tillbridge.database.ledger_tables import invoice_attempt
from tillbridge.errors import NotSent, Unavailable
from tillbridge.invoicing import sending
from tillbridge.invoicing.ledger import attempts, circuit, orders
from tillbridge.invoicing.ledger.events import OrderKey
from tillbridge.invoicing.sending import Result, Sender
from tillbridge.invoicing.transform import InvoiceRequest

KEY = OrderKey("SV_STORE", "1")
SETTINGS = RetailProSettings(base_url="http://127.0.0.1")
_PATIENCE = 60


def accept(engine: Engine, number: str, body: bytes = b"{}") -> OrderKey:
    """Hand an order to the ledger."""
    request = InvoiceRequest(
        KEY.product_store_id, f"M{number}", number, "USD", Decimal(1), "SVA32", 1, body
    )
    with transaction(engine) as connection:
        orders.accept(connection, request, "a.json", "test")
    return OrderKey(KEY.product_store_id, number)


def test_a_clear_answer_survives_a_locked_database(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is invoiced, not in doubt, although writing that down failed at first."""
    body = b'{"OrderNo":"1"}'
    accept(engine, KEY.order_no, body)
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

    outcome = Sender(engine, post, SETTINGS, "run", unmarked).send(KEY)

    assert outcome.result == Result.INVOICED
    assert orders.counts(engine, "SV_STORE") == {"CONFIRMED": 1}


def test_orders_armed_when_the_run_is_stopped_are_ready_again(engine: Engine) -> None:
    """However many: that nothing of them was sent says nothing about the far end, so no circuit opens."""
    keys = [accept(engine, str(number)) for number in range(8)]
    all_armed, stopped = threading.Barrier(len(keys) + 1), threading.Event()

    def post(take: Callable[[], Posting]) -> Exchange:
        take()
        all_armed.wait(_PATIENCE)
        assert stopped.wait(_PATIENCE)
        return Exchange("not_sent", problem="the client is closing")

    with ThreadPoolExecutor(len(keys)) as pool:
        with Sender(GroupCommit(engine), post, SETTINGS, "run", unmarked) as sender:
            outcomes = [pool.submit(sender.send, key) for key in keys]
            all_armed.wait(_PATIENCE)
            assert orders.counts(engine, "SV_STORE") == {"INFLIGHT": len(keys)}
        stopped.set()

    assert {one.result().result for one in outcomes} == {Result.WAITING}
    assert orders.counts(engine, "SV_STORE") == {"READY": len(keys)}
    assert circuit.why_open(engine, SETTINGS.base_url) == ""


def test_an_order_whose_turn_comes_after_the_stop_is_left_alone(engine: Engine) -> None:
    """It is not armed, whether it comes to the sender late or waited for its call."""
    waited, late = accept(engine, "1"), accept(engine, "2")
    stop = ExitStack()

    def post(take: Callable[[], Posting]) -> Exchange:
        stop.close()
        take()
        raise AssertionError("the order was let go")

    sender = stop.enter_context(Sender(engine, post, SETTINGS, "run", unmarked))

    for key in (waited, late):
        outcome = sender.send(key)
        assert (outcome.result, outcome.reason) == (Result.WAITING, sender.breaker.reason)
    assert orders.counts(engine, "SV_STORE") == {"READY": 2}
    with transaction(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(invoice_attempt)) == 0


def test_an_order_whose_marker_took_too_long_is_not_sent(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its call might end after its lease, when another run has given it up; so it is READY again."""
    monkeypatch.setattr(sending, "_MARGIN", timedelta(0))
    accept(engine, KEY.order_no)

    def post(take: Callable[[], Posting]) -> Exchange:
        take()
        raise AssertionError("the order was let go")

    with (
        Sender(engine, post, SETTINGS, "run", unmarked) as sender,
        pytest.raises(NotSent, match="took more than 0 s for the marker"),
    ):
        sender.send(KEY)
    assert orders.counts(engine, "SV_STORE") == {"READY": 1}
