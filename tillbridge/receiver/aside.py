"""How much of what nobody acknowledged is kept for a person to see: a day's allowance for each client."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass(slots=True)
class _Day:
    day: date
    kept: set[str] = field(default_factory=set)
    size: int = 0
    is_told: bool = False


class Allowance:
    """Counts what is kept aside of each client on one day (UTC). It begins anew with the process.

    The same bytes are one document, however often they come.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._days: dict[str, _Day] = {}

    def take(self, client: str, digest: str, size: int, today: date) -> bool:
        """Say whether a document may be kept aside; then it counts."""
        day = self._day(client, today)
        if digest in day.kept:
            return True
        if len(day.kept) >= self._most or day.size + size > self._most_bytes:
            return False
        day.kept.add(digest)
        day.size += size
        return True

    def is_news(self, client: str, today: date) -> bool:
        """Say whether it was not told yet today that the client's allowance is used up."""
        day = self._day(client, today)
        is_news, day.is_told = not day.is_told, True
        return is_news

    def _day(self, client: str, today: date) -> _Day:
        day = self._days.get(client)
        if day is None or day.day != today:
            day = self._days[client] = _Day(today)
        return day
