"""The world of one order at one moment: its row in the ledger, its attempts with their workers, Retail Pro.

Immutable, so that a search can keep each world it saw. How a world changes is in `actions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from proof.model.variants import Level
from tillbridge.invoicing.states import State

WORKERS = 2

Answer = Literal["booked", "refused", "unclear", "turned away"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a search goes: attempts of the order (a limit of the designs, too), and workers killed."""

    attempts: int
    kills: int


class Attempt(NamedTuple):
    """One sending of the order, and the worker that is busy with it until it has ended or was killed."""

    epoch: int
    keyed: bool
    sender: Literal["armed", "waiting", "ended", "dead"] = "armed"
    paused: bool = False
    underway: bool = False  # its request is in the network
    answer: Answer | None = None  # on its way back

    @property
    def lives(self) -> bool:
        """Whether its worker may still act, now or when it wakes."""
        return self.sender in {"armed", "waiting"}


class World(NamedTuple):
    """Everything there is to know at one moment."""

    level: Level
    # the ledger
    state: State | None = None
    epoch: int = 0
    leased: bool = False  # the newest attempt holds the order
    doubtful: bool = False  # some attempt may have been booked
    was_unknown: bool = False  # it is UNKNOWN, or was when it was sent
    quiet: bool = False  # the quiet period has passed
    absences: int = 0  # look-ups in a row that found nothing
    attempts: tuple[Attempt, ...] = ()
    # Retail Pro
    booked: int = 0
    key_known: bool = False
    # used up
    kills: int = 0

    def holds(self, n: int) -> bool:
        """Say whether attempt `n` is the one that holds the order."""
        return self.leased and n == len(self.attempts) - 1

    def has_attempts_left(self, bounds: Bounds) -> bool:
        """Say whether the order may be sent once more."""
        return len(self.attempts) < bounds.attempts

    @property
    def busy_workers(self) -> int:
        """How many workers are at it."""
        return sum(attempt.lives for attempt in self.attempts)

    @property
    def has_underway(self) -> bool:
        """Whether a request is in the network."""
        return any(attempt.underway for attempt in self.attempts)

    def with_attempt(self, n: int, **changes: Any) -> World:
        """Give this world with attempt `n` changed."""
        changed = self.attempts[n]._replace(**changes)
        return self._replace(attempts=(*self.attempts[:n], changed, *self.attempts[n + 1 :]))

    def moved(self, state: State) -> World:
        """Give this world with the order in another state, held by nobody."""
        return self._replace(
            state=state,
            leased=False,
            was_unknown=state == "UNKNOWN",
            quiet=False,
            absences=0,
        )


class Step(NamedTuple):
    """One action, what came of it, and the states that the order went through."""

    action: str
    about: str
    world: World
    path: tuple[State, ...] = ()

    def __str__(self) -> str:
        return f"{self.action} {self.about}".rstrip()
