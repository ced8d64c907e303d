"""What the Retail Pro client says about a call, over real HTTP, whatever the far end does."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest

from sandbox.retail_pro import RetailProStandIn
from tests.fixtures_retail_pro import order, scripted_server
from tillbridge.clients.retail_pro import RetailProClient
from tillbridge.contracts.http_exchange import Posting
from tillbridge.contracts.invoice_answer import AnswerReading, read_answer
from tillbridge.errors import ConfigurationProblem, Unavailable

StartRetailPro = Callable[..., RetailProStandIn]
ClientOf = Callable[..., RetailProClient]


def test_an_order_becomes_an_invoice(retail_pro: RetailProStandIn, client_of: ClientOf) -> None:
    """A good order is answered with its invoice, and the bytes that arrived are those given."""
    exchange = client_of(retail_pro.base_url).post_invoice(order())

    answer = read_answer(exchange.body, AnswerReading())
    [invoice] = retail_pro.invoices()
    assert (exchange.stage, exchange.status, exchange.body_complete) == ("answered", 200, True)
    assert answer is not None
    assert (answer.made, answer.reference, answer.order_no, answer.total) == (
        True,
        invoice.invoice_no,
        "1001",
        Decimal("89.2"),
    )


@pytest.mark.parametrize("kind", ["drop", "hang", "late"])
def test_no_answer_is_told_as_sent(
    kind: str, retail_pro: RetailProStandIn, client_of: ClientOf
) -> None:
    """A closed connection or a hanging server says that the order may have arrived."""
    retail_pro.program(kind, commit=True)
    exchange = client_of(retail_pro.base_url, deadline=0.3).post_invoice(order())
    assert (exchange.stage, exchange.status) == ("sent_no_answer", None)
    assert exchange.problem


@pytest.mark.parametrize("status", [201, 202, 307, 400, 404, 409, 422, 500, 502, 503, 504])
def test_a_status_is_told_as_it_is_and_nothing_is_sent_again(
    status: int, retail_pro: RetailProStandIn, client_of: ClientOf
) -> None:
    """Whatever the status, the order went out once and the message can be read."""
    retail_pro.program("status", status=status, message="so it is")
    exchange = client_of(retail_pro.base_url).post_invoice(order())
    assert (exchange.stage, exchange.status, exchange.body_complete) == ("answered", status, True)
    assert b"so it is" in exchange.body
    assert len(retail_pro.requests()) == 1


def test_a_redirect_is_not_followed(retail_pro: RetailProStandIn, client_of: ClientOf) -> None:
    """A 307 to a working server is answered as a 307; the order does not go there."""
    location = f"Location: {retail_pro.base_url}/api/v1/Document/Ordertoinvoice\r\n".encode()
    answer = b"HTTP/1.1 307 Temporary Redirect\r\n" + location + b"Content-Length: 0\r\n\r\n"
    with scripted_server(answer) as server:
        exchange = client_of(server.base_url).post_invoice(order())
        assert exchange.status == 307
        assert len(server.requests) == 1
    assert retail_pro.requests() == []


@pytest.mark.parametrize("kind", ["cut", "drip"])
def test_an_answer_that_does_not_end_is_told_as_incomplete(
    kind: str, retail_pro: RetailProStandIn, client_of: ClientOf
) -> None:
    """The beginning of the answer is kept and marked as not the whole."""
    retail_pro.program(kind, commit=True, seconds=600)
    client = client_of(retail_pro.base_url, deadline=10 if kind == "cut" else 0.5)
    exchange = client.post_invoice(order())
    assert (exchange.stage, exchange.status, exchange.body_complete) == ("answered", 200, False)
    assert ("deadline" if kind == "drip" else "cut off") in str(exchange.problem)


def test_a_body_that_drips_ends_at_the_deadline(client_of: ClientOf) -> None:
    """A byte now and then does not keep the call alive beyond its deadline."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    with scripted_server(head + b"x" * 100_000, pause=0.002) as server:
        exchange = client_of(server.base_url, deadline=0.5, read_timeout=30).post_invoice(order())
    assert (exchange.stage, exchange.body_complete) == ("answered", False)
    assert "deadline" in str(exchange.problem)


def test_a_head_that_drips_ends_at_the_deadline(client_of: ClientOf) -> None:
    """A head that never ends is no answer, and the call ends in time all the same."""
    with scripted_server(b"HTTP/1.1 200 OK\r\nX-Pad: " + b"x" * 50_000, pause=0.02) as server:
        exchange = client_of(server.base_url, deadline=0.4, read_timeout=30).post_invoice(order())
    assert exchange.stage == "sent_no_answer"
    assert "deadline" in str(exchange.problem)


def test_a_server_that_does_not_read_ends_at_the_deadline(client_of: ClientOf) -> None:
    """A body that the server does not take is told as possibly sent, in time."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = client_of(f"http://127.0.0.1:{silent.getsockname()[1]}", deadline=0.4)
        exchange = client.post_invoice(lambda: Posting(b"x" * 30_000_000))
    assert exchange.stage == "sent_no_answer"
    assert "deadline" in str(exchange.problem)


def test_an_answer_in_another_language_is_told_as_no_answer(client_of: ClientOf) -> None:
    """Bytes that are not HTTP prove nothing about the order."""
    with scripted_server(b"220 mail.example.com ESMTP\r\n\r\n") as server:
        assert client_of(server.base_url).post_invoice(order()).stage == "sent_no_answer"


def test_a_long_answer_is_read_up_to_the_limit(client_of: ClientOf) -> None:
    """An answer over the limit is cut there and marked."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n"
    with scripted_server(head + b"x" * 5_000_000) as server:
        exchange = client_of(server.base_url, max_answer_bytes=2048).post_invoice(order())
    assert (len(exchange.body), exchange.body_complete) == (2048, False)
    assert "2048" in str(exchange.problem)


@pytest.mark.parametrize(
    ("plain", "complete"), [(b'{"success": true}', True), (b"x" * 9**7, False)]
)
def test_a_packed_answer_is_unpacked_up_to_the_limit(
    plain: bytes, complete: bool, client_of: ClientOf
) -> None:
    """A gzip answer is read although it was not asked for; one that swells is cut at the limit."""
    packed = gzip.compress(plain)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    with scripted_server(head.encode() + packed) as server:
        exchange = client_of(server.base_url, max_answer_bytes=8192).post_invoice(order())
    assert exchange.body_complete is complete
    assert exchange.body == plain[:8192]


def test_a_refused_connection_is_not_sent(client_of: ClientOf) -> None:
    """Where nobody listens, nothing was sent, and the text says where to look."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        base_url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    client = client_of(base_url)
    exchange = client.post_invoice(order())
    assert (exchange.stage, exchange.configuration) == ("not_sent", False)
    assert base_url in str(exchange.problem)
    with pytest.raises(Unavailable, match="cannot connect"):
        client.check()
    with pytest.raises(Unavailable, match="cannot connect"):
        list(client.read_stock())


@pytest.mark.parametrize("in_words", [False, True])
def test_too_many_requests_quiets_the_whole_client(
    in_words: bool, retail_pro: RetailProStandIn, client_of: ClientOf
) -> None:
    """After a 429 no call goes out until the time the server named, in seconds or as a date."""
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    retail_pro.program("status", status=429, retry_after=at if in_words else "90", times=1)
    client = client_of(retail_pro.base_url)

    first = client.post_invoice(order("1"))
    second = client.post_invoice(order("2"))

    assert first.status == 429
    assert first.retry_after is not None
    assert 60 < first.retry_after <= 90
    assert second.stage == "not_sent"
    assert second.retry_after is not None
    assert 60 < second.retry_after <= 90
    assert len(retail_pro.requests()) == 1


def test_the_bytes_are_asked_for_before_anything_is_sent(
    retail_pro: RetailProStandIn, client_of: ClientOf
) -> None:
    """What the asking raises reaches the caller, and Retail Pro has seen nothing."""

    def refuse() -> Posting:
        raise RuntimeError("the lease has run out")

    with pytest.raises(RuntimeError, match="the lease has run out"):
        client_of(retail_pro.base_url).post_invoice(refuse)
    assert retail_pro.requests() == []


def test_no_more_calls_than_allowed_are_under_way(
    retail_pro: RetailProStandIn, client_of: ClientOf
) -> None:
    """Ten threads never have more than two calls under way."""
    retail_pro.retail_pro.latency_ms = 5
    client = client_of(retail_pro.base_url, parallel_calls=2)
    started, most, lock = 0, 0, threading.Lock()

    def counted(number: int) -> Posting:
        nonlocal started, most
        with lock:
            # A call makes room only when it has ended, and by then its invoice is there.
            started += 1
            most = max(most, started - len(retail_pro.invoices()))
        return order(str(number))()

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda number: client.post_invoice(lambda: counted(number)), range(20)))
    assert len(retail_pro.invoices()) == 20
    assert most <= 2


def test_stock_is_read_to_the_last_page(retail_pro: RetailProStandIn, client_of: ClientOf) -> None:
    """Every row comes once, also fractions and negatives, whatever the page size."""
    retail_pro.put_stock({"SVA32": {str(n): Decimal(n) / 4 - 1 for n in range(7)}})
    client = client_of(retail_pro.base_url, stock_page_size=3)
    rows = {row.upc: row.quantity for row in client.read_stock()}
    assert rows == {str(n): Decimal(n) / 4 - 1 for n in range(7)}


@pytest.mark.parametrize(
    ("settings", "body", "said"),
    [
        ({}, b'[{"store_code": "A", "upc": "1"}]', "stock_quantity_member"),
        ({}, b'[{"store_code": "A", "upc": "1", "quantity": "many"}]', "stock_quantity_member"),
        ({}, b'{"data": []}', "stock_rows_pointer"),
        ({}, b'[{"store_code": "A", "upc": "1", "quantity": 1}]', "does not page"),
        (
            {"stock_rows_pointer": "/data", "stock_upc_member": "alu"},
            b'{"data": [{"store_code": "A", "upc": "1", "quantity": 1}]}',
            "stock_upc_member",
        ),
    ],
)
def test_stock_that_cannot_be_read_names_the_setting(
    settings: dict[str, str], body: bytes, said: str, client_of: ClientOf
) -> None:
    """Where the rows are not as the settings say, the text names the setting."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with (
        scripted_server(head + body) as server,
        pytest.raises(ConfigurationProblem, match=said),
    ):
        list(client_of(server.base_url, **settings).read_stock())


@pytest.mark.parametrize(
    ("value", "seconds"), [("0", 0), ("-1", None), ("soon", None), ("99999", 3600), ("1.5", None)]
)
def test_retry_after_is_read_with_care(
    value: str, seconds: float | None, retail_pro: RetailProStandIn, client_of: ClientOf
) -> None:
    """A wait is at most an hour, and one that cannot be read is no wait."""
    retail_pro.program("status", status=503, retry_after=value)
    assert client_of(retail_pro.base_url).post_invoice(order()).retry_after == seconds
