"""What a planted bug is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["promise", "security"]


@dataclass(frozen=True, slots=True)
class Bug:
    """One planted bug: in `file`, `old` (which stands there once) becomes `new`.

    The kind "promise" loses or doubles an order or changes an amount; the kind "security" opens a door.
    A file may be anything that the project holds, also what a deployment is made of.
    """

    name: str
    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    kind: Kind = "promise"
