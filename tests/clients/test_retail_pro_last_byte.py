"""After a call has ended nothing of it reaches Retail Pro, and one post is one request on one connection."""

from __future__ import annotations

import gzip
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from sandbox.retail_pro import RetailProStandIn
from tests.fixtures_retail_pro import OK, SECRETS, order, scripted_server
from tillbridge.clients.retail_pro import RetailProClient
from tillbridge.contracts.http_exchange import Posting

StartRetailPro = Callable[..., RetailProStandIn]
ClientOf = Callable[..., RetailProClient]

WORKER = """
import sys
from tillbridge.clients.retail_pro import RetailProClient, RetailProSettings
from tillbridge.contracts.http_exchange import Posting

def order():
    print("sending", flush=True)
    return Posting(b"x" * 100_000 + b"the end")

RetailProClient(RetailProSettings(base_url=sys.argv[1])).post_invoice(order)
"""


@pytest.fixture
def slow_server() -> Iterator[socket.socket]:
    """Listen with little room for what is not read yet, so that it piles up at the sender."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(5)
        yield server


def address(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}"


def everything(server: socket.socket) -> bytes:
    """Take the next connection and read until it ends."""
    connection, _ = server.accept()
    received = bytearray()
    with closing(connection):
        connection.settimeout(5)
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
    return bytes(received)


def test_a_server_that_wakes_up_late_does_not_get_the_order(
    slow_server: socket.socket, client_of: ClientOf
) -> None:
    """What the system held back for a slow server is not delivered once the deadline is over."""
    body = b"x" * 100_000 + b"the end"
    client = client_of(address(slow_server), deadline=0.3)
    assert client.post_invoice(lambda: Posting(body)).stage == "sent_no_answer"
    received = everything(slow_server)
    assert received.startswith(b"POST ")
    assert b"the end" not in received


def test_a_worker_that_is_killed_leaves_nothing_to_be_delivered(slow_server: socket.socket) -> None:
    """Nor does the system deliver it for a process that is dead."""
    worker = subprocess.Popen([sys.executable, "-c", WORKER, address(slow_server)], stdout=-1)
    assert worker.stdout
    with worker.stdout:
        assert worker.stdout.readline() == b"sending\n"
        time.sleep(0.2)
        worker.kill()
        worker.wait()
    received = everything(slow_server)
    assert received.startswith(b"POST ")
    assert b"the end" not in received


def test_bytes_that_come_too_late_are_not_sent(
    slow_server: socket.socket, client_of: ClientOf
) -> None:
    """A login that takes its time does not lengthen the call, and no thread is left that could send."""
    threads = threading.active_count()
    client = client_of(
        address(slow_server), credential_mode="prism_session", deadline=0.3, **SECRETS
    )
    started = time.monotonic()
    exchange = client.post_invoice(lambda: pytest.fail("nothing may be sent"))
    assert exchange.stage == "not_sent"
    assert time.monotonic() - started < 5
    assert threading.active_count() == threads
    assert b"POST" not in everything(slow_server)


def test_a_post_that_got_no_answer_is_not_sent_again(
    retail_pro: RetailProStandIn, client_of: ClientOf
) -> None:
    """A connection that was good once and is closed on the second order gives one request for each order."""
    client = client_of(retail_pro.base_url, parallel_calls=1)
    assert client.post_invoice(order("1")).status == 200
    for number, kind in enumerate(("drop", "reset", "cut", "hang"), 2):
        retail_pro.program(kind, order_no=str(number), seconds=600)
    for number in range(2, 5):
        exchange = client.post_invoice(order(str(number)))
        assert not exchange.body_complete
    assert [row.order_no for row in retail_pro.requests()] == ["1", "2", "3", "4"]


def test_one_post_makes_one_connection(client_of: ClientOf) -> None:
    """A server that hangs up on every connection sees exactly one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        seen: list[bytes] = []

        def hang_up() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    return
                with closing(connection):
                    seen.append(connection.recv(10))
                server.settimeout(0.3)

        thread = threading.Thread(target=hang_up)
        thread.start()
        exchange = client_of(address(server)).post_invoice(order())
        thread.join()
    assert exchange.stage == "sent_no_answer"
    assert seen == [b"POST /api/"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(
    status: int, retail_pro: RetailProStandIn, client_of: ClientOf
) -> None:
    """A redirect back to the working endpoint is told as it is; the order went out once, as a POST."""
    retail_pro.program("redirect", status=status, times=1)
    exchange = client_of(retail_pro.base_url).post_invoice(order())
    assert (exchange.stage, exchange.status) == ("answered", status)
    assert exchange.headers["location"].startswith(retail_pro.base_url)
    assert len(retail_pro.requests()) == 1
    assert retail_pro.invoices() == []


@pytest.mark.parametrize("kind", ["huge", "bomb"])
def test_an_answer_that_swells_is_cut_at_the_cap(
    kind: str, retail_pro: RetailProStandIn, client_of: ClientOf
) -> None:
    """The cap counts the bytes as they are read, unpacked ones too; the rest is left where it is."""
    retail_pro.program(kind, commit=True)
    exchange = client_of(retail_pro.base_url, max_answer_bytes=4096).post_invoice(order())
    assert (exchange.status, exchange.body_complete, len(exchange.body)) == (200, False, 4096)
    assert len(retail_pro.invoices()) == 1


def test_a_second_packed_part_is_not_overlooked(client_of: ClientOf) -> None:
    """An answer packed in two parts is not taken for its first."""
    packed = gzip.compress(b'{"success": true}') + gzip.compress(b"no")
    head = OK.split(b"\r\nContent-Length")[0]
    length = f"\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with scripted_server(head + length + packed) as server:
        assert not client_of(server.base_url).post_invoice(order()).body_complete
