"""Runs the ledger machine, at the size of the tests or at full size, and says what came of it.

What breaks an invariant is made as short as it can be, and kept: the next run, of either size and on either
database, begins with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.stateful import run_state_machine_as_test

from proof.ledger.drawing import Tally
from proof.ledger.machine import RULES, LedgerMachine
from proof.ledger.places import Place
from proof.ledger.retail_pro import ANSWERS, NOT_SENT

FAILURES = Path(__file__).parents[2] / ".hypothesis/ledger-machine"
"""Where failures are kept until they do not fail any more; to forget them all, remove the folder."""

SEED = 20_417
SIZES = {
    ("sqlite", False): (200, 30),
    ("sqlite", True): (20_000, 50),
    ("postgresql", False): (30, 30),
    ("postgresql", True): (5_000, 50),
}
"""Runs, and steps of each, by kind of database and whether it is the full size."""

_AT_ONCE = 9
"""Runs with one seed. From the tenth on Hypothesis mostly varies what it has, which leads less far."""


def run(
    full: bool,
    database_url: Callable[[], AbstractContextManager[str]],
    first_seed: int = SEED,
    failures: Path = FAILURES,
) -> dict[str, Any]:
    """Run the machine on an empty database; the result is JSON, and `violations` is empty when all is well.

    Args:
        full: whether it is the full size.
        database_url: gives the URL of that database while it is needed.
        first_seed: the seed of the first runs; the next ones have the next.
        failures: the folder of failures that are tried first, and where a new one is kept.
    """
    tally = Tally()
    violations: list[str] = []
    began = time.perf_counter()
    with database_url() as url:
        place = Place(url)
        kind = place.engine.dialect.name
        runs, steps = SIZES[kind, full]

        def machine() -> LedgerMachine:
            return LedgerMachine(place, tally)

        for number, first in enumerate(range(0, runs, _AT_ONCE)):
            size = settings(
                max_examples=min(_AT_ONCE, runs - first),
                stateful_step_count=steps,
                deadline=None,
                phases=[Phase.reuse, Phase.generate, Phase.shrink],
                database=DirectoryBasedExampleDatabase(failures),
                suppress_health_check=list(HealthCheck),
                report_multiple_bugs=False,
                print_blob=False,
            )
            try:
                run_state_machine_as_test(seed(first_seed + number)(machine), settings=size)
            except Exception as problem:  # whatever it is, it is what we look for
                violations.append(_story(problem, first_seed + number))
                break
        place.engine.dispose()
    return {
        "database": kind,
        "seed": first_seed,
        "runs": tally.runs,
        "steps_per_run": steps,
        "steps": tally.fired.total(),
        "fired": {name: tally.fired[name] for name in sorted(RULES)},
        "answers": {name: tally.answers[name] for name in [*ANSWERS, *NOT_SENT, "no answer"]},
        "seconds": round(time.perf_counter() - began, 1),
        "violations": violations,
    }


def _story(problem: Exception, of_seed: int) -> str:
    """Say what broke, and the shortest way to it that was found."""
    lines = [line for note in getattr(problem, "__notes__", ()) for line in note.splitlines()]
    way = [line for line in lines if "state.holds()" not in line]
    return "\n".join([f"seed {of_seed}: {type(problem).__name__}: {problem}", *way])
