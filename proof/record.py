"""Writes figures to `proof/results/`, and says on what machine and commit they were found."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.machine import facts

FOLDER = Path(__file__).parent / "results"


def machine() -> dict[str, str]:
    """Describe the machine, the software on it, and the commit."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=FOLDER.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return {**facts(), "commit": commit.stdout.strip() or "unknown"}


def write(name: str, figures: dict[str, Any]) -> None:
    """Write one document."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(f"Written to {path}", flush=True)
