"""Zombies: a sender is stopped right after it armed an order, given up, and wakes up when it is too late.

No lease keeps it from sending then. What keeps the order from being invoiced twice is that nobody else
sent it, or that everybody sent it under one key.
"""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from signal import SIGCONT
from tempfile import TemporaryDirectory
from typing import Any

from proof import record
from proof.crashes import oracle
from proof.crashes.evidence import gather
from proof.crashes.installation import Installation
from proof.crashes.nursery import Nursery
from proof.crashes.oracle import HandedOver
from proof.crashes.prefect_server import prefect_server
from proof.crashes.scenes import SETTINGS
from proof.crashes.worker import SCALED
from tillbridge.invoicing.doubt_policy import Level

LEVELS: tuple[Level, ...] = ("L0", "L1", "L2", "L3")
ORDERS = 1

_POINT = "order armed, no byte sent"
_MOST_RUNS = 20
_WAIT_SECONDS = 60


@dataclass
class Cycle:
    """One zombie: the states of the orders it held, while it slept and after, and what was wrong."""

    level: Level
    held: int = 0
    asleep: dict[str, int] = field(default_factory=dict)
    sent_meanwhile: int = 0
    awake: dict[str, int] = field(default_factory=dict)
    invoices: int = 0
    problems: list[str] = field(default_factory=list)


def go_through(where: Installation, nursery: Nursery) -> Cycle:
    """Stop a sender, let others give up its orders, and wake it."""
    cycle = Cycle(where.level)
    # A look-up is trusted only where it finds an invoice that is known.
    where.drop_requests(1)
    where.run(nursery, "invoice-orders")
    numbers = where.drop_requests(ORDERS)
    zombie = nursery.start(where.job("invoice-orders", point=_POINT, signal="SIGSTOP"))
    _wait_for(lambda: zombie.passed)
    time.sleep(0.1)  # so that the signal has stopped every thread
    for _ in range(_MOST_RUNS):
        where.run(nursery, "invoice-orders")
        states = _states(where, numbers)
        if set(states.values()) <= oracle.FINAL:
            break
        time.sleep(0.3)
    held = {
        number
        for number, attempts in gather(where).attempts.items()
        if number in numbers and any(one.owner == zombie.run_id for one in attempts)
    }
    cycle.held = len(held)
    cycle.asleep = _count(states, held)
    cycle.sent_meanwhile = _requests(where, held)
    zombie.send(SIGCONT)
    zombie.wait()
    where.run(nursery, "invoice-orders")
    where.run(nursery, "report-invoice-failures")
    cycle.awake = _count(_states(where, numbers), held)
    found = gather(where)
    cycle.invoices = sum(len(found.invoices.get(number, ())) for number in held)
    given = HandedOver(where.sent, where.files, where.unusable, where.bodies)
    cycle.problems = oracle.always(found, given, nursery.killed_runs())
    cycle.problems += oracle.in_the_end(found, given, where.level)
    return cycle


def run(cycles: int) -> dict[str, Any]:
    """Go through so many cycles at every level, on a Prefect server of its own; gives JSON."""
    started = time.monotonic()
    done: list[Cycle] = []
    with TemporaryDirectory(prefix="tillbridge-zombies-") as folder:
        state = Path(folder)
        with (
            prefect_server(state / "platform") as platform,
            Nursery(platform.environment, state / "workers.log") as nursery,
        ):
            for level in LEVELS:
                with installation(state / level, level) as where:
                    where.set_up()
                    done += [go_through(where, nursery) for _ in range(cycles)]
                    where.engine.dispose()
    return {
        "cycles": dict.fromkeys(LEVELS, cycles),
        "orders_held": {level: _total(done, level, "held") for level in LEVELS},
        "sent_by_others_meanwhile": {
            level: _total(done, level, "sent_meanwhile") for level in LEVELS
        },
        "invoices": {level: _total(done, level, "invoices") for level in LEVELS},
        "violations": [asdict(cycle) for cycle in done if cycle.problems],
        "scaled": SCALED,
        "wall_seconds": round(time.monotonic() - started, 1),
        "machine": record.machine(),
    }


def installation(state: Path, level: Level) -> Installation:
    """Give an installation for zombies of a level."""
    settings = SETTINGS.get(level, {})
    return Installation(f"zombies-{level.lower()}", state, level=level, **settings)


def _total(cycles: list[Cycle], level: Level, what: str) -> int:
    return sum(getattr(cycle, what) for cycle in cycles if cycle.level == level)


def _states(where: Installation, numbers: list[str]) -> dict[str, str]:
    orders = gather(where).orders
    return {number: orders[number].state for number in numbers if number in orders}


def _count(states: dict[str, str], held: set[str]) -> dict[str, int]:
    found = [state for number, state in states.items() if number in held]
    return {state: found.count(state) for state in sorted(set(found))}


def _requests(where: Installation, held: set[str]) -> int:
    return sum(one.order_no in held for one in where.far_ends.retail_pro.requests())


def _wait_for(condition: Any) -> None:
    give_up_at = time.monotonic() + _WAIT_SECONDS
    while not condition():
        if time.monotonic() > give_up_at:
            raise TimeoutError("the sender never came to the point where it is stopped")
        time.sleep(0.02)


def main() -> None:
    """Go through 50 cycles at every level, and write down what came of it."""
    figures = run(50)
    record.write("zombies", figures)
    sys.exit(bool(figures["violations"]))


if __name__ == "__main__":
    main()
