"""Collects everything that is wrong with one imported record, instead of stopping at the first thing. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from tillbridge.errors import Finding, RecordRejected
from tillbridge.oms.references import NotFound

_MOST = 200

P = ParamSpec("P")
T = TypeVar("T")


class Findings:
    """What is wrong with the record of one key."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._found: list[Finding] = []

    def add(self, pointer: str, value: str | None, expected: str) -> None:
        """Note one thing; so many that nobody needs the rest are raised as `stop_if_any` does."""
        self._note(Finding(pointer, value, expected))

    def attempt(self, look_up: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T | None:
        """Give what a look-up finds; where it finds nothing, note that and give None."""
        try:
            return look_up(*arguments, **named)
        except NotFound as problem:
            self._note(problem.finding)
            return None

    def once_each(self, pointer: str, names: Iterable[str]) -> None:
        """Note every name that stands there several times."""
        for name, times in Counter(names).items():
            if times > 1:
                self.add(pointer, name[:200], "expected each id or name once")

    def _note(self, finding: Finding) -> None:
        self._found.append(finding)
        if len(self._found) > _MOST:
            self.stop_if_any()

    def stop_if_any(self) -> None:
        """Raise `RecordRejected` with everything that was noted."""
        if self._found:
            raise RecordRejected(self._key, tuple(self._found))
