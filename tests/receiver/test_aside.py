"""What is kept for a person has a bottom, room is looked at, and nobody's file costs a sale."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

import pytest

from tests.fixtures_receiver import FOLDER, OTHER_TOKEN, RunningReceiver, sale
from tests.receiver.test_document import LIMITS
from tillbridge.receiver import document
from tillbridge.receiver.aside import Allowance

Start = Callable[..., RunningReceiver]
T = TypeVar("T")


def wait_for(look: Callable[[], T]) -> T:
    """Look until there is something."""
    until = time.monotonic() + 30
    while not (found := look()):
        assert time.monotonic() < until, "it never came"
        time.sleep(0.1)
    return found


DAY, NEXT = date(2026, 11, 28), date(2026, 11, 29)


def test_allowance() -> None:
    """A number and a size for each client and day; the same bytes count once, and the end is told once."""
    allowance = Allowance(most=2, most_bytes=100)
    assert [allowance.take("a", digest, 40, DAY) for digest in "xxyz"] == [True, True, True, False]
    assert [allowance.take("b", "x", 60, DAY), allowance.take("b", "y", 60, DAY)] == [True, False]
    assert [allowance.is_news("a", DAY), allowance.is_news("a", DAY)] == [True, False]
    assert allowance.take("a", "z", 40, NEXT)
    assert allowance.is_news("a", NEXT)


@pytest.mark.parametrize("ack", ["sftp", "inbox"])
def test_a_flood_of_refused_documents_is_bounded(start_receiver: Start, ack: str) -> None:
    """Beyond the day's allowance they are refused as before, counted, and told once; others lose nothing."""
    receiver = start_receiver(options={"most_kept_aside": 3, "ack": ack})
    stored = 201 if ack == "sftp" else 202
    assert receiver.post(sale("N-1")).status_code == stored
    refused = [receiver.post(b'{"a":%d}' % n).status_code for n in range(8)]
    assert refused == [422] * 8
    other = [receiver.post(sale("N-1", note=str(n))).status_code for n in range(4)]
    assert other == [409] * 4
    assert 'not_kept_aside_total{client="north"} 9.0' in receiver.metrics()
    assert receiver.log.count("allowance of north is used up") == 1
    assert receiver.post(b"{}", OTHER_TOKEN).status_code == 422
    kept = wait_for(lambda: len(places(receiver)) >= 4 and places(receiver))
    assert len(kept) == 4


def places(receiver: RunningReceiver) -> list[str]:
    """Give the names of what is kept aside."""
    return [*receiver.files("refused"), *receiver.files("conflict")]


def test_room_is_a_part_of_being_ready(start_receiver: Start) -> None:
    """Little space on the SFTP server is seen before a sale is lost for it."""
    receiver = start_receiver()
    assert receiver.http.get(f"{receiver.url}/ready").json() == {
        "database": True,
        "sftp": True,
        "space": True,
    }
    assert "tillbridge_receiver_free_bytes" in receiver.metrics()
    full = start_receiver(options={"least_free_megabytes": 10**9})
    answer = full.http.get(f"{full.url}/ready")
    assert (answer.status_code, answer.json()["space"]) == (503, False)
    assert 'ready{part="space"} 0.0' in full.metrics()
    assert full.post(sale("N-1")).status_code == 201


@pytest.mark.parametrize("ack", ["sftp", "inbox"])
def test_foreign_content_at_the_name_of_a_tlog_costs_no_sale(
    start_receiver: Start, ack: str
) -> None:
    """It stays where it is, the sale is stored beside it, and people are told."""
    receiver = start_receiver(options={"ack": ack})
    body = json.dumps(sale("N-1")).encode()
    name = document.read("north", body, LIMITS).file_name(datetime.now(UTC))
    planted = receiver.sshd.root / FOLDER / name
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_bytes(b"{}")

    answer = receiver.post(body)
    assert answer.status_code == (201 if ack == "sftp" else 202)
    assert receiver.post(body).json()["receipt_id"] == answer.json()["receipt_id"]
    found = wait_for(lambda: receiver.files() if len(receiver.files()) > 1 else {})
    assert found[name] == b"{}"
    assert [found[other] for other in found if other != name] == [body]
    wait_for(lambda: "Somebody put other content" in receiver.log)


def test_files_of_the_process_are_its_owners(receiver: RunningReceiver) -> None:
    """Whatever the machine's umask is: what it creates nobody else can read."""
    assert receiver.process is not None
    said = Path(f"/proc/{receiver.process.pid}/status").read_text()
    assert "Umask:\t0077" in said
