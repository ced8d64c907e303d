"""The protocol model: each design does what is said of it, and the checker finds what it is there to find."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proof.model import actions, checking, search
from proof.model.actions import ACTIONS, steps
from proof.model.search import END_STATES, broken_in, broken_on, check, follow
from proof.model.variants import I1, I2, I3, I6, I7, I8, I9, VARIANTS, Variant
from proof.model.world import Attempt, Bounds, Step, World
from tillbridge.invoicing.states import EDGES, State, after_answer

pytestmark = pytest.mark.slow

SMALL = Bounds(attempts=2, kills=1)
BY_NAME = {variant.name: variant for variant in VARIANTS}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_each_design_holds_or_breaks_as_it_must(variant: Variant) -> None:
    """Every invariant holds in every reachable state, or the expected one breaks where the trace leads."""
    bounds = checking.bounds_of(variant, full=False)

    result = check(variant, bounds)

    assert result.broken == variant.breaks, " -> ".join(result.trace)
    if variant.breaks:
        walked = list(follow(variant, bounds, result.trace))
        found = [broken_in(step.world) or broken_on(variant, world, step) for world, step in walked]
        assert not any(found[:-1])
        assert found[-1] == (variant.breaks if variant.breaks != I9 else None)


def test_a_checker_that_never_fails_would_prove_nothing() -> None:
    """Of the designs some must hold and some must break, the product's own among both."""
    for is_product in (False, True):
        expected = {v.breaks is None for v in VARIANTS if v.is_product == is_product}
        assert expected == {True, False}
    assert {variant.breaks for variant in VARIANTS} >= {I1, I3, I9}


def test_an_order_stuck_for_ever_is_found() -> None:
    """The trace to a dead end leads to a state from which no order comes to an end."""
    variant = BY_NAME["M12"]
    *_, (_, last) = follow(variant, SMALL, check(variant, SMALL).trace)

    reachable = [last.world]
    for world in reachable:
        after = {step.world for step in steps(variant, SMALL, world)}
        reachable += after.difference(reachable)

    assert not {world.state for world in reachable} & END_STATES


def test_a_confirmation_without_an_invoice_is_found() -> None:
    """CONFIRMED with nothing booked breaks I2, as no design here does."""
    assert broken_in(World(level="L0", state="CONFIRMED")) == I2
    assert broken_in(World(level="L0", state="CONFIRMED", booked=1)) is None


def test_two_attempts_armed_in_one_epoch_are_found() -> None:
    """Two workers that believe to hold the order in the same epoch break I6."""
    assert broken_in(World(level="L0", attempts=(Attempt(1, False), Attempt(1, False)))) == I6
    assert broken_in(World(level="L0", attempts=(Attempt(1, False), Attempt(2, False)))) is None


def test_an_epoch_that_decreases_is_found() -> None:
    """A step back in the epoch breaks I7."""
    step = Step("claim", "1", World(level="L0", epoch=1))

    assert broken_on(BY_NAME["P0"], World(level="L0", epoch=2), step) == I7


@pytest.mark.parametrize(
    ("name", "start", "to"),
    [
        ("P0", "INFLIGHT", "UNKNOWN"),
        ("P0", "UNKNOWN", "PARKED"),
        ("P0", "PARKED", "REJECTED"),
        ("P0", "READY", "UNKNOWN"),
        ("P2", "UNKNOWN", "READY"),
        ("P3", "UNKNOWN", "INFLIGHT"),
    ],
)
def test_the_model_walks_the_edges_of_the_product(
    name: str, start: State, to: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edge that the protocol needs cannot vanish from the product unnoticed."""
    monkeypatch.setattr(search, "EDGES", {**EDGES, start: EDGES[start] - {to}})

    assert check(BY_NAME[name], SMALL).broken == I8


def _forgets_doubt(proof: State, **facts: Any) -> State | None:
    return after_answer(proof, **(facts | {"doubts": 0}))


def _forgets_unknown(proof: State, **facts: Any) -> State | None:
    return after_answer(proof, **(facts | {"was_unknown": False}))


def _forgets_who_holds(proof: State, **facts: Any) -> State | None:
    return after_answer(proof, **(facts | {"holds": True}))


@pytest.mark.parametrize(
    ("rule", "broken"),
    [(_forgets_doubt, I3), (_forgets_unknown, I1), (_forgets_who_holds, I3)],
)
def test_each_rule_for_answers_is_needed(
    rule: Callable[..., State | None], broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Take away one fact that the product's rule looks at, and an order is booked twice or given up."""
    monkeypatch.setattr(actions, "after_answer", rule)
    variant = replace(BY_NAME["P3-lowered"], is_product=False)

    assert check(variant, Bounds(attempts=3, kills=0)).broken == broken


def test_the_actions_are_those_of_the_ledger_test() -> None:
    """Model and ledger test name their actions alike, so that a trace can be replayed by hand in either."""
    assert [action.__name__ for action in ACTIONS] == [
        "ingest", "claim", "send", "deliver", "drop", "delay", "answer",
        "late_answer", "crash", "expire", "resume", "tick", "query", "human",
    ]  # fmt: skip


def test_a_trace_that_the_model_cannot_walk_is_refused() -> None:
    """Following a trace never skips a step."""
    with pytest.raises(LookupError, match="'send 1'"):
        list(follow(BY_NAME["P0"], SMALL, ["ingest", "send 1"]))


def test_the_report_is_json_and_says_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report carries what the page about reliability prints of each design."""
    monkeypatch.setattr(checking, "VARIANTS", (BY_NAME["M0"], BY_NAME["P0"]))
    monkeypatch.setattr(checking, "QUICK", SMALL)

    report = json.loads(json.dumps(checking.run(full=False)))

    double, parked = report["variants"]
    assert report["as_expected"]
    assert (double["found"], double["steps"]) == (I1, len(double["trace"]))
    assert {step.split()[0] for step in double["trace"]} <= {a.__name__ for a in ACTIONS}
    assert (parked["found"], parked["trace"]) == ("holds", [])
