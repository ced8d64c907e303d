"""A Retail Pro stand-in, clients that call it, and servers that misbehave below HTTP."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from sandbox.retail_pro import RetailProStandIn
from sandbox.retail_pro_door import API_KEY, PASSWORD, TOKEN, USER
from tillbridge.clients.retail_pro import RetailProClient, RetailProSettings
from tillbridge.contracts import json_text
from tillbridge.contracts.http_exchange import Posting

UPC = "8720116122558"
SECRETS = {"user": USER, "password": PASSWORD, "token": TOKEN, "api_key": API_KEY}
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


def order_body(order_no: str = "1001", **changes: Any) -> bytes:
    """Give a good order of one line (two pieces), with members replaced by `changes`."""
    person = {
        "FirstName": "Ana",
        "LastName": "Lopez",
        "Email": "ana@example.com",
        "Address1": "Calle 8",
        "NoDocument": "01234567-8",
        "TypeDocument": "dui",
    }
    item = {
        "UPC": UPC,
        "OrigPrice": 50,
        "OrigTax": 5.75,
        "Price": 40,
        "Tax": 4.6,
        "Qty": 2,
        "StoreOrig": "A32",
    }
    order = {
        "InvoicingStore": "SVA32",
        "OrderNo": order_no,
        "CreatedDate": "2023-03-20T11:29:00",
        "DeliveryType": 2,
        "PaymentType": 1,
        "TotalAmt": 89.2,
        "FiscalCredit": "false",
        "CustomerBilling": person,
        "CustomerShipping": person,
        "Items": [item],
    }
    return json_text.write(order | changes)


def order(order_no: str = "1001", key: str | None = None, **changes: Any) -> Callable[[], Posting]:
    """Give the same order as the client asks for it: as a call."""
    return lambda: Posting(order_body(order_no, **changes), key)


@pytest.fixture
def start_retail_pro(tmp_path: Path) -> Iterator[Callable[..., RetailProStandIn]]:
    """Start a stand-in with options of its own; it stops with the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(
            RetailProStandIn(tmp_path / "retail-pro", **options)
        )


@pytest.fixture
def retail_pro(start_retail_pro: Callable[..., RetailProStandIn]) -> RetailProStandIn:
    """Give a stand-in that asks for no credential."""
    return start_retail_pro()


@pytest.fixture
def client_of() -> Iterator[Callable[..., RetailProClient]]:
    """Make a client for a base URL, with settings of its own; it is closed with the test."""
    with ExitStack() as stack:
        yield lambda base_url, **settings: stack.enter_context(
            RetailProClient(RetailProSettings(base_url=base_url, **settings))
        )


@contextmanager
def scripted_server(
    answer: bytes, *, pause: float = 0, tls: ssl.SSLContext | None = None
) -> Iterator[ScriptedServer]:
    """Serve `answer` once per connection on a loopback port, byte by byte where there is a `pause`."""
    server = ScriptedServer(answer, pause, tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.stopping = True
        server.shutdown()
        thread.join()
        server.server_close()


class ScriptedServer(socketserver.ThreadingTCPServer):
    """Counts the requests it reads and writes its answer as it was told."""

    def __init__(self, answer: bytes, pause: float, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Scripted)
        # It closes after each answer, and like a good server says so.
        self.answer = answer.replace(b"200 OK\r\n", b"200 OK\r\nConnection: close\r\n")
        self.pause = pause
        self.tls = tls
        self.requests: list[bytes] = []
        self.stopping = False
        scheme = "https" if tls else "http"
        self.base_url = f"{scheme}://127.0.0.1:{self.server_address[1]}"


class _Scripted(socketserver.BaseRequestHandler):
    server: ScriptedServer

    def handle(self) -> None:
        self.request.settimeout(10)
        with contextlib.suppress(OSError), ExitStack() as stack:
            connection = self.request
            if self.server.tls is not None:
                connection = stack.enter_context(
                    self.server.tls.wrap_socket(connection, server_side=True)
                )
            self.server.requests.append(_read_request(connection))
            if not self.server.pause:
                connection.sendall(self.server.answer)
                return
            for byte in self.server.answer:
                if self.server.stopping:
                    return
                time.sleep(self.server.pause)
                connection.sendall(bytes([byte]))


class TalkingServer(socketserver.ThreadingTCPServer):
    """Keeps its connections open and writes to each request what `reply` makes of it.

    `reply` gets the request's text and the connection it came on, to write on it later as well.
    """

    daemon_threads = True

    def __init__(self, reply: Callable[[str, socket.socket], bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Talking)
        self.reply = reply
        self.connections: list[socket.socket] = []
        self.requests: list[str] = []
        self.base_url = f"http://127.0.0.1:{self.server_address[1]}"


class _Talking(socketserver.BaseRequestHandler):
    server: TalkingServer

    def handle(self) -> None:
        self.server.connections.append(self.request)
        with contextlib.suppress(OSError):
            while request := _read_request(self.request).decode():
                self.server.requests.append(request)
                self.request.sendall(self.server.reply(request, self.request))


@contextmanager
def talking_server(reply: Callable[[str, socket.socket], bytes]) -> Iterator[TalkingServer]:
    """Serve what `reply` makes of each request on a loopback port."""
    server = TalkingServer(reply)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def http_answer(body: bytes, *, status: str = "200 OK", **headers: str) -> bytes:
    """Write an answer that leaves the connection open; `headers` with _ for -."""
    named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status}\r\n{named}Content-Length: {len(body)}\r\n\r\n"
    return head.encode("latin-1") + body


def _read_request(connection: Any) -> bytes:
    head, body = b"", b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65536)
        if not piece:
            return b""
        head += piece
    head, _, body = head.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        ),
        0,
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body
