"""The moment by which a whole dialogue with a far end is over, however slowly it drips.

A time-out counts one read or one write, so alone it never ends a call.
"""

from __future__ import annotations

import time
from typing import Self


class Deadline:
    """A moment on the monotonic clock, and what is left until then."""

    def __init__(self, until: float) -> None:
        self.until = until

    @classmethod
    def within(cls, seconds: float) -> Self:
        """Make one that is over in so many seconds."""
        return cls(time.monotonic() + seconds)

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self.until

    def left(self, at_most: float | None = None) -> float:
        """Return the seconds that the next step may take; raise `TimeoutError` when there are none."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline is over")
        return left if at_most is None else min(left, at_most)
