"""The machine: the real ledger on a real database, driven through any order of what can happen to it.

Its actions are in `actions`, what they do in `world`, and what must hold after each in
`invariants`. The same function runs it with the tests and at full size.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from proof.ledger.actions import ACTIONS, NEEDED, OUTSIDE, Run
from proof.ledger.ending import drive_to_the_end
from proof.ledger.invariants import Ledger
from proof.ledger.places import Place
from proof.ledger.retail_pro import ANSWERS, NOT_SENT
from proof.ledger.world import World, order
from tillbridge.invoicing.doubt_policy import Level

SEED = 20_417
SIZES = {
    ("sqlite", False): (200, 30),
    ("sqlite", True): (20_000, 50),
    ("postgresql", False): (30, 30),
    ("postgresql", True): (5_000, 50),
}
"""Runs, and steps of each, by kind of database and whether it is the full size."""

LEVELS: tuple[Level, ...] = ("L0", "L1", "L2", "L2", "L3", "L3")
"""Where a run begins; most can happen where most is done by itself."""

LUCK = st.integers(0, 2**24 - 1)
"""What decides a step. Hypothesis prefers some choices to others; this spreads them evenly."""


class LedgerMachine(RuleBasedStateMachine):
    """Three orders, two workers, a Retail Pro, a person and a clock; where it runs is for a subclass."""

    place: Place
    fired: Counter[str]
    answers: Counter[str]
    run: Run | None = None

    @initialize(luck=LUCK)
    def open(self, luck: int) -> None:
        """Begin with one order that is certainly invoiced, and some that are ready.

        Some actions never happen in this run; that leads deeper into what the others can do.
        """
        if not luck:
            return  # the simplest run, which Hypothesis tries before each; it is an empty one
        chance = Random(luck)
        names = sorted({action.__name__ for action in ACTIONS} - NEEDED)
        self.never = set(chance.sample(names, chance.choice([0, 0, 2, 4, 8])))
        self.is_sound = False
        self.has_changed = True
        self.place.empty()
        world = World(self.place, chance.choice(LEVELS))
        self.run = Run(world, Ledger(world, [f"open {world.level}"]), answers=self.answers)
        world.begin()
        for number in range(1, chance.randint(2, 4)):
            world.hand_over(order(number, "v0"), world.next_file())

    @rule(luck=LUCK)
    def step(self, luck: int) -> None:
        """Let something happen that can."""
        if self.run is None:
            return
        self.is_sound = False
        self.run.chance = chance = Random(luck)
        trace = self.run.ledger.trace
        # The smallest of some exponential waits: each comes first as often as its weight says.
        for action in sorted(ACTIONS, key=lambda one: chance.expovariate(ACTIONS[one])):
            name = action.__name__
            if name in self.never:
                continue
            trace.append(name)
            about = action(self.run)
            if about is not None:
                trace[-1] = f"{name} {about}".rstrip()
                self.has_changed |= name not in OUTSIDE
                self.fired[name] += 1
                return
            trace.pop()

    @invariant()
    def holds(self) -> None:
        """Everything that must hold after each step."""
        if self.run is None:
            return
        self.run.ledger.check(has_changed=self.has_changed)
        self.has_changed = False
        self.is_sound = True

    def teardown(self) -> None:
        """Bring every order to its end, whatever happened before."""
        if self.run and self.is_sound:
            drive_to_the_end(self.run.world, self.run.ledger)


def run(
    full: bool, database_url: Callable[[], AbstractContextManager[str]], first_seed: int = SEED
) -> dict[str, Any]:
    """Run the machine on an empty database; the result is JSON, and `violations` is empty when all is well.

    `database_url` gives the URL of that database while it is needed. Each run has a seed of its own, one
    higher than that of the run before; the first violation ends it all.
    """
    fired = Counter({action.__name__: 0 for action in ACTIONS})
    answers = Counter(dict.fromkeys([*ANSWERS, *NOT_SENT, "no answer"], 0))
    violations: list[str] = []
    began = time.perf_counter()
    with database_url() as url:
        place = Place(url)
        kind = place.engine.dialect.name
        runs, steps = SIZES[kind, full]
        bound = {"place": place, "fired": fired, "answers": answers}
        done = 0
        while done < runs and not violations:
            # Two: the empty one, and one that is drawn. From then on Hypothesis would vary what it has.
            size = settings(
                max_examples=2,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
                report_multiple_bugs=False,
                print_blob=False,
            )
            machine = type("Machine", (LedgerMachine,), bound)
            try:
                run_state_machine_as_test(seed(first_seed + done)(machine), settings=size)
            except Exception as problem:  # whatever it is, it is what we look for
                violations.append(f"seed {first_seed + done}: {type(problem).__name__}: {problem}")
            done += 1
        place.engine.dispose()
    return {
        "database": kind,
        "seed": first_seed,
        "runs": done,
        "steps_per_run": steps,
        "steps": fired.total(),
        "fired": dict(fired),
        "answers": dict(answers),
        "seconds": round(time.perf_counter() - began, 1),
        "violations": violations,
    }
