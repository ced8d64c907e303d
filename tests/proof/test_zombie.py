"""Senders that are paused and wake up too late, and senders that are asked to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from proof import zombies
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
