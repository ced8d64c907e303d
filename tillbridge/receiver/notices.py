"""Tells a hook that TLogs arrived, at most once in a while. Nothing waits for it, and it may fail."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from tillbridge.counting import counted

_log = logging.getLogger(__name__)


class Notices:
    """Calls `hook(count)` in a thread of its own, with what arrived since the last call.

    The first is told at once, what follows within `seconds` is told together.
    """

    def __init__(self, hook: Callable[[int], object], seconds: float) -> None:
        self._hook = hook
        self._seconds = seconds
        self._count = 0
        self._news = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def arrived(self) -> None:
        """Count a TLog; the hook hears of it."""
        with self._news:
            self._count += 1
            self._news.notify()

    def stop(self, seconds: float) -> None:
        """Tell what is not told yet, if that takes no longer than so long."""
        with self._news:
            self._stopped = True
            self._news.notify()
        self._thread.join(seconds)

    def _run(self) -> None:
        stopped = False
        while not stopped:
            with self._news:
                self._news.wait_for(lambda: self._count or self._stopped)
                count, self._count = self._count, 0
                stopped = self._stopped
            if count:
                self._tell(count)
            with self._news:
                self._news.wait_for(lambda: self._stopped, self._seconds)

    def _tell(self, count: int) -> None:
        try:
            self._hook(count)
        except Exception:
            # Whatever it is, the TLogs are stored and the flow finds them by its schedule.
            _log.warning("Nobody could be told of %s.", counted(count, "new TLog"), exc_info=True)
