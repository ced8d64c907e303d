"""What set-up stored when it last ran, so that it can tell what people have changed in the UI since.

It is a Prefect Variable of stamps: for a block the time of its document, never a value of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from prefect.variables import Variable


@dataclass(frozen=True, slots=True)
class LastSetup:
    """The stamps of one installation, by what they are of."""

    name: str
    stamps: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, installation: str) -> Self:
        """Read the stamps of an installation; without any, everything counts as changed by people."""
        name = f"{installation.replace('-', '_')}_setup"
        stored = Variable.get(name, None)
        return cls(name, dict(stored) if isinstance(stored, dict) else {})

    def is_of(self, what: str, stamp: object) -> bool:
        """Say whether `what` is still as set-up left it."""
        return self.stamps.get(what) == str(stamp)

    def keep(self, what: str, stamp: object) -> None:
        """Remember how set-up left `what`."""
        self.stamps[what] = str(stamp)

    def store(self) -> None:
        """Store the stamps."""
        Variable.set(self.name, dict(self.stamps), overwrite=True)
