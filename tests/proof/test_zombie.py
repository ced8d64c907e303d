"""Senders that are paused and wake up too late, and senders that are asked to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from signal import SIGTERM

import pytest

from proof.crashes import oracle, zombies
from proof.crashes.evidence import gather
from proof.crashes.installation import Installation
from proof.crashes.nursery import Nursery
from proof.crashes.oracle import HandedOver
from proof.crashes.points import NOTHING_MORE
from sandbox.platform import Platform
from tillbridge.invoicing.doubt_policy import Level

pytestmark = [pytest.mark.faults, pytest.mark.slow]

ASLEEP = {"L0": "PARKED", "L1": "PARKED", "L2": "PARKED", "L3": "CONFIRMED"}
_CALLS = 2
_ORDERS = 12
_FOR_EVER = 3_600_000
_PATIENCE = 120


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
    """SIGTERM while calls are under way and others wait for theirs: only those that were sent go on."""
    where = installed(
        Installation(
            "asked-to-stop",
            tmp_path,
            deadline=_PATIENCE,
            read_timeout=_PATIENCE,
            parallel_calls=_CALLS,
        )
    )
    retail_pro = where.far_ends.retail_pro
    retail_pro.retail_pro.latency_ms = _FOR_EVER
    numbers = set(where.drop_requests(_ORDERS))
    worker = nursery.start(where.job("invoice-orders", point=NOTHING_MORE, hit=0))
    _wait_for(lambda: len(retail_pro.requests()) == _CALLS)

    worker.send(SIGTERM)
    _wait_for(lambda: worker.passed)
    retail_pro.retail_pro.latency_ms = 0
    worker.wait()

    found = gather(where)
    under_way = set(found.requests)
    assert len(under_way) == _CALLS
    assert {number: order.state for number, order in found.orders.items()} == {
        number: "CONFIRMED" if number in under_way else "READY" for number in numbers
    }
    assert set(found.attempts) == under_way
    assert where.run(nursery, "invoice-orders").state == "COMPLETED"
    where.run(nursery, "report-invoice-failures")
    found = gather(where)
    assert {order.state for order in found.orders.values()} == {"CONFIRMED"}
    given = HandedOver(where.sent, where.files, where.unusable, where.bodies)
    assert oracle.always(found, given, nursery.killed_runs()) == []
    assert oracle.in_the_end(found, given, where.level) == []


def _wait_for(condition: Callable[[], object]) -> None:
    give_up_at = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < give_up_at, "the run did not come this far"
        time.sleep(0.02)
