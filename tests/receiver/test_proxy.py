"""The nginx configuration of deploy/, run as it is documented, with slow clients before it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sandbox.openssh import free_port
from tests.fixtures_nginx import DEPLOY, running_nginx
from tests.fixtures_receiver import TOKEN, RunningReceiver, sale

pytestmark = pytest.mark.slow


@pytest.fixture
def nginx(tmp_path: Path, receiver: RunningReceiver) -> Iterator[int]:
    """Run the documented configuration, with the test's ports and certificate; gives its port."""
    state = tmp_path / "nginx"
    port = free_port()
    changes = {
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "127.0.0.1:8080": f"127.0.0.1:{receiver.port}",
        "/etc/ssl/tills.brand.example.pem": f"{state}/certificate.pem",
        "/etc/ssl/private/tills.brand.example.key": f"{state}/certificate.pem",
        "/etc/nginx/tlog_proxy.conf": str(DEPLOY / "nginx_tlog_proxy.conf"),
    }
    with running_nginx(state, "nginx.conf", port, changes):
        yield port


@pytest.fixture
def outside(tmp_path: Path, nginx: int) -> Iterator[httpx.Client]:
    """A client as tills are: over TLS, through the proxy."""
    trusted = ssl.create_default_context(cafile=str(tmp_path / "nginx/certificate.pem"))
    with httpx.Client(verify=trusted, base_url=f"https://127.0.0.1:{nginx}", timeout=60) as client:
        yield client


HEADERS = {"Authorization": f"Bearer {TOKEN}"}


def test_tills_reach_what_they_need_and_nothing_else(
    outside: httpx.Client, receiver: RunningReceiver
) -> None:
    """Posting and receipts pass; health, metrics and other methods do not, and limits hold."""
    answer = outside.post("/tlog", json=sale("N-1"), headers=HEADERS)
    assert answer.status_code == 201
    assert "max-age" in answer.headers["strict-transport-security"]
    assert answer.headers["server"] == "nginx"
    receipt = outside.get(answer.headers["location"], headers=HEADERS)
    assert receipt.json() == answer.json()
    assert outside.post("/tlog", json=sale("N-2")).status_code == 401
    assert outside.get("/tlog", headers=HEADERS).status_code == 403
    for path in ("/health", "/ready", "/metrics", "/openapi.json", "/tlog/"):
        assert outside.get(path, headers=HEADERS).status_code == 404
    large = outside.post("/tlog", content=b" " * (1024 * 1024 + 1), headers=HEADERS)
    assert large.status_code == 413
    assert len(receiver.files()) == 1


def test_slow_clients_before_the_proxy(
    outside: httpx.Client, nginx: int, tmp_path: Path, receiver: RunningReceiver
) -> None:
    """They are hung up on by nginx and never reach the receiver, which serves a good one meanwhile."""
    trusted = ssl.create_default_context(cafile=str(tmp_path / "nginx/certificate.pem"))
    head = f"POST /tlog HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n".encode()
    lines = []
    for number in range(120):
        plain = socket.create_connection(("127.0.0.1", nginx), 60)
        line = trusted.wrap_socket(plain, server_hostname="127.0.0.1")
        line.sendall([b"P", head, head + b"Content-Length: 99\r\n\r\n{"][number % 3])
        lines.append(line)
    began = time.monotonic()
    answers = [
        outside.post("/tlog", json=sale(f"N-{number}"), headers=HEADERS).status_code
        for number in range(10)
    ]
    assert answers == [201] * 10
    assert time.monotonic() - began < 10
    for line in lines:
        answer = b""
        with contextlib.suppress(OSError):
            while chunk := line.recv(4096):
                answer += chunk
        line.close()
        assert not answer.startswith(b"HTTP/1.1 2"), "nobody stored what never came"
    assert time.monotonic() - began < 35
    assert 'status="408"' not in receiver.metrics()
