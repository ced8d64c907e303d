"""Connections that ask for nothing: they take neither the last place nor the last file, and fill no log."""

from __future__ import annotations

import contextlib
import resource
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from tests.fixtures_receiver import RunningReceiver, sale
from tests.receiver.test_limits import HEAD, exchange, status

Start = Callable[..., RunningReceiver]


@contextlib.contextmanager
def idle(port: int, count: int) -> Iterator[None]:
    """Hold connections open that never say anything."""
    with contextlib.ExitStack() as lines:
        for _ in range(count):
            lines.enter_context(socket.create_connection(("127.0.0.1", port), 30))
        yield


def test_the_one_that_waits_longest_makes_room(start_receiver: Start) -> None:
    """A till that has something to say is served however many connections are idle."""
    receiver = start_receiver(options={"most_connections": 20, "header_seconds": 60})
    with idle(receiver.port, 100):
        assert [receiver.post(sale(f"N-{n}")).status_code for n in range(5)] == [201] * 5
    assert "slow_connections_closed_total" in receiver.metrics()
    assert len(receiver.log) < 5_000


def test_idle_scrapers_hold_up_neither_tills_nor_scrapers(start_receiver: Start) -> None:
    """The metrics have a small limit of their own, and no thread for each connection."""
    receiver = start_receiver(options={"header_seconds": 60})
    assert receiver.process is not None
    process = Path(f"/proc/{receiver.process.pid}")
    before = len(list((process / "task").iterdir()))
    with idle(receiver.metrics_port, 100):
        assert receiver.post(sale("N-1")).status_code == 201
        assert "tillbridge_receiver_ready" in receiver.metrics()
        assert len(list((process / "fd").iterdir())) < 100
        assert len(list((process / "task").iterdir())) < before + 20


def test_no_file_left_is_one_line(start_receiver: Start) -> None:
    """The log is not filled with it, and when there are files again, tills are served."""
    receiver = start_receiver(options={"header_seconds": 1})
    assert receiver.process is not None
    process = receiver.process.pid
    assert receiver.post(sale("N-1")).status_code == 201
    limits = resource.prlimit(process, resource.RLIMIT_NOFILE)
    taken = max(int(file.name) for file in Path(f"/proc/{process}/fd").iterdir())
    resource.prlimit(process, resource.RLIMIT_NOFILE, (taken + 4, limits[1]))
    said = "No connection can be accepted"
    with idle(receiver.port, 60):
        until = time.monotonic() + 30
        while said not in receiver.log and time.monotonic() < until:
            time.sleep(0.1)
    resource.prlimit(process, resource.RLIMIT_NOFILE, limits)
    answer = None
    while answer is None and time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            answer = receiver.post(sale("N-2"))
    assert answer is not None
    assert answer.status_code == 201
    assert receiver.log.count(said) == 1
    assert "Traceback" not in receiver.log


SPELLINGS = [
    b"Content-Length: 2\r\nContent-Length: 3",
    b"Content-Length: 2, 3",
    b"Content-Length: +2",
    b"Content-Length: 1_0",
    b"Content-Length: -1",
    b"Content-Length: 0x2",
    b"Content-Length: " + b"9" * 5000,
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Content-Length: 2\r\nTransfer-Encoding: chunked",
    b"Content-Length: 2\r\nContent-Encoding: identity\r\nContent-Encoding: gzip",
    b"Content-Length: 2\r\nAuthorization: Bearer x",
    b"Content-Length: 2\r\nContent-Type: text/plain",
    b"Content-Length: 2\r\nX-API-Key: a\r\nx-api-key: b",
    b"Content-Length: 2\r\nwebhook-signature: v1,a\r\nWebhook-Signature: v1,b",
]


def test_what_two_could_understand_differently_is_refused(receiver: RunningReceiver) -> None:
    """Odd lengths and encodings, and each header that counts twice: 400, closed, and nothing smuggled."""
    smuggled = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    for spelling in SPELLINGS:
        answer = exchange(receiver, HEAD + spelling + b"\r\n\r\n{}" + smuggled)
        assert status(answer) in {400, 501}, spelling
        assert answer.count(b"HTTP/1.1 ") == 1, spelling
    assert receiver.files("refused") == {}
    assert "Traceback" not in receiver.log


def test_refusals_leave_a_line_and_anybodys_headers_none(receiver: RunningReceiver) -> None:
    """Who is refused is found in the log, once a minute of a kind; nobody can fill it."""
    for number in range(30):
        receiver.post(sale(f"N-{number}"), "token-of-the-first-till-mistyped")
        receiver.post(b"{}")
        receiver.post(b"{}", Upgrade="websocket", Connection="Upgrade")
        exchange(receiver, b"\x16\x03\x01 is no HTTP\r\n\r\n")
    lines = [line for line in receiver.log.splitlines() if "Refused: " in line]
    assert (
        len([line for line in lines if "unauthorized, of nobody known, from 127.0.0.1" in line])
        == 1
    )
    assert len([line for line in lines if "unfit, of north, from 127.0.0.1" in line]) == 1
    assert len([line for line in lines if "no_http, of nobody known, from 127.0.0.1" in line]) == 1
    assert len(receiver.log.splitlines()) < 30
    assert "WebSocket" not in receiver.log
    assert "mistyped" not in receiver.log
