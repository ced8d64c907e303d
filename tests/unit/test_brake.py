"""When a run stops, because the orders are not the problem."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from tillbridge.invoicing.brake import LONGEST_BAD_STREAK, LONGEST_QUIET, Brake
from tillbridge.invoicing.outcome import State, Verdict


def verdict(state: State, code: str = "code", halt: bool = False) -> Verdict:
    """Give a verdict of that state."""
    return Verdict(state, code, f"why {code}", "next", halt=halt)


def test_a_wrong_setting_stops_the_run_at_once() -> None:
    """The first refused credential is the last call, and its reason is the run's."""
    brake = Brake()
    brake.watch(verdict("READY", "setting", halt=True))
    assert (brake.is_pulled, brake.cause, brake.reason) == (True, "setting", "why setting")


@pytest.mark.parametrize("state", ["UNKNOWN", "READY"])
def test_a_streak_without_a_usable_answer_stops_the_run(state: State) -> None:
    """The brake is pulled by the last of the streak, not before."""
    brake = Brake()
    for _ in range(LONGEST_BAD_STREAK - 1):
        brake.watch(verdict(state))
    assert not brake.is_pulled
    brake.watch(verdict(state, "no-answer"))
    assert brake.cause == "far end"
    assert "why no-answer" in brake.reason


@pytest.mark.parametrize("good", ["CONFIRMED", "REJECTED"])
def test_a_usable_answer_ends_the_streak(good: State) -> None:
    """Scattered doubts do not stop a run that works."""
    brake = Brake()
    for _ in range(3):
        for _ in range(LONGEST_BAD_STREAK - 1):
            brake.watch(verdict("UNKNOWN"))
        brake.watch(verdict(good))
    assert not brake.is_pulled


def test_being_asked_for_a_short_pause_is_no_bad_sign() -> None:
    """A far end that limits calls is alive; the run waits and goes on."""
    brake = Brake()
    for _ in range(LONGEST_BAD_STREAK * 2):
        brake.watch(replace(verdict("READY", "too-many-calls"), retry_after=LONGEST_QUIET))
    assert not brake.is_pulled


def test_being_asked_for_a_long_pause_ends_the_run() -> None:
    """The orders wait for the next run instead of holding this one."""
    brake = Brake()
    brake.watch(replace(verdict("READY", "too-many-calls"), retry_after=LONGEST_QUIET + 1))
    assert brake.cause == "far end"


def test_the_first_cause_stays() -> None:
    """What stopped the run is not covered by what the calls under way met after it."""
    brake = Brake()
    brake.watch(verdict("READY", "first", halt=True))
    brake.watch(verdict("UNKNOWN", "second", halt=True))
    assert brake.reason == "why first"


def test_threads_share_one_brake() -> None:
    """Verdicts of many threads are all counted."""
    brake = Brake()
    threads = [
        threading.Thread(target=brake.watch, args=(verdict("UNKNOWN"),))
        for _ in range(LONGEST_BAD_STREAK)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert brake.is_pulled
