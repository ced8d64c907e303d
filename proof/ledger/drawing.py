"""What the rules of the ledger machine draw, what they need, and how it is counted that they happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import multiple, precondition

from proof.ledger.retail_pro import ANSWER_KINDS, ANSWERS, NOT_SENT
from proof.ledger.world import ABSENT, DAY, QUIET, Call, Decision

NOBODY = multiple()
"""What a claim comes to that the ledger did not grant."""

OUTSIDE = frozenset({"send", "deliver", "drop", "crash", "resume", "set_level"})
"""Rules that do not touch the ledger."""

MOVES = frozenset({
    "claim", "send", "deliver", "answer", "late_answer", "give_up", "delay", "drop", "crash", "resume",
    "expire", "query",
})  # fmt: skip
"""Rules that move a call on. Each of the others but `tick` happens at most once before the next of these."""

WAITS = {"three hours": QUIET, "an hour": ABSENT, "a day": DAY}


class Deed(NamedTuple):
    """What Retail Pro does with a request."""

    says: str
    books: bool
    hides: bool = False


def _deeds(name: str) -> st.SearchStrategy[Deed]:
    books = ANSWERS[name].books
    if books is False:
        return st.just(Deed(name, books=False))
    may_book = st.booleans() if books is None else st.just(value=True)
    return st.builds(Deed, says=st.just(name), books=may_book, hides=st.booleans())


COIN = st.booleans()
WORKERS = st.sampled_from(("w1", "w2"))
LEVELS = st.sampled_from(("L0", "L1", "L2", "L2", "L3", "L3"))
"""Where a run begins; most can happen where most is done by itself."""
STAGES = st.sampled_from(("ready", "claimed", "sent"))
DEEDS = st.sampled_from(ANSWER_KINDS).flatmap(st.sampled_from).flatmap(_deeds)
REASONS = st.sampled_from(tuple(NOT_SENT))
DECISIONS = st.sampled_from((Decision.SEND_AGAIN, Decision.MEND, Decision.CANCEL))


@dataclass
class Tally:
    """What happened in all runs together, and how many of them came to their end."""

    runs: int = 0
    fired: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)


def step(function: Callable[..., Any]) -> Callable[..., Any]:
    """Count what a rule does, unless it returns that nothing happened."""

    @wraps(function)
    def counted(machine: Any, **drawn: Any) -> Any:
        name = function.__name__
        machine.is_sound, machine.has_changed = False, name not in OUTSIDE
        result = function(machine, **drawn)
        happened = result is not False and result is not NOBODY
        machine.tally.fired[name] += happened
        machine.steps += 1
        if happened:
            machine.idle = set() if name in MOVES else machine.idle | {name} - {"tick"}
        return None if isinstance(result, bool) else result

    is_news = precondition(
        lambda machine: not machine.is_over and function.__name__ not in machine.idle
    )
    return is_news(counted)


def some_call(can: Callable[[Call], object]) -> Callable[[Any], bool]:
    """Require a call that can do something."""
    return lambda machine: any(can(call) for call in machine.world.calls)


def some_order(*states: str) -> Callable[[Any], bool]:
    """Require an order in one of these states."""
    return lambda machine: bool(machine.orders_in(*states))


def one_of(list_them: Callable[[Any], Any]) -> st.SearchStrategy[Any]:
    """Draw one of what the machine has now."""
    return st.runner().flatmap(lambda machine: st.sampled_from(list_them(machine)))


def is_armed(call: Call) -> bool:
    """Whether its worker is about to send."""
    return call.sender == "armed" and not call.paused


def is_on_its_way(call: Call) -> bool:
    """Whether its request has not arrived yet."""
    return call.is_underway


def can_be_lost(call: Call) -> bool:
    """Whether the network has its request or its answer."""
    return call.is_underway or call.answer is not None


def is_answered(call: Call) -> bool:
    """Whether its worker holds the order, and heard from Retail Pro."""
    return call.is_holder and call.answer is not None


def is_unanswered(call: Call) -> bool:
    """Whether its worker holds the order, and heard nothing yet."""
    return call.is_holder and call.sender == "waiting" and call.answer is None


def is_late(call: Call) -> bool:
    """Whether its worker has something to say about an order that it lost."""
    return call.sender == "waiting" and not call.paused and not call.is_holder


def lives(call: Call) -> bool:
    """Whether its worker may still act."""
    return call.lives


def is_asleep(call: Call) -> bool:
    """Whether its worker stands still."""
    return call.paused
