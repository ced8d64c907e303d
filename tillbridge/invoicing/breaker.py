"""Decides when the orders are not the problem: by the class of failure, across orders.

A wrong credential fails every order alike; a far end that gives no usable answer would turn a whole day
into orders that a person must look up. The breaker keeps the damage to the calls that are under way;
that it tripped is written down in `tillbridge.invoicing.ledger.circuit`.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Literal

from tillbridge.counting import counted
from tillbridge.invoicing.outcome import Verdict

LONGEST_STREAK = {"unknown": 5, "unsendable": 5, "setting": 3}
"""So many failures of one class, without a proof between them, trip the breaker."""

WINDOW = 50
MOST_UNKNOWN = 10
"""So many unknown outcomes among the last `WINDOW` trip it as well."""

LONGEST_QUIET = 20.0
"""Seconds without calls that a run waits out, in the retries of its orders; longer ends the run."""

_Class = Literal["proof", "unknown", "unsendable", "setting", "pause"]


class Breaker:
    """Watches the verdicts of one run; shared by its threads.

    While it is `strict`, as with canaries, the first failure trips it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streak = dict.fromkeys(LONGEST_STREAK, 0)
        self._recent: deque[bool] = deque(maxlen=WINDOW)
        self.strict = False
        self.has_proof = False
        self.reason = ""
        self.pause: float | None = None

    @property
    def is_tripped(self) -> bool:
        """Whether no further order may be sent in this run."""
        return bool(self.reason)

    def stop(self, reason: str) -> None:
        """Let no further order be sent in this run, for a reason that lies with nobody's answers."""
        with self._lock:
            self.reason = self.reason or reason

    def watch(self, verdict: Verdict) -> bool:
        """Take note of a verdict; returns True for the one that trips the breaker."""
        with self._lock:
            reason = self._reason(verdict)
            if not reason or self.is_tripped:
                return False
            self.reason = reason
            return True

    def _reason(self, verdict: Verdict) -> str:
        kind = _class_of(verdict)
        if kind == "proof":
            self.has_proof = True
            self._streak = dict.fromkeys(self._streak, 0)
        if kind in {"proof", "unknown"}:
            self._recent.append(kind == "unknown")
        if kind == "pause":
            if (verdict.retry_after or 0) <= LONGEST_QUIET:
                return ""
            self.pause = verdict.retry_after
            return f"{verdict.reason} The next run after that goes on."
        if kind == "proof":
            return ""
        self._streak[kind] += 1
        if verdict.halt and kind != "setting":
            return verdict.reason
        if self.strict or self._streak[kind] >= LONGEST_STREAK[kind]:
            return _in_a_row(kind, self._streak[kind], verdict)
        if sum(self._recent) >= MOST_UNKNOWN:
            return (
                f"{sum(self._recent)} of the last {len(self._recent)} orders had no usable answer, the "
                f"last: {verdict.reason}"
            )
        return ""


def _class_of(verdict: Verdict) -> _Class:
    if verdict.state in {"CONFIRMED", "REJECTED"}:
        return "proof"
    if verdict.state == "UNKNOWN":
        return "unknown"
    if verdict.reason_code == "setting":
        return "setting"
    return "unsendable" if verdict.retry_after is None or verdict.halt else "pause"


def _in_a_row(kind: str, number: int, verdict: Verdict) -> str:
    if kind == "setting" or verdict.halt:
        return verdict.reason
    return f"{counted(number, 'order')} in a row had no usable answer, the last: {verdict.reason}"
