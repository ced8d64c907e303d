"""How much one client, and all of them together, may ask for at once."""

from __future__ import annotations

import math


class TokenBucket:
    """Allows `rate` requests per second, and `burst` of them at once. Times are of any steady clock."""

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._at = now

    def take(self, now: float) -> int:
        """Take one; returns 0, or the whole seconds after which one will be there."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0
        return max(1, math.ceil((1 - self._tokens) / self._rate))


class Budget:
    """Bytes that may be held at the same time, in one event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.used = 0

    def take(self, count: int) -> bool:
        """Take so many bytes, and say whether there were as many; if not, none are taken."""
        if self.used + count > self._most:
            return False
        self.used += count
        return True

    def give_back(self, count: int) -> None:
        """Give back what was taken."""
        self.used -= count
