"""What one store, one client or a stranger takes for itself is no loss of the others."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.fixtures_receiver import CLIENTS, OTHER_TOKEN, SIGNING_SECRET, RunningReceiver, sale
from tests.receiver.test_credentials import post, signed
from tests.receiver.test_limits import HEAD
from tillbridge.receiver.admission import Admission
from tillbridge.receiver.answers import Refusal
from tillbridge.receiver.pace import Budget, Pace, TokenBucket
from tillbridge.receiver.settings import ReceiverSettings

Start = Callable[..., RunningReceiver]
SIGNED = (
    b"POST /tlog HTTP/1.1\r\nHost: x\r\nwebhook-signature: v1,AAAA\r\nContent-Length: 15000\r\n\r\n"
)


def test_token_bucket() -> None:
    """It fills at its rate, up to its burst; who waits long enough has a turn, and nobody else takes one."""
    bucket = TokenBucket(rate=2, burst=2, now=100)
    assert [bucket.take(100), bucket.take(100), bucket.take(100)] == [0, 0, 0.5]
    assert [bucket.take(100, 1), bucket.take(100, 1), bucket.take(100, 1)] == [0.5, 1, 1.5]
    assert [bucket.take(101.5), bucket.take(101.5)] == [0, 0.5]
    assert [bucket.take(900), bucket.take(900), bucket.take(900)] == [0, 0, 0.5]


def test_keys_without_number_take_no_room() -> None:
    """An invented store costs no memory for good, and the others keep their pace."""
    pace = Pace(rate=1, burst=1)
    for number in range(5_000):
        assert pace.take(str(number), 0) == 0
        assert pace.take("often", number) == 0
    assert pace.take("often", 4_999) == 1
    assert pace.take("4999", 0) == 1
    assert len(pace._buckets) <= 1_000


def test_budget() -> None:
    """What does not fit is not taken, and what is given back can be taken again, of share and whole."""
    whole = Budget(15)
    one, other = Budget(10, whole), Budget(10, whole)
    assert [one.take(6), one.take(5), one.take(4)] == [True, False, True]
    assert [other.take(6), other.take(5)] == [False, True]
    one.give_back(6)
    assert (one.used, other.used, whole.used) == (4, 5, 9)
    assert other.take(5)


def test_a_store_that_floods_costs_no_other_store_a_sale(start_receiver: Start) -> None:
    """The pace is that of each store, also where all of them are one client."""
    receiver = start_receiver(options={"requests_per_second": 0.01, "burst": 3, "turn_seconds": 1})
    flood = [receiver.post(sale("N-1")) for _ in range(5)]
    assert [answer.status_code for answer in flood] == [201, 200, 200, 429, 429]
    assert 90 <= int(flood[3].headers["retry-after"]) <= 100
    quiet = [receiver.post(sale(f"S-{n}", storeId="9")).status_code for n in range(3)]
    assert quiet == [201] * 3
    assert receiver.post(sale("N-1"), OTHER_TOKEN).status_code == 201


def test_who_comes_too_early_waits_for_its_turn(start_receiver: Start) -> None:
    """A peak of sales is spread over some seconds and not refused."""
    receiver = start_receiver(options={"requests_per_second": 5, "burst": 1, "turn_seconds": 30})
    with ThreadPoolExecutor(8) as tills:
        answers = list(tills.map(lambda n: receiver.post(sale(f"N-{n}")).status_code, range(16)))
    assert answers == [201] * 16


def test_a_client_with_invented_stores_is_bounded(start_receiver: Start) -> None:
    """All of a client's stores together have a pace, too, and documents without a store count as one."""
    options = {
        "client_requests_per_second": 0.01,
        "client_burst": 6,
        "turn_seconds": 0,
        "requests_per_second": 0.01,
        "burst": 2,
    }
    receiver = start_receiver(options=options)
    assert [receiver.post(b"{}").status_code for _ in range(3)] == [422, 422, 429]
    answers = [receiver.post(sale("N-1", storeId=str(n))).status_code for n in range(5)]
    assert answers == [201, 409, 409, 429, 429]
    assert receiver.post(sale("N-1"), OTHER_TOKEN).status_code == 201


@contextlib.contextmanager
def held(receiver: RunningReceiver, head: bytes, count: int, size: int) -> Iterator[None]:
    """Hold bodies that are never finished in the receiver's memory."""
    lines = []
    for _ in range(count):
        line = socket.create_connection(("127.0.0.1", receiver.port), 30)
        line.sendall(head + b" " * size)
        lines.append(line)
    until = time.monotonic() + 20
    while f"bytes_in_flight {count * size:.1f}" not in receiver.metrics():
        assert time.monotonic() < until, receiver.metrics()
        time.sleep(0.05)
    yield
    for line in lines:
        line.close()


SMALL = {"most_bytes_in_flight": 80_000, "largest_body_bytes": 20_000, "body_seconds": 60}


def test_a_client_has_its_share_of_the_memory(start_receiver: Start) -> None:
    """Who holds its own share hears that it sends too much; the other's sales are taken."""
    receiver = start_receiver(options=SMALL)
    with held(receiver, HEAD + b"Content-Length: 20000\r\n\r\n", 1, 19_000):
        refused = receiver.post(sale("N-1", note="n" * 2000))
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many")
        assert receiver.post(sale("N-1", note="n" * 2000), OTHER_TOKEN).status_code == 201


def test_what_is_not_proved_has_a_share_of_its_own(start_receiver: Start) -> None:
    """A signature of nobody holds up signed posts at worst, never those with a token."""
    receiver = start_receiver(options=SMALL)
    body = json.dumps(sale("N-2", note="n" * 2000)).encode()
    with held(receiver, SIGNED.replace(b"15000", b"20000"), 1, 19_000):
        assert receiver.post(sale("N-1", note="n" * 2000)).status_code == 201
        assert post(receiver, body, signed(SIGNING_SECRET, body)).status_code == 503
    until = time.monotonic() + 20
    while "bytes_in_flight 0.0" not in receiver.metrics() and time.monotonic() < until:
        time.sleep(0.05)
    assert post(receiver, body, signed(SIGNING_SECRET, body)).status_code == 201
    assert "bytes_in_flight 0.0" in receiver.metrics()


def test_few_large_bodies_are_read_at_a_time() -> None:
    """One of a client and two in all; who waits in line holds up nobody of another client."""
    admission = Admission(ReceiverSettings.model_validate({"clients": CLIENTS}))

    async def read(client: str, began: asyncio.Event, over: asyncio.Event) -> None:
        async with admission.large_body(client):
            began.set()
            await over.wait()

    async def scene() -> None:
        over = asyncio.Event()
        begun = [asyncio.Event() for _ in range(4)]
        clients = ["north", "north", "north", "south"]
        reading = [
            asyncio.create_task(read(client, began, over))
            for client, began in zip(clients, begun, strict=True)
        ]
        await asyncio.wait_for(begun[3].wait(), 10)
        assert [began.is_set() for began in begun] == [True, False, False, True]
        over.set()
        await asyncio.gather(*reading)

    asyncio.run(scene())


def test_nobody_waits_longer_than_is_said() -> None:
    """A turn that comes too late is refused at once, with the time of the next try."""
    options: dict[str, Any] = {"requests_per_second": 0.1, "burst": 1, "turn_seconds": 5}
    admission = Admission(ReceiverSettings.model_validate({"clients": CLIENTS, **options}))

    async def scene() -> None:
        await admission.turn_of_store("north", "1")
        with pytest.raises(Refusal) as refused:
            await admission.turn_of_store("north", "1")
        assert refused.value.code == "too_many"
        assert refused.value.retry_after in {9, 10}

    asyncio.run(scene())
