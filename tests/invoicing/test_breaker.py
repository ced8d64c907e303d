"""When a run stops, because the orders are not the problem."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from tillbridge.invoicing.breaker import (
    LONGEST_QUIET,
    LONGEST_STREAK,
    MOST_UNKNOWN,
    WINDOW,
    Breaker,
)
from tillbridge.invoicing.outcome import State, Verdict

STREAK = LONGEST_STREAK["unknown"]


def verdict(state: State, code: str = "code", halt: bool = False) -> Verdict:
    """Give a verdict of that state."""
    return Verdict(state, code, f"why {code}", "next", halt=halt)


def pause(seconds: float) -> Verdict:
    """Give the verdict of a server that asks for fewer calls."""
    return replace(verdict("READY", "too-many-calls"), retry_after=seconds)


def test_a_wrong_setting_stops_the_run_after_three_orders() -> None:
    """One refusal may be about one order; three in a row are about the setting."""
    breaker = Breaker()
    setting = verdict("READY", "setting", halt=True)
    assert [breaker.watch(setting) for _ in range(4)] == [False, False, True, False]
    assert (breaker.is_tripped, breaker.reason) == (True, "why setting")


def test_what_no_call_can_get_past_stops_the_run_at_once() -> None:
    """A certificate that is not trusted is not tried three times."""
    breaker = Breaker()
    assert breaker.watch(verdict("READY", "not-sent", halt=True))


@pytest.mark.parametrize("state", ["UNKNOWN", "READY"])
def test_a_streak_without_a_usable_answer_stops_the_run(state: State) -> None:
    """The last of the streak trips it, not one before."""
    breaker = Breaker()
    assert [breaker.watch(verdict(state)) for _ in range(STREAK)] == [False] * (STREAK - 1) + [True]
    assert "why code" in breaker.reason


@pytest.mark.parametrize("good", ["CONFIRMED", "REJECTED"])
def test_a_usable_answer_ends_the_streak(good: State) -> None:
    """A doubt now and then does not stop a run that works."""
    breaker = Breaker()
    for _ in range(WINDOW):
        for _ in range(7):
            breaker.watch(verdict(good))
        breaker.watch(verdict("UNKNOWN"))
    assert not breaker.is_tripped


def test_one_doubt_in_five_orders_stops_the_run() -> None:
    """A far end that fails often enough is sick, though the failures are never in a row."""
    breaker = Breaker()
    orders = 0
    while not breaker.is_tripped:
        orders += 1
        breaker.watch(verdict("CONFIRMED" if orders % 5 else "UNKNOWN"))
    assert orders == MOST_UNKNOWN * 5 == WINDOW
    assert breaker.reason.startswith("10 of the last 50 orders had no usable answer")


def test_being_asked_for_a_short_pause_is_no_bad_sign() -> None:
    """A far end that limits calls is alive; the run waits and goes on."""
    breaker = Breaker()
    for _ in range(STREAK * 2):
        breaker.watch(pause(LONGEST_QUIET))
    assert not breaker.is_tripped


def test_being_asked_for_a_long_pause_ends_the_run() -> None:
    """The orders wait for a later run instead of holding this one."""
    breaker = Breaker()
    assert breaker.watch(pause(LONGEST_QUIET + 1))
    assert breaker.pause == LONGEST_QUIET + 1


@pytest.mark.parametrize("bad", [verdict("UNKNOWN"), verdict("READY"), verdict("READY", "setting")])
def test_the_first_failed_canary_trips_it(bad: Verdict) -> None:
    """A far end that was sick is not trusted with a streak."""
    breaker = Breaker()
    breaker.strict = True
    assert breaker.watch(bad)
    assert not breaker.has_proof


def test_the_first_cause_stays() -> None:
    """What stopped the run is not covered by what the calls under way met after it."""
    breaker = Breaker()
    breaker.watch(verdict("READY", "first", halt=True))
    assert not breaker.watch(verdict("UNKNOWN", "second", halt=True))
    assert breaker.reason == "why first"


def test_threads_share_one_breaker() -> None:
    """Verdicts of many threads are all counted, and one of them trips it."""
    breaker = Breaker()
    trips: list[bool] = []
    threads = [
        threading.Thread(target=lambda: trips.append(breaker.watch(verdict("UNKNOWN"))))
        for _ in range(STREAK)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(trips) == [False] * (STREAK - 1) + [True]


def test_a_run_that_is_stopped_keeps_its_first_reason_and_trips_nothing() -> None:
    """What comes back afterwards opens no circuit; a stop after a trip hides nothing."""
    breaker = Breaker()
    breaker.stop("It was asked to stop.")
    assert not any(breaker.watch(verdict("UNKNOWN")) for _ in range(STREAK))
    breaker.stop("It has ended.")
    assert (breaker.is_tripped, breaker.reason) == (True, "It was asked to stop.")
