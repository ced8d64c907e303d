"""Senders that are paused and wake up too late, and senders that are asked to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from signal import SIGTERM

import pytest

from proof import oracle, zombies
from proof.evidence import gather
from proof.installation import Installation
from proof.nursery import Nursery
from sandbox.platform import Platform
from tillbridge.invoicing.doubt_policy import Level

ASLEEP = {"L0": "PARKED", "L1": "PARKED", "L2": "PARKED", "L3": "CONFIRMED"}


@pytest.fixture(scope="module")
def nursery(
    prefect_server: Platform, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Nursery]:
    """Where the workers come from."""
    log = tmp_path_factory.mktemp("nursery") / "workers.log"
    with Nursery(prefect_server.environment, log) as nursery:
        yield nursery


@pytest.fixture
def installed() -> Iterator[Callable[[Installation], Installation]]:
    """Start an installation and set it up; it stops with the test."""
    with ExitStack() as stack:

        def install(where: Installation) -> Installation:
            stack.enter_context(where)
            where.set_up()
            stack.callback(where.engine.dispose)
            return where

        yield install


@pytest.mark.parametrize("level", zombies.LEVELS)
def test_a_sender_that_wakes_up_too_late_doubles_nothing(
    level: Level,
    nursery: Nursery,
    installed: Callable[[Installation], Installation],
    tmp_path: Path,
) -> None:
    """Nobody sends its orders again without a key; its late answers confirm them, one invoice each."""
    where = installed(zombies.installation(tmp_path, level))

    cycle = zombies.go_through(where, nursery)

    assert cycle.held > 0
    assert cycle.asleep == {ASLEEP[level]: cycle.held}
    assert cycle.sent_meanwhile == (cycle.held if level == "L3" else 0)
    assert cycle.awake == {"CONFIRMED": cycle.held}
    assert cycle.invoices == cycle.held
    assert cycle.problems == []


def test_a_run_that_is_asked_to_stop_sends_nothing_more(
    nursery: Nursery, installed: Callable[[Installation], Installation], tmp_path: Path
) -> None:
    """SIGTERM during slow calls: those are settled or in doubt, and no other order is touched."""
    where = installed(
        Installation("asked-to-stop", tmp_path, deadline=5, read_timeout=5, parallel_calls=2)
    )
    where.far_ends.retail_pro.retail_pro.latency_ms = 1000
    where.drop_requests(12)
    worker = nursery.start(where.job("invoice-orders"))
    _wait_for_requests(where, 2)

    worker.send(SIGTERM)
    worker.wait()

    found = gather(where)
    untouched = {number for number, order in found.orders.items() if order.state == "READY"}
    assert untouched == found.orders.keys() - found.requests.keys()
    assert len(found.requests) <= 3
    where.far_ends.retail_pro.retail_pro.latency_ms = 0
    where.run(nursery, "invoice-orders")
    found = gather(where)
    parked = {number for number, order in found.orders.items() if order.state == "PARKED"}
    assert parked == oracle.doubts(found).reached


def _wait_for_requests(where: Installation, number: int) -> None:
    give_up_at = time.monotonic() + 60
    while len(where.far_ends.retail_pro.requests()) < number:
        assert time.monotonic() < give_up_at, "the run did not get going"
        time.sleep(0.02)
