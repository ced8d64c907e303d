"""What was acknowledged is there: through kills, and while SFTP is down, full or silent."""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from sandbox.cutting_proxy import CuttingProxy
from sandbox.openssh import SFTP_SERVER, Sshd
from tests.fixtures_receiver import FOLDER, RunningReceiver, sale
from tillbridge.receiver.notices import Notices

Start = Callable[..., RunningReceiver]


def shipped(receiver: RunningReceiver, count: int, place: str = "") -> dict[str, bytes]:
    """Wait until so many files are in a place of the TLog folder."""
    until = time.monotonic() + 60
    while len(receiver.files(place)) < count and time.monotonic() < until:
        time.sleep(0.1)
    return receiver.files(place)


def pull_the_plug(sshd: Sshd) -> None:
    """Stop the server with all its sessions."""
    assert sshd.process is not None
    sessions = psutil.Process(sshd.process.pid).children(recursive=True)
    sshd.stop()
    for session in sessions:
        with contextlib.suppress(psutil.NoSuchProcess):
            session.kill()


class Till:
    """Posts until it has an acknowledgement, and writes down each one it gets."""

    def __init__(self, receiver: RunningReceiver, orders: int) -> None:
        self.receiver = receiver
        self.bodies = {f"K-{n}": json.dumps(sale(f"K-{n}")).encode() for n in range(orders)}
        self.acknowledged: dict[str, set[str]] = {}

    def post(self, order_id: str) -> None:
        try:
            answer = self.receiver.post(self.bodies[order_id])
        except httpx.TransportError:
            return
        assert answer.status_code in {200, 201, 202, 503}, answer.text
        if answer.is_success:
            self.acknowledged.setdefault(order_id, set()).add(answer.json()["receipt_id"])

    def open_orders(self) -> list[str]:
        return [order_id for order_id in self.bodies if order_id not in self.acknowledged]


@pytest.mark.parametrize(("ack", "kills"), [("sftp", 8), ("inbox", 3)])
def test_a_killed_receiver_loses_nothing_and_stores_nothing_twice(
    start_receiver: Start, ack: str, kills: int
) -> None:
    """Each acknowledged order has one intact file and one receipt, and a repeat finishes the others."""
    receiver = start_receiver(options={"ack": ack})
    till = Till(receiver, 40)
    chance = random.Random(7)  # noqa: S311
    with ThreadPoolExecutor(4) as lanes:
        for number in range(kills):
            posts = [lanes.submit(till.post, order_id) for order_id in till.open_orders()[:12]]
            time.sleep(chance.uniform(0.01, 0.25))
            receiver.kill()
            for post in posts:
                post.result(30)
            told = dict(till.acknowledged)
            if ack == "sftp":
                files = [json.loads(body)["orderId"] for body in receiver.files().values()]
                assert set(told) <= set(files), f"after kill {number + 1}"
            receiver.start()
        while waiting := till.open_orders():
            list(lanes.map(till.post, waiting))
        list(lanes.map(till.post, till.bodies))  # once more: all of them are repeats now

    assert all(len(receipts) == 1 for receipts in till.acknowledged.values())
    files = shipped(receiver, 40)
    assert sorted(files.values()) == sorted(till.bodies.values())


def test_while_sftp_is_down_nothing_is_acknowledged(receiver: RunningReceiver, sshd: Sshd) -> None:
    """503 with Retry-After, not ready; when it is back, the repeat is stored once."""
    assert receiver.post(sale("N-1")).status_code == 201
    pull_the_plug(sshd)

    down = [receiver.post(sale("N-2")) for _ in range(2)]
    known = receiver.post(sale("N-1"))
    other = receiver.post(sale("N-1", storeId="9"))

    assert [answer.status_code for answer in down] == [503, 503]
    assert down[0].headers["retry-after"] == "30"
    assert known.status_code == 200
    assert other.status_code == 503  # it cannot be kept aside either
    ready = receiver.http.get(f"{receiver.url}/ready")
    assert (ready.status_code, ready.json()) == (
        503,
        {"database": True, "sftp": False, "space": True},
    )
    assert receiver.http.get(f"{receiver.url}/health").status_code == 200

    sshd.start()
    assert receiver.post(sale("N-2")).status_code == 201
    assert len(receiver.files()) == 2
    assert 'result="unavailable"} 3.0' in receiver.metrics()


def test_a_silent_sftp_server_is_answered_in_time(
    start_receiver: Start, proxy: CuttingProxy
) -> None:
    """A till is not kept waiting for a server that says nothing."""
    receiver = start_receiver(sftp_port=proxy.port, options={"store_seconds": 1})
    proxy.freeze()
    began = time.monotonic()
    assert receiver.post(sale("N-1")).status_code == 503
    assert time.monotonic() - began < 9  # the server's own time-outs add up to ten seconds and more


@pytest.mark.skipif(SFTP_SERVER is None, reason="no sftp-server program on this machine")
def test_a_full_disk_is_no_success(start_receiver: Start, sshd: Sshd) -> None:
    """Nothing is left half written, and once there is room the repeat is stored."""
    script = sshd.state / "small-disk"
    script.write_text(
        f"#!/bin/bash\ntrap '' XFSZ\nulimit -f 2\ncd {sshd.root}\nexec {SFTP_SERVER} -d {sshd.root}\n"
    )
    script.chmod(0o755)
    sshd.stop()
    sshd.start(subsystem=str(script))
    receiver = start_receiver()
    large = sale("N-1", note=["n" * 4000] * 3)

    assert receiver.post(sale("N-2")).status_code == 201
    assert receiver.post(large).status_code == 503
    assert [name for name in sshd.files() if "N-1" in (sshd.root / name).read_text()] == []

    receiver.stop()
    sshd.stop()
    sshd.start()
    receiver.start()
    assert receiver.post(large).status_code == 201
    assert len(receiver.files()) == 2
    assert len(sshd.files()) == 2


def change(receiver: RunningReceiver, statement: str) -> None:
    """Put the database into the state that a crash at a certain moment leaves."""
    with sqlite3.connect(receiver.database_url.removeprefix("sqlite:///")) as connection:
        connection.execute(statement)
    connection.close()


NOT_YET_STORED = "UPDATE tlog_receipt SET state = 'storing', stored_at = NULL, lease_until = "
SOON, LONG_AGO = "'2099-01-01 00:00:00.000000'", "'2020-01-01 00:00:00.000000'"


def test_a_repeat_after_a_crash_finishes_under_the_same_name(receiver: RunningReceiver) -> None:
    """Whether the crash came before the file or after it; the day is that of the first try."""
    receiver.post(sale("N-1"))
    change(receiver, "UPDATE tlog_receipt SET file_name = replace(file_name, '_2', '_1')")
    [old] = (receiver.sshd.root / FOLDER).glob("*.json")
    name = old.name.replace("_2", "_1")
    for was_written in (True, False):
        change(receiver, NOT_YET_STORED + SOON)
        if was_written:
            old.rename(old.with_name(name))
        else:
            old.with_name(name).unlink()
        assert receiver.post(sale("N-1")).status_code == 201
        assert list(receiver.files()) == [name]


def test_other_content_after_a_crash(receiver: RunningReceiver) -> None:
    """It has to wait while somebody may still be storing; then the file decides who was first."""
    first, other = sale("N-1"), sale("N-1", storeId="9")
    receiver.post(first)
    change(receiver, NOT_YET_STORED + SOON)
    began = time.monotonic()
    busy = receiver.post(other)
    assert (busy.status_code, busy.json()["code"]) == (409, "in_progress")
    assert int(busy.headers["retry-after"]) > 0
    assert 4 < time.monotonic() - began < 10

    change(receiver, NOT_YET_STORED + LONG_AGO)
    assert receiver.post(other).json()["code"] == "conflict"  # the file of the first stands
    assert receiver.post(first).status_code == 200

    [path] = (receiver.sshd.root / FOLDER).glob("*.json")
    path.unlink()
    change(receiver, NOT_YET_STORED + LONG_AGO)
    assert receiver.post(other).status_code == 201  # nobody was told that the first was stored
    assert receiver.post(first).json()["code"] == "conflict"
    assert [json.loads(body)["storeId"] for body in receiver.files().values()] == ["9"]


@pytest.mark.usefixtures("database_url")
def test_inbox_mode(start_receiver: Start, sshd: Sshd) -> None:
    """202 while SFTP is down; a restarted receiver ships what waits, and the receipt says so."""
    receiver = start_receiver(options={"ack": "inbox"})
    pull_the_plug(sshd)
    receipts = [receiver.post(sale(f"N-{n}")) for n in range(5)]
    assert [answer.status_code for answer in receipts] == [202] * 5
    assert {answer.json()["state"] for answer in receipts} == {"accepted"}
    assert receiver.post(sale("N-1")).status_code == 200
    assert receiver.post(sale("N-1", storeId="9")).json()["code"] == "conflict"
    assert receiver.post(b"{}").status_code == 422
    receiver.kill()
    sshd.start()
    receiver.start()

    assert len(shipped(receiver, 5)) == 5
    until = time.monotonic() + 30
    while receiver.post(sale("N-1")).json()["state"] != "stored" and time.monotonic() < until:
        time.sleep(0.1)
    repeat = receiver.post(sale("N-1"))
    assert repeat.json()["receipt_id"] == receipts[1].json()["receipt_id"]
    assert repeat.json()["state"] == "stored"
    assert len(shipped(receiver, 1, "conflict")) == len(shipped(receiver, 1, "refused")) == 1


def test_the_hook_hears_of_new_tlogs_and_may_fail() -> None:
    """The first at once, the rest together, and an answer never depends on it."""
    told: list[int] = []
    called = threading.Event()

    def hook(count: int) -> None:
        told.append(count)
        called.set()
        raise RuntimeError("Prefect is down")

    notices = Notices(hook, seconds=60)
    notices.start()
    notices.arrived()
    assert called.wait(10)
    for _ in range(5):
        notices.arrived()
    notices.stop(10)
    assert told == [1, 5]
