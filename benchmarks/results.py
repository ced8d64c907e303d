"""Tables on the screen, and in `benchmarks/results/` as a Markdown page and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.machine import facts

FOLDER = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Table:
    """One table; every row has as many cells as there are columns."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        lines = [
            f"| {' | '.join(self.columns)} |",
            f"|---|{'---:|' * (len(self.columns) - 1)}",
            *(f"| {' | '.join(row)} |" for row in self.rows),
        ]
        return "\n".join([f"## {self.title}", "", *lines])


def publish(name: str, question: str, tables: Sequence[Table], notes: str, figures: Any) -> None:
    """Print the tables and write them down; `figures` are the bare numbers for programs."""
    where = facts()
    machine = Table("Machine", ("", ""), list(where.items()))
    page = "\n\n".join([f"# {question}", *map(str, tables), notes, str(machine)])
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.md").write_text(f"{page}\n", encoding="utf-8")
    document = {"question": question, "machine": where, "figures": figures}
    (FOLDER / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"\n{page}\n\nWritten to benchmarks/results/{name}.md and .json", flush=True)


def spread(values: Sequence[float], digits: int = 0) -> list[str]:
    """Give minimum, median and maximum as cells."""
    return [f"{value:.{digits}f}" for value in (min(values), median(values), max(values))]
