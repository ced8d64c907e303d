"""A client that is closed while orders are on their way, as when a run is asked to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.retail_pro import RetailProStandIn
from tests.fixtures_retail_pro import order
from tillbridge.clients.retail_pro import RetailProClient
from tillbridge.contracts.http_exchange import Posting

ClientOf = Callable[..., RetailProClient]
_FOR_EVER = 3_600_000
_PATIENCE = 20


def wait_for_request(retail_pro: RetailProStandIn) -> None:
    give_up_at = time.monotonic() + _PATIENCE
    while not retail_pro.requests():
        assert time.monotonic() < give_up_at, "no order came in"
        time.sleep(0.01)


def test_closing_waits_for_the_calls_under_way_and_lets_no_other_begin(
    retail_pro: RetailProStandIn, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for an answer gets it; who has its bytes but sent none of them is told that none went."""
    retail_pro.retail_pro.latency_ms = _FOR_EVER
    client = client_of(
        retail_pro.base_url, parallel_calls=2, deadline=_PATIENCE, read_timeout=_PATIENCE
    )
    taking, taken, is_closing = threading.Event(), threading.Event(), threading.Event()
    let_calls_end = client._let_calls_end
    monkeypatch.setattr(client, "_let_calls_end", lambda: (is_closing.set(), let_calls_end()))

    def slow_commit() -> Posting:
        taking.set()
        assert taken.wait(_PATIENCE)
        return order("2")()

    with ThreadPoolExecutor(3) as pool:
        under_way = pool.submit(client.post_invoice, order("1"))
        wait_for_request(retail_pro)
        about_to_begin = pool.submit(client.post_invoice, slow_commit)
        assert taking.wait(_PATIENCE)
        closing = pool.submit(client.close)
        assert is_closing.wait(_PATIENCE)
        taken.set()
        assert about_to_begin.result().stage == "not_sent"
        assert not closing.done()
        retail_pro.retail_pro.latency_ms = 0
        assert under_way.result().status == 200
        closing.result()
    assert [one.order_no for one in retail_pro.requests()] == ["1"]


def test_a_thread_that_comes_too_late_is_told_that_nothing_was_sent(
    retail_pro: RetailProStandIn, client_of: ClientOf
) -> None:
    """Its order is not even asked for, so that it stays as it was."""
    client = client_of(retail_pro.base_url)
    client.close()
    exchange = client.post_invoice(lambda: pytest.fail("no order may be asked for"))
    assert exchange.stage == "not_sent"
