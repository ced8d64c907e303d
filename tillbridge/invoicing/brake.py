"""Stops a run when the orders are not the problem.

A wrong credential fails every order alike; a far end that gives no usable answer would turn a whole run
into orders that a person must look up. The brake keeps the damage to the calls that are under way.
"""

from __future__ import annotations

import threading
from typing import Literal

from tillbridge.invoicing.outcome import Verdict

LONGEST_BAD_STREAK = 5
"""So many unknown outcomes, or calls that could not be made, in a row stop the run."""

LONGEST_QUIET = 20.0
"""Seconds without calls that a run waits out, in the retries of its orders; longer stops the run."""


class Brake:
    """Watches the verdicts of one run; shared by its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streak: dict[str, int] = {"UNKNOWN": 0, "READY": 0}
        self.cause: Literal["setting", "far end"] | None = None
        self.reason = ""

    @property
    def is_pulled(self) -> bool:
        """Whether no further order may be sent in this run."""
        return self.cause is not None

    def watch(self, verdict: Verdict) -> None:
        """Take note of a verdict; pulls the brake on a wrong setting or a streak of bad ones."""
        with self._lock:
            if verdict.halt:
                self._pull("setting", verdict.reason)
            elif verdict.retry_after is not None:
                if verdict.retry_after > LONGEST_QUIET:
                    self._pull("far end", f"{verdict.reason} The next run goes on.")
            elif verdict.state in self._streak:
                self._streak[verdict.state] += 1
                if self._streak[verdict.state] >= LONGEST_BAD_STREAK:
                    self._pull(
                        "far end",
                        f"{LONGEST_BAD_STREAK} orders in a row had no usable answer, the last: "
                        f"{verdict.reason}",
                    )
            elif verdict.state in {"CONFIRMED", "REJECTED"}:
                self._streak = dict.fromkeys(self._streak, 0)

    def _pull(self, cause: Literal["setting", "far end"], reason: str) -> None:
        if self.cause is None:
            self.cause, self.reason = cause, reason
