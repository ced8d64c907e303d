"""How much one store, one client and all of them together may ask for at once."""

from __future__ import annotations

import math

_MOST_KEYS = 1_000


class TokenBucket:
    """Allows `rate` requests per second, and `burst` of them at once. Times are of any steady clock."""

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._at = now

    def take(self, now: float, patience: float = 0) -> float:
        """Return the seconds until the turn of a request that comes now.

        If they are more than `patience`, the request has no turn, and takes none from those after it.
        """
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        wait = max(0.0, (1 - self._tokens) / self._rate)
        if wait <= patience:
            self._tokens -= 1
        return wait


class Pace:
    """A bucket for each key, all alike. Of keys without number the ones used last are remembered."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: dict[str, TokenBucket] = {}

    def take(self, key: str, now: float, patience: float = 0) -> float:
        """As the bucket of `key`."""
        bucket = self._buckets.pop(key, None) or TokenBucket(self._rate, self._burst, now)
        self._buckets[key] = bucket
        if len(self._buckets) > _MOST_KEYS:
            del self._buckets[next(iter(self._buckets))]
        return bucket.take(now, patience)


class Budget:
    """Bytes that may be held at the same time, in one event loop. A share counts in its whole, too."""

    def __init__(self, most: int, whole: Budget | None = None) -> None:
        self._most = most
        self._whole = whole
        self.used = 0

    def fits(self, count: int) -> bool:
        """Say whether there is room for so many bytes in this share alone."""
        return self.used + count <= self._most

    def take(self, count: int) -> bool:
        """Take so many bytes, and say whether there were as many; if not, none are taken."""
        if not self.fits(count):
            return False
        if self._whole is not None and not self._whole.take(count):
            return False
        self.used += count
        return True

    def give_back(self, count: int) -> None:
        """Give back what was taken."""
        self.used -= count
        if self._whole is not None:
            self._whole.give_back(count)


def whole_seconds(wait: float) -> int:
    """Return a wait as `Retry-After` says it: at least a second."""
    return max(1, math.ceil(wait))
