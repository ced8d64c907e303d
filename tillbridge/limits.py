"""Limits of what people and other programs may ask for. Pure.

Forms show them, and Prefect's API refuses what is past them; each capability holds to them once more,
because a call may come past both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tillbridge.errors import ConfigurationProblem

LONGEST_NAME = 60
SHORTEST_REASON = 5

_FIRST_YEAR, _LAST_YEAR = 1970, 2999


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `least` to `most`."""

    least: int
    most: int

    def require(self, name: str, value: int) -> None:
        """Refuse any other number.

        Raises:
            ConfigurationProblem: it says the name, the value and what is expected.
        """
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or not self.least <= value <= self.most:
            raise ConfigurationProblem(
                f"{name} is {value}; give a whole number from {self.least} to {self.most}"
            )


def require_moments(**moments: datetime | None) -> None:
    """Refuse times without a zone, and those that no order can have.

    Raises:
        ConfigurationProblem: it says the name, the value and what is expected.
    """
    for name, moment in moments.items():
        if moment is None:
            continue
        if moment.utcoffset() is None or not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise ConfigurationProblem(
                f"{name} is {moment.isoformat()}; give a time with its zone, from {_FIRST_YEAR} to {_LAST_YEAR}"
            )


def require_said(by: str, **said: str) -> None:
    """Refuse what a person does without a name, or without saying why in the texts of `said`.

    Raises:
        ConfigurationProblem: something is missing or too long; nothing was done.
    """
    missing = [name for name, text in said.items() if len(text.strip()) < SHORTEST_REASON]
    if not by.strip():
        missing.insert(0, "by")
    if missing:
        raise ConfigurationProblem(
            f"{' and '.join(missing)} must be filled in: they are kept with what is done"
        )
    if len(by) > LONGEST_NAME:
        raise ConfigurationProblem(f"by is longer than {LONGEST_NAME} characters; give a name")
