"""Workers that invoice without end while everything around them fails, and what came of the orders.

Worker processes run the real flow and are killed every few seconds; Retail Pro's stand-in fails, lies and
loses answers; connections to the SFTP server are cut. Afterwards the oracle compares what the far ends
wrote down with what was handed over.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from random import Random
from signal import SIGKILL
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any, Literal

from proof import record
from proof.crashes import oracle
from proof.crashes.evidence import Evidence, gather
from proof.crashes.installation import REQUESTS, Installation
from proof.crashes.nursery import Nursery, Worker
from proof.crashes.oracle import HandedOver
from proof.crashes.prefect_server import prefect_server
from proof.crashes.scenes import SETTINGS
from proof.crashes.worker import SCALED
from sandbox import postgresql
from sandbox.cutting_proxy import CuttingProxy
from sandbox.platform import Platform
from sandbox.retail_pro import RetailProStandIn
from tillbridge.invoicing.doubt_policy import Level

Database = Literal["sqlite", "postgresql"]

ORDERS_PER_FILE = 100
_FAULTS: tuple[tuple[str, float, dict[str, Any]], ...] = (
    ("status", 0.020, {"status": 502, "commit": True}),
    ("status", 0.020, {"status": 503}),
    ("drop", 0.015, {"commit": True}),
    ("drop", 0.010, {}),
    ("cut", 0.010, {"commit": True}),
    ("hang", 0.005, {"commit": True, "seconds": 1.5}),
    ("late", 0.005, {"seconds": 1.5}),
    ("wrong_order", 0.010, {"commit": True}),
    ("not_json", 0.010, {"commit": True}),
    ("reset", 0.005, {"commit": True}),
    ("status", 0.090, {"status": 429}),
    ("reject", 0.060, {}),
)
"""The share of orders that each fault meets, once; about half of the faults leave an outcome in doubt.

Those that hang outlast the deadline, but not the quiet time after it: that is what the endpoint promises.
"""

_FLOWS = (*["invoice-orders"] * 7, "report-invoice-failures")
"""What a worker's place is filled with, over and over."""

_MOST_LAST_RUNS = 60


@dataclass(frozen=True)
class Plan:
    """How much of what: kills come `kill_every` seconds apart on average, a feed after some kills."""

    orders: int
    kills: int
    level: Level = "L0"
    database: Database = "sqlite"
    seed: int = 1
    workers: int = 2
    kill_every: tuple[float, float] = (1.0, 5.0)
    longest_seconds: float = 1_500


@dataclass
class Soak:
    """One installation under fire."""

    plan: Plan
    where: Installation
    nursery: Nursery
    proxy: CuttingProxy
    runs: Counter[str] = field(default_factory=Counter)
    kills: int = 0

    def fight(self) -> float:
        """Let workers run, kill them and cut their connections until all is handed over; gives seconds."""
        self._random = Random(self.plan.seed)
        self._over = threading.Event()
        slots: list[Worker | None] = [None] * self.plan.workers
        keepers = [
            threading.Thread(target=self._keep_running, args=(slots, n)) for n in range(len(slots))
        ]
        _program(self.where.far_ends.retail_pro, self.plan.seed)
        started = time.monotonic()
        self._hand_over()
        for keeper in keepers:
            keeper.start()
        try:
            while self._is_going_on(started):
                time.sleep(self._random.uniform(*self.plan.kill_every))
                self._strike(slots)
                if self.kills * self.plan.orders >= len(self.where.sent) * self.plan.kills:
                    self._hand_over()
        finally:
            self._over.set()
            for keeper in keepers:
                keeper.join()
        return time.monotonic() - started

    def come_to_an_end(self) -> list[str]:
        """Run until nothing is left, for the last half without faults; gives why that was not reached."""
        for number in range(_MOST_LAST_RUNS):
            if number == _MOST_LAST_RUNS // 2:
                self.where.far_ends.retail_pro.retail_pro.faults.clear()
            run = self.nursery.run(self.where.job("invoice-orders"), 900)
            states = {order.state for order in gather(self.where).orders.values()}
            is_done = not states - oracle.FINAL and not self.where.left_in(REQUESTS)
            if run.state == "COMPLETED" and is_done:
                break
            time.sleep(0.5)
        else:
            return [f"orders are left after {_MOST_LAST_RUNS} runs: {run.message}"]
        reported = self.nursery.run(self.where.job("report-invoice-failures"), 300)
        return [] if reported.state == "COMPLETED" else [f"not reported: {reported.message}"]

    def _is_going_on(self, started: float) -> bool:
        handed_over = len(self.where.sent) >= self.plan.orders
        if time.monotonic() - started > self.plan.longest_seconds:
            return False
        return not handed_over or self.kills < self.plan.kills

    def _keep_running(self, slots: list[Worker | None], number: int) -> None:
        for flow in cycle(_FLOWS):
            if self._over.is_set():
                break
            slots[number] = self.nursery.start(self.where.job(flow))
            worker = slots[number]
            assert worker
            worker.wait(600)
            self.runs["KILLED" if worker.was_killed else worker.state] += 1

    def _strike(self, slots: list[Worker | None]) -> None:
        """Kill a worker that is in the middle of its run, and cut some connections to the server."""
        alive = [one for one in slots if one and one.run_id and not one.ended.is_set()]
        if alive:
            victim = self._random.choice(alive)
            victim.send(SIGKILL)
            victim.wait(60)
            self.kills += victim.was_killed
        self.proxy.cut(down=self._random.randint(1, 40_000), times=1)
        if self._random.random() < 0.3:
            self.proxy.cut_all()

    def _hand_over(self) -> None:
        if len(self.where.sent) < self.plan.orders:
            self.where.drop_requests(min(ORDERS_PER_FILE, self.plan.orders - len(self.where.sent)))


def run(plan: Plan) -> dict[str, Any]:
    """Soak on a Prefect server of its own; gives the figures as JSON."""
    with (
        TemporaryDirectory(prefix="tillbridge-soak-") as folder,
        prefect_server(Path(folder) / "platform") as platform,
    ):
        return soak(platform, Path(folder), plan)


def soak(platform: Platform, state: Path, plan: Plan) -> dict[str, Any]:
    """Soak on a Prefect server that runs already; its settings are in force in this thread."""
    started = time.monotonic()
    with _installation(platform, state, plan) as one:
        seconds = one.fight()
        problems = one.come_to_an_end()
        found = gather(one.where)
        given = HandedOver(one.where.sent, one.where.files, one.where.unusable, one.where.bodies)
        problems += oracle.always(found, given, one.nursery.killed_runs())
        problems += oracle.in_the_end(found, given, plan.level)
        return {
            **_figures(found, given),
            "level": plan.level,
            "database": plan.database,
            "seed": plan.seed,
            "workers": plan.workers,
            "kills": one.kills,
            "runs": dict(one.runs),
            "sftp_cuts": one.proxy.cuts_made,
            "seconds_under_fire": round(seconds, 1),
            "wall_seconds": round(time.monotonic() - started, 1),
            "problems": problems,
            "scaled": {**SCALED, "Retail Pro block": SETTINGS.get(plan.level, {})},
            "machine": record.machine(),
        }


@contextmanager
def _installation(platform: Platform, state: Path, plan: Plan) -> Iterator[Soak]:
    with ExitStack() as stack:
        url = ""
        if plan.database == "postgresql":
            server = stack.enter_context(postgresql.cluster())
            url = stack.enter_context(postgresql.fresh_database(server))
        name = f"soak-{plan.database}-{plan.level.lower()}-{plan.seed}"
        nursery = stack.enter_context(Nursery(platform.environment, state / f"{name}.log"))
        where = stack.enter_context(
            Installation(
                name, state / name, url, plan.level, plan.seed, **SETTINGS.get(plan.level, {})
            )
        )
        proxy = CuttingProxy(where.far_ends.sftp.port)
        stack.callback(proxy.close)
        where.set_up(sftp_port=proxy.port)
        stack.callback(where.engine.dispose)
        yield Soak(plan, where, nursery, proxy)


def _program(retail_pro: RetailProStandIn, seed: int) -> None:
    for number, (kind, rate, more) in enumerate(_FAULTS):
        retail_pro.program(kind, rate=rate, seed=seed * 100 + number, times=1, **more)


def _figures(found: Evidence, given: HandedOver) -> dict[str, Any]:
    states = Counter(order.state for order in found.orders.values())
    requests = [one for some in found.requests.values() for one in some]
    faults = Counter(one.note for one in requests if one.note not in {None, "unfinished"})
    in_doubt = oracle.doubts(found).all
    parked = {number for number, order in found.orders.items() if order.state == "PARKED"}
    waits = [
        (order.changed_at - order.accepted_at).total_seconds()
        for order in found.orders.values()
        if order.state in oracle.FINAL
    ]
    away = [path for path in found.files if "/archive/" in path]
    return {
        "orders": len(given.sent),
        "requests": len(requests),
        "faults": dict(faults),
        "fault_share": round(sum(faults.values()) / max(len(requests), 1), 3),
        "invoices": sum(len(some) for some in found.invoices.values()),
        "confirmed": states["CONFIRMED"],
        "rejected": states["REJECTED"],
        "parked": states["PARKED"],
        "in_doubt_by_the_oracle": len(in_doubt),
        "parked_and_in_doubt": len(parked & in_doubt),
        "answers_cut_short": len(oracle.cut_short(found)),
        "lost": len(given.sent.keys() - found.orders.keys()),
        "doubled": sum(len(some) > 1 for some in found.invoices.values()),
        "half_read": len(
            [path for path in away if found.files[path] not in given.files.values()]
            + sorted(oracle.changed_on_the_way(found, given))
        ),
        "confirmed_share": round(states["CONFIRMED"] / max(len(given.sent), 1), 3),
        "median_seconds_to_the_end": round(median(waits), 1) if waits else None,
        "p95_seconds_to_the_end": round(quantiles(waits, n=20)[-1], 1) if len(waits) > 1 else None,
    }


def main() -> None:
    """Soak as the command line says, and write down what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--level", choices=["L0", "L1", "L2", "L3"], default="L0")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest-seconds", type=float, default=1_500)
    wanted = vars(parser.parse_args())
    figures = run(Plan(**wanted))
    record.write(f"soak-{figures['database']}-{figures['level'].lower()}", figures)
    sys.exit("\n".join(figures["problems"]) or 0)


if __name__ == "__main__":
    main()
