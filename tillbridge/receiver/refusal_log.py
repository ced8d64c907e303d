"""A line in the log for what was refused, so that a mistyped token is found; never a line for each.

Lines name the kind, the client if it is known, and the address of the connection: nothing that was sent.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from tillbridge.receiver.pace import TokenBucket

_QUIET_SECONDS = 60.0
_LINES_PER_SECOND = 0.2
_LINES_AT_ONCE = 20
_MOST_KINDS = 1_000

_log = logging.getLogger(__name__)


class RefusalLog:
    """Says the first of its kind at once, and then once a minute how many there were."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lines = TokenBucket(_LINES_PER_SECOND, _LINES_AT_ONCE, clock())
        self._kinds: dict[tuple[str, str, str], tuple[float, int]] = {}
        self._unsaid = 0

    def note(self, code: str, client: str, peer: str) -> None:
        """Count a refusal. `client` is empty for nobody's, `peer` where the connection came from."""
        now = self._clock()
        kind = (code, client, peer)
        quiet_until, count = self._kinds.get(kind, (now, 0))
        if quiet_until > now:
            self._kinds[kind] = (quiet_until, count + 1)
            return
        if self._lines.take(now):
            self._unsaid += 1
            return
        self._kinds.pop(kind, None)
        if len(self._kinds) >= _MOST_KINDS:
            self._unsaid += self._kinds.pop(next(iter(self._kinds)))[1]
        self._kinds[kind] = (now + _QUIET_SECONDS, 0)
        others, self._unsaid = self._unsaid, 0
        since = f"; since the last line {count} of these, {others} others" if count + others else ""
        _log.warning("Refused: %s, of %s, from %s%s.", code, client or "nobody known", peer, since)
