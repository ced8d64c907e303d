"""A file that is being worked on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TakenFile:
    """Its name on the server, and a local copy of its bytes.

    `occasion` is the same however often one arrival of the file is worked on, and another when it is
    dropped or handed over again.
    """

    name: str
    sha256: str
    modified_at: datetime
    path: Path
    occasion: str
