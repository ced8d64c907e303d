"""What the receiver takes no part in: too large, too fast, too slow, too many."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.fixtures_receiver import TOKEN, RunningReceiver, sale

Start = Callable[..., RunningReceiver]
HEAD = (
    b"POST /tlog HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer "
    + TOKEN.encode()
    + b"\r\n"
)


def exchange(receiver: RunningReceiver, *pieces: bytes, seconds: float = 30) -> bytes:
    """Send bytes as they are, and give all that comes back until the connection ends."""
    with socket.create_connection(("127.0.0.1", receiver.port), seconds) as line:
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                line.sendall(piece)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while chunk := line.recv(65536):
                answer += chunk
        return answer


def status(answer: bytes) -> int:
    return int(answer[9:12]) if answer else 0


def test_size_and_type(start_receiver: Start) -> None:
    """The declared size is believed, a longer body is cut off, and only plain JSON is taken."""
    receiver = start_receiver(
        options={"largest_body_bytes": 20_000, "body_seconds": 2, "header_seconds": 2}
    )
    fits = json.dumps(sale("N-1", note=["n" * 1000] * 19)).encode()
    large = json.dumps(sale("N-2", note=["n" * 1000] * 20)).encode()

    def in_chunks(body: bytes) -> Iterator[bytes]:
        for start in range(0, len(body), 1000):
            yield body[start : start + 1000]

    def send(body: bytes, **headers: str) -> int:
        sent = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", **headers}
        content = in_chunks(body) if headers.get("Transfer-Encoding") else body
        return receiver.http.post(f"{receiver.url}/tlog", content=content, headers=sent).status_code

    assert send(fits) == 201
    assert send(fits, **{"Transfer-Encoding": "chunked"}) == 200
    assert send(large) == 413
    assert send(large, **{"Transfer-Encoding": "chunked"}) == 413
    assert send(fits, **{"Content-Type": "application/json; charset=UTF-8"}) == 200
    assert send(fits, **{"Content-Type": "application/json; charset=latin-1"}) == 415
    assert send(fits, **{"Content-Type": "text/plain"}) == 415
    assert send(gzip.compress(fits), **{"Content-Encoding": "gzip"}) == 415
    both = HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert status(exchange(receiver, both)) == 400
    assert status(exchange(receiver, HEAD + b"X-Long: " + b"x" * 20_000 + b"\r\n\r\n")) == 400

    crumbs = b"".join(b"1\r\n%c\r\n" % byte for byte in fits) + b"0\r\n\r\n"
    head = HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert status(exchange(receiver, head + crumbs)) == 200

    with socket.create_connection(("127.0.0.1", receiver.port), 30) as line:
        line.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        until = time.monotonic() + 30
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < until:
                line.sendall(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
        assert time.monotonic() < until, "an endless body was read for ever"
    assert 'answers_total{route="/tlog",status="413"} 3.0' in receiver.metrics()


SLOW = [
    b"",
    b"POST /tlog HT",
    HEAD,
    HEAD + b"Content-Length: 100\r\n\r\n{",
    HEAD + b"Content-Length: 9\r\n\r\n",
]


def test_slow_clients_hold_up_nobody(start_receiver: Start) -> None:
    """500 of them are hung up on in time, while a good client is served at its usual speed."""
    receiver = start_receiver(options={"header_seconds": 4, "body_seconds": 4})
    lines = []
    for number in range(500):
        line = socket.create_connection(("127.0.0.1", receiver.port), 30)
        line.sendall(SLOW[number % len(SLOW)])
        lines.append(line)
    opened = time.monotonic()
    times = []
    for number in range(20):
        began = time.monotonic()
        assert receiver.post(sale(f"N-{number}")).status_code == 201
        times.append(time.monotonic() - began)
    assert sorted(times)[-2] < 4, "slow ones are waited for"

    answers = []
    for line in lines:
        answer = b""
        with contextlib.suppress(ConnectionError):
            while chunk := line.recv(65536):
                answer += chunk
        answers.append(status(answer))
        line.close()
    assert time.monotonic() - opened < 60
    assert answers == [0, 0, 0, 408, 408] * 100
    closed = re.search(
        r"(?m)^tillbridge_receiver_slow_connections_closed_total (\S+)", receiver.metrics()
    )
    assert closed is not None
    assert float(closed[1]) >= 300


def test_a_trickle_is_no_way_around_the_deadline(start_receiver: Start) -> None:
    """The head has to be whole in time, however often a byte of it comes."""
    receiver = start_receiver(options={"header_seconds": 1})
    with socket.create_connection(("127.0.0.1", receiver.port), 30) as line:
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            for byte in HEAD * 5:
                line.sendall(bytes([byte]))
                time.sleep(0.1)
        assert time.monotonic() - began < 5


def test_a_connection_is_used_again(receiver: RunningReceiver) -> None:
    """Keeping a connection open between requests is no slowness, nor is sending several at once."""
    request = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    closing = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", receiver.port), 30) as line:
        line.sendall(request)
        first = line.recv(65536)
        time.sleep(1)
        line.sendall(request + closing)
        rest = b""
        while chunk := line.recv(65536):
            rest += chunk
    assert status(first) == 200
    assert rest.count(b"HTTP/1.1 200") == 2


def test_more_than_may_be_stored_at_once_wait(start_receiver: Start) -> None:
    """They are not refused as long as it takes no more than a few seconds."""
    receiver = start_receiver(options={"parallel_requests": 1})
    with ThreadPoolExecutor(10) as tills:
        answers = list(tills.map(lambda n: receiver.post(sale(f"N-{n}")).status_code, range(20)))
    assert answers == [201] * 20
