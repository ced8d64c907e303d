"""How many TLogs a second the receiver takes for good, and how long a till waits."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx
import psutil

from benchmarks.installation import REPOSITORY, WORK
from benchmarks.results import Table, publish
from sandbox.baskets import day_of
from sandbox.catalog import BRANDS
from sandbox.openssh import Sshd, free_port, make_key
from sandbox.platform import stop
from tillbridge.contracts import json_text
from tillbridge.database.engine import connect
from tillbridge.database.upgrading import upgrade

POSTS = 1_000
TILLS = 32
SLOW = 500
_TOKEN = "bench-till-0123456789abcdef"  # noqa: S105 - a secret of nobody
_NOTES = f"""\
{POSTS:,} different TLogs of about 3 KB, posted by {TILLS} tills at a time over kept connections; client, server
and SFTP server share the machine. "durable" answers 201 when the file is on a real OpenSSH server: written
under a temporary name, forced to disk, read back, renamed, its folder forced to disk; its receipt is committed
in SQLite before. "inbox" answers 202 when the bytes are committed in SQLite; a shipper writes the files
meanwhile. "bare" is the same framework that parses the body, answers and keeps nothing. "{SLOW} slow" is
durable while {SLOW} connections have sent half a header and wait. p50 and p99 are milliseconds of one post."""


def main() -> None:
    """Measure each way, print and write down."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    server = Sshd(WORK, WORK / "root", make_key(WORK / "client_key"))
    (WORK / "root").mkdir()
    server.start()
    figures: dict[str, dict[str, float]] = {}
    try:
        with _bare() as url:
            figures["bare"] = _post_all(url, "bare")
        with _receiver(server, "sftp") as (url, process):
            figures["durable"] = _post_all(url, "durable")
            with _slow_connections(url):
                figures[f"{SLOW} slow"] = _post_all(url, "slow")
            figures[f"{SLOW} slow"]["megabytes"] = process.memory_info().rss / (1 << 20)
        with _receiver(server, "inbox") as (url, _):
            figures["inbox"] = _post_all(url, "inbox")
    finally:
        server.stop()
    bare = figures["bare"]["per_second"]
    table = Table(
        "Posts",
        ("", "posts/s", "of bare", "p50 ms", "p99 ms", "p99 against bare", "memory MB"),
        [
            (
                name,
                f"{one['per_second']:.0f}",
                f"{one['per_second'] / bare:.2f}",
                f"{one['p50']:.0f}",
                f"{one['p99']:.0f}",
                f"{one['p99'] / figures['bare']['p99']:.1f}",
                f"{one['megabytes']:.0f}" if "megabytes" in one else "",
            )
            for name, one in figures.items()
        ],
    )
    publish("receiving", "How fast are TLogs taken for good?", [table], _NOTES, figures)


def _bodies(name: str) -> Iterator[bytes]:
    store = BRANDS[0].facilities[0]
    for day in range(1_000):
        opens_at = datetime(2026, 11, 20, 13, tzinfo=UTC)
        for basket in day_of(BRANDS[0], store, day, opens_at, 100, f"{name}{day}-"):
            if basket.kind != "return":
                yield json_text.write(basket.document)


def _post_all(url: str, name: str) -> dict[str, float]:
    bodies = [body for body, _ in zip(_bodies(name), range(POSTS), strict=False)]
    headers = {"authorization": f"Bearer {_TOKEN}", "content-type": "application/json"}
    limits = httpx.Limits(max_connections=TILLS, max_keepalive_connections=TILLS)
    with (
        httpx.Client(headers=headers, timeout=60, limits=limits) as client,
        ThreadPoolExecutor(TILLS) as threads,
    ):

        def post(body: bytes) -> float:
            started = time.perf_counter()
            status = client.post(f"{url}/tlog", content=body).status_code
            assert status in {201, 202}, status
            return time.perf_counter() - started

        started = time.perf_counter()
        seconds = list(threads.map(post, bodies))
        whole = time.perf_counter() - started
    cuts = quantiles(seconds, n=100)
    found = {"per_second": POSTS / whole, "p50": 1000 * cuts[49], "p99": 1000 * cuts[98]}
    print(name, found, flush=True)
    return found


@contextmanager
def _bare() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.bare_receiver", str(port)]
    process = subprocess.Popen(command, cwd=REPOSITORY)
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


@contextmanager
def _receiver(server: Sshd, ack: str) -> Iterator[tuple[str, psutil.Process]]:
    port, database = free_port(), f"sqlite:///{WORK / ack}.db"
    upgrade(connect(database))
    config = WORK / f"{ack}.toml"
    config.write_text(_config(server, ack, port, database))
    command = [str(Path(sys.executable).parent / "tillbridge-receiver"), "--config", str(config)]
    with (WORK / "receiver.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
    finally:
        stop(process, 60)


def _config(server: Sshd, ack: str, port: int, database: str) -> str:
    def text(value: Any) -> str:
        return json_text.write(value).decode()

    settings = server.settings()
    return f"""\
[database]
url = {text(database)}

[sftp]
host = "127.0.0.1"
port = {server.port}
user = {text(settings.user)}
private_key = {text(f"file:{server.client_key}")}
host_keys = {text(settings.host_keys)}
connections = 4
channels_per_connection = 8

[profiles.tillbridge]
product_store_id = "SV_STORE"
brand = "Bench"

[receiver]
ack = "{ack}"
port = {port}
metrics_port = {free_port()}
requests_per_second = 100000
burst = 100000
client_requests_per_second = 100000
client_burst = 100000
clients = {{ bench = {{ bearer_tokens = [{text(_TOKEN)}] }} }}
"""


@contextmanager
def _slow_connections(url: str) -> Iterator[None]:
    port = int(url.rpartition(":")[2])
    with ExitStack() as stack:
        for _ in range(SLOW):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            one.sendall(b"POST /tlog HTTP/1.1\r\nHost: x\r\nContent-")
        yield


def _wait_for(port: int) -> None:
    give_up_at = time.monotonic() + 60
    while time.monotonic() < give_up_at:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"nobody answers: {(WORK / 'receiver.log').read_text()[-2000:]}")
