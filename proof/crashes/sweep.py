"""The crash sweep: a worker is killed at every crash point, and everything must come right in the end.

Each kill meets orders of its own, in an installation that lives through many. At release size the flow is
run after each kill until nothing is left to do; at the small size the next kill comes right after it, and
only the end is run to its end. After each the oracle looks at everything there is.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Literal

from proof import record
from proof.crashes import oracle
from proof.crashes.evidence import gather
from proof.crashes.installation import FEEDS, REQUESTS, Installation
from proof.crashes.nursery import Nursery
from proof.crashes.oracle import HandedOver
from proof.crashes.planting import require_targets
from proof.crashes.points import POINTS, Point
from proof.crashes.prefect_server import prefect_server
from proof.crashes.scenes import SCENES, SETTINGS
from proof.crashes.worker import FLOWS, SCALED
from sandbox import postgresql
from sandbox.platform import Platform
from tillbridge.handover import takings

Database = Literal["sqlite", "postgresql"]

PAIRED = (
    "requests claimed",
    "requests marked as taken",
    "order armed, no byte sent",
    "request sent",
    "answered",
    "answers written",
)
"""Points that are tried with a second worker at the same time, at the small size."""

_NEED_AN_END = {"trouble", "open_circuit"}
"""Scenes that leave a circuit behind in which no other kill would meet anything."""

_LANES_AT_ONCE = 3
_MOST_RUNS = 8
_MOST_KILLS = takings.MOST - 3
"""In a row; a file that is taken more often without an end is put away, which has tests of its own."""
_MOST_TRIES = 6
_TRIES_SIDE_BY_SIDE = 3
"""After so many the worker that is to be killed gets a head start, or the other might take everything."""


@dataclass
class Trial:
    """One point tried: whether the worker was killed there, and what was wrong afterwards."""

    point: str
    workers: int
    seed: int
    hit: int = 0
    tries: int = 0
    problems: list[str] = field(default_factory=list)


class Lane:
    """One installation that lives through the kills at some points, one after the other."""

    def __init__(self, where: Installation, nursery: Nursery, seed: int, full: bool) -> None:
        self._where = where
        self._nursery = nursery
        self._full = full
        self._random = Random(f"{where.name}/{seed}")
        self._seed = seed
        self._known: set[str] = set()
        self._kills_in_a_row = 0

    def go_through(self, plan: Sequence[tuple[Point, int]]) -> list[Trial]:
        """Try each point with so many workers; at last run everything to its end."""
        trials = [self._try(point, workers) for point, workers in plan]
        last = Trial("the end", 1, self._seed, hit=1)
        first = min((FLOWS.index(point.flow) for point, _ in plan), default=0)
        for flow in FLOWS[first:]:
            last.problems += self._finish(flow)
        evidence = gather(self._where)
        last.problems += oracle.always(evidence, self._given(), self._nursery.killed_runs())
        last.problems += oracle.in_the_end(evidence, self._given(), self._where.level)
        return [*trials, last]

    def _try(self, point: Point, workers: int) -> Trial:
        """Kill a worker at the point; of two workers the other may come first, so it is tried again."""
        trial = Trial(point.name, workers, self._seed)
        while not trial.hit and trial.tries < _MOST_TRIES:
            trial.tries += 1
            SCENES[point.scene](self._where, self._nursery)
            # Later passages are worth a kill as well, but not every run has them.
            hit = self._random.randint(1, 3) if self._seed > 1 and trial.tries == 1 else 1
            job = self._where.job(point.flow, point=point.name, hit=hit)
            victim = self._nursery.start(job)
            if trial.tries > _TRIES_SIDE_BY_SIDE:
                victim.wait_for_start()
            others = [self._nursery.start(self._where.job(point.flow)) for _ in range(workers - 1)]
            for worker in (victim, *others):
                worker.wait()
            if victim.was_killed:
                trial.hit = victim.passed
                self._kills_in_a_row += 1
            elif victim.state == "ERROR":
                trial.problems.append(victim.message)
            self._where.far_ends.retail_pro.retail_pro.faults.clear()
            if self._full or point.scene in _NEED_AN_END or self._kills_in_a_row == _MOST_KILLS:
                trial.problems += self._finish(point.flow)
                self._kills_in_a_row = 0
            evidence = gather(self._where)
            found = oracle.always(evidence, self._given(), self._nursery.killed_runs())
            trial.problems += [problem for problem in found if problem not in self._known]
            self._known.update(found)
        return trial

    def _finish(self, flow: str) -> list[str]:
        """Run a flow until it leaves nothing to do; gives why it does not."""
        for _ in range(_MOST_RUNS):
            run = self._where.run(self._nursery, flow)
            if run.state == "COMPLETED" and not self._left(flow):
                return []
            time.sleep(0.2)
        return [f"{flow} has something left after {_MOST_RUNS} runs: {run.message}"]

    def _left(self, flow: str) -> bool:
        if flow == "transform-completed-orders":
            return bool(self._where.left_in(FEEDS))
        if flow == "invoice-orders":
            evidence = gather(self._where)
            states = {order.state for order in evidence.orders.values()}
            return bool(self._where.left_in(REQUESTS) or states - oracle.FINAL)
        return False

    def _given(self) -> HandedOver:
        where = self._where
        return HandedOver(where.sent, where.files, where.unusable, where.bodies)


def run(full: bool, database: Database) -> dict[str, Any]:
    """Sweep, on a Prefect server of its own; `full` is the release size. Gives the figures as JSON."""
    with TemporaryDirectory(prefix="tillbridge-proof-") as folder:
        state = Path(folder)
        with prefect_server(state / "platform") as platform:
            figures = sweep(platform, state, database, seeds=5 if full else 1, full=full)
            if full:
                figures["real_waits"] = once_with_real_waits(platform, state / "real-waits")
                figures["violations"] += figures["real_waits"]["problems"]
            return figures


def sweep(
    platform: Platform, state: Path, database: Database, seeds: int = 1, *, full: bool = False
) -> dict[str, Any]:
    """Sweep on a Prefect server that runs already; its settings are in force in this thread."""
    require_targets()
    started = time.monotonic()
    trials: list[Trial] = []
    for seed in range(1, seeds + 1):
        trials += _sweep_once(platform, state / f"seed-{seed}", database, seed, full)
    return {
        "database": database,
        "seeds": seeds,
        "orders_per_kill": "4 to 6, or a feed of 12",
        "points": [_row(name, trials) for name in POINTS],
        "kills": sum(bool(trial.hit) for trial in trials if trial.point in POINTS),
        "violations": [asdict(trial) for trial in trials if trial.problems],
        "scaled": SCALED,
        "wall_seconds": round(time.monotonic() - started, 1),
        "machine": record.machine(),
    }


def once_with_real_waits(platform: Platform, state: Path) -> dict[str, Any]:
    """Kill a worker whose order is in flight, with the waits that the product really has."""
    state.mkdir(parents=True)
    with (
        Nursery(platform.environment, state / "workers.log") as nursery,
        Installation("real-waits", state / "far-ends") as where,
    ):
        where.set_up()
        SCENES["orders"](where, nursery)
        point = "order armed, no byte sent"
        where.run(nursery, "invoice-orders", point=point, real_waits=True)
        started = time.monotonic()
        where.run(nursery, "invoice-orders", real_waits=True)
        seconds = time.monotonic() - started
        where.run(nursery, "report-invoice-failures", real_waits=True)
        found = gather(where)
        where.engine.dispose()
        given = HandedOver(where.sent, where.files, where.unusable, where.bodies)
        problems = oracle.always(found, given, nursery.killed_runs())
        problems += oracle.in_the_end(found, given, where.level)
        return {"point": point, "seconds_of_the_next_run": round(seconds, 1), "problems": problems}


def _row(name: str, trials: Sequence[Trial]) -> dict[str, Any]:
    mine = [trial for trial in trials if trial.point == name]
    return {
        "point": name,
        "flow": POINTS[name].flow,
        "hits": {
            str(workers): sum(bool(trial.hit) for trial in mine if trial.workers == workers)
            for workers in (1, 2)
        },
        "violations": sum(len(trial.problems) for trial in mine),
    }


def _sweep_once(
    platform: Platform, state: Path, database: Database, seed: int, full: bool
) -> list[Trial]:
    plans = _plans(full)
    with ExitStack() as stack:
        state.mkdir(parents=True)
        nursery = stack.enter_context(Nursery(platform.environment, state / "workers.log"))
        lanes = []
        for name, url in zip(plans, _databases(stack, database, len(plans)), strict=True):
            level = name[:2]
            where = Installation(
                f"{name.lower()}-{seed}", state / name, url, level, seed, **SETTINGS.get(level, {})
            )
            stack.enter_context(where)
            where.set_up()
            stack.callback(where.engine.dispose)
            lanes.append(Lane(where, nursery, seed, full))
        # SQLite under the Prefect server starves some of many at a time.
        with ThreadPoolExecutor(_LANES_AT_ONCE) as pool:
            done = pool.map(Lane.go_through, lanes, plans.values())
            return [trial for trials in done for trial in trials]


def _plans(full: bool) -> dict[str, list[tuple[Point, int]]]:
    """Deal the points out to lanes that run side by side; a lane's name begins with its level."""
    lanes: dict[str, list[tuple[Point, int]]] = {}
    for point in POINTS.values():
        kind = "files" if point.flow != "invoice-orders" else "orders"
        if point.scene not in {"orders", "feed", "completed"}:
            kind = "troubles"
        lane = lanes.setdefault(f"{point.level}-{kind}", [])
        lane.append((point, 1))
        if full or point.name in PAIRED:
            lane.append((point, 2))
    return dict(sorted(lanes.items(), key=lambda lane: -len(lane[1])))


def _databases(stack: ExitStack, database: Database, count: int) -> Iterator[str]:
    """Give the URL of an empty database for each lane; "" for SQLite beside its far ends."""
    if database == "sqlite":
        yield from [""] * count
        return
    server = stack.enter_context(postgresql.cluster())
    for _ in range(count):
        yield stack.enter_context(postgresql.fresh_database(server))


def main() -> None:
    """Sweep at release size on both databases, and write down what came of it."""
    for database in ("sqlite", "postgresql"):
        figures = run(full=True, database=database)
        record.write(f"crash-points-{database}", figures)
        if figures["violations"]:
            sys.exit(json.dumps(figures["violations"], indent=2))


if __name__ == "__main__":
    main()
