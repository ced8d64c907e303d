"""What the worst file costs that every limit lets in, however small its values: a multiple of its size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MEGABYTE = 1_000_000


def costs(kind: str, folder: Path) -> list[dict[str, Any]]:
    """Look for the worst files of a kind in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.handover.costs", kind, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("kind", ["tlogs", "feeds", "requests", "orders", "variances"])
def test_no_file_costs_more_than_a_multiple_of_its_size(kind: str, tmp_path: Path) -> None:
    """Memory, failures that are told, bytes in the database and on SFTP; and the file is put away."""
    # polars takes 45 MB for itself, and every row of a variance is kept with what became of it.
    least, written = (65, 40) if kind == "variances" else (20, 4)
    for cost in costs(kind, tmp_path):
        assert "died" not in cost, cost
        assert cost["memory"] < least * MEGABYTE + 50 * cost["size"], cost
        assert cost["rows"] <= 1001, cost
        assert cost["written"] < MEGABYTE + written * cost["size"], cost
        assert cost["left"] == [], cost
