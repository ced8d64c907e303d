"""A file that is being worked on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TakenFile:
    """Its name on the server, who took it, and a local copy of its bytes."""

    name: str
    sha256: str
    modified_at: datetime
    path: Path
    taken_by: str
