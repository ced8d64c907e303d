"""How fast calls to Retail Pro may start, for all threads of one client."""

from __future__ import annotations

import threading
import time


class Pace:
    """Spaces calls evenly and keeps quiet for as long as the server asked."""

    def __init__(self, calls_per_second: float) -> None:
        self._gap = 1 / calls_per_second if calls_per_second else 0.0
        self._next = 0.0
        self._quiet_until = 0.0
        self._lock = threading.Lock()

    def wait_for_turn(self) -> float:
        """Sleep until the next call may start. Gives the seconds of quiet that are left, usually 0.

        A call must not start while quiet is left; quiet is not slept through, because it may be an hour.
        """
        with self._lock:
            now = time.monotonic()
            quiet = self._quiet_until - now
            if quiet > 0:
                return quiet
            turn = max(self._next, now)
            self._next = turn + self._gap
        if turn > now:
            time.sleep(turn - now)
        return 0.0

    def keep_quiet(self, seconds: float) -> None:
        """Start no call for that long."""
        with self._lock:
            self._quiet_until = max(self._quiet_until, time.monotonic() + seconds)
