"""Idempotency keys: one key, one result, however often and however badly it is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.journal import Journal, Kept

Result = tuple[int, dict[str, Any]]


class Keys:
    """Results by key. One is kept with its booking or not at all; what is under way ends with the server."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._under_way: dict[str, str] = {}

    def clash(self, key: str | None, body: bytes) -> Result | None:
        """Give the answer to a call that must not be worked on for its key's sake, if it is one."""
        if key is None:
            return None
        kept = self._journal.kept(key)
        first = kept.sha256 if kept else self._under_way.get(key)
        if first not in {None, _digest(body)}:
            return 422, {"success": False, "message": "the key belongs to another request"}
        if key in self._under_way:
            return 409, {"success": False, "message": "the first call with this key has not ended"}
        return None

    @contextmanager
    def held(self, key: str | None, body: bytes) -> Iterator[None]:
        """Hold `key`, which has no clash, for one call while the block lasts; None is no key."""
        if key is None:
            yield
            return
        self._under_way[key] = _digest(body)
        try:
            yield
        finally:
            del self._under_way[key]

    def once(self, key: str | None, work: Callable[[], Result]) -> Result:
        """Do `work` and keep its result under the held `key`, both or neither; give what is kept already."""
        if key is None:
            return work()
        with self._journal.transaction():
            kept = self._journal.kept(key)
            if kept is not None:
                return kept.status, kept.body
            status, body = work()
            self._journal.keep(key, Kept(self._under_way[key], status, body))
            return status, body


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
