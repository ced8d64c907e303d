"""The search: every world that a variant can reach, and the shortest way to the first that must not be.

Breadth first, so the trace found is the shortest there is. It never samples: what it says holds, holds
in every state within the bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from proof.model.actions import steps
from proof.model.variants import I1, I2, I3, I6, I7, I8, I9, Variant
from proof.model.world import Bounds, Step, World
from tillbridge.invoicing.states import EDGES

END_STATES = frozenset({"CONFIRMED", "REJECTED", "PARKED", "CANCELLED"})


def _armed_once_per_epoch(world: World) -> bool:
    epochs = [attempt.epoch for attempt in world.attempts if attempt.lives]
    return len(epochs) == len(set(epochs))


IN_EVERY_STATE: dict[str, Callable[[World], bool]] = {
    I1: lambda world: world.booked <= 1,
    I2: lambda world: world.state != "CONFIRMED" or world.booked == 1,
    I3: lambda world: world.state != "REJECTED" or world.booked == 0,
    I6: _armed_once_per_epoch,
}


@dataclass(frozen=True, slots=True)
class Result:
    """What a search found: the invariant that broke, if any, the way there, and the states it saw."""

    broken: str | None
    trace: tuple[str, ...]
    states: int

    @property
    def holds(self) -> bool:
        """Whether every invariant is true in every reachable state."""
        return self.broken is None


def check(variant: Variant, bounds: Bounds) -> Result:
    """Visit every state that `variant` can reach within `bounds`, up to the first broken invariant."""
    start = World(level=variant.level)
    worlds = [start]
    number_of = {start: 0}
    reached_by: list[tuple[int, str]] = [(0, "")]
    comes_from: list[list[int]] = [[]]
    for here, world in enumerate(worlds):  # grows while it is read
        for step in steps(variant, bounds, world):
            there = number_of.get(step.world)
            if there is None:
                there = number_of[step.world] = len(worlds)
                worlds.append(step.world)
                reached_by.append((here, str(step)))
                comes_from.append([])
                broken = broken_in(step.world) or broken_on(variant, world, step)
            else:
                broken = broken_on(variant, world, step)
            if broken:
                return Result(broken, (*_trace(reached_by, here), str(step)), len(worlds))
            comes_from[there].append(here)
    stuck = _first_stuck(worlds, comes_from, bounds)
    if stuck is not None:
        return Result(I9, _trace(reached_by, stuck), len(worlds))
    return Result(None, (), len(worlds))


def broken_in(world: World) -> str | None:
    """Name the invariant that is not true in a world; None when all are."""
    return next((name for name, is_true in IN_EVERY_STATE.items() if not is_true(world)), None)


def broken_on(variant: Variant, before: World, step: Step) -> str | None:
    """Name the invariant that a step breaks by where it comes from; None when it breaks none."""
    if step.world.epoch < before.epoch:
        return I7
    if variant.is_product:
        states = (before.state, *step.path)
        if any(to not in EDGES[start] for start, to in pairwise(states)):
            return I8
    return None


def follow(variant: Variant, bounds: Bounds, trace: Sequence[str]) -> Iterator[tuple[World, Step]]:
    """Walk a trace through the model, giving each world and the step that left it.

    Raises:
        LookupError: the model cannot do the next step of the trace.
    """
    world = World(level=variant.level)
    for words in trace:
        step = next((step for step in steps(variant, bounds, world) if str(step) == words), None)
        if step is None:
            raise LookupError(f"{variant.name}: the model cannot do {words!r} here")
        yield world, step
        world = step.world


def _is_end(world: World, bounds: Bounds) -> bool:
    # READY without attempts left is the edge of the search, not of the design.
    is_edge = world.state == "READY" and len(world.attempts) == bounds.attempts
    return world.state in END_STATES or is_edge


def _first_stuck(
    worlds: Sequence[World], comes_from: Sequence[Sequence[int]], bounds: Bounds
) -> int | None:
    can_end = [_is_end(world, bounds) for world in worlds]
    found = [n for n, is_end in enumerate(can_end) if is_end]
    while found:
        for n in comes_from[found.pop()]:
            if not can_end[n]:
                can_end[n] = True
                found.append(n)
    return next((n for n, is_free in enumerate(can_end) if not is_free), None)


def _trace(reached_by: Sequence[tuple[int, str]], n: int) -> tuple[str, ...]:
    words: list[str] = []
    while n:
        n, step = reached_by[n]
        words.append(step)
    return tuple(reversed(words))
