"""What became of batches of TLogs, and what a run came to in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from tillbridge.counting import counted
from tillbridge.handover.inbox import FileResult, stuck
from tillbridge.ingestion.totals import Totals


@dataclass
class BatchResult:
    """What became of a batch of files, its sums, and of end-of-day files whose sales were in it."""

    files: list[FileResult] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)
    published: list[str] = field(default_factory=list)
    order_ids: set[str] = field(default_factory=set)
    places: set[tuple[str, date]] = field(default_factory=set)


@dataclass(frozen=True)
class RunSummary:
    """What a run came to; `files` begin with those that need a look."""

    files: Sequence[FileResult]
    totals: Totals
    message: str
    needs_help: bool


def sum_up(results: Sequence[BatchResult]) -> RunSummary:
    """Add the batches of a run up. It needs help when a file is stuck or sums do not agree."""
    found = [file for result in results for file in result.files]
    totals = Totals().merge(result.totals for result in results)
    counts: Counter[str] = Counter()
    for file in found:
        counts.update(file.counts)
    duplicates = sum(file.result == "duplicate" for file in found)
    unreadable = sum(file.result == "quarantined" for file in found)
    parts = [
        f"{counted(counts['taken in'], 'transaction')} taken in from {counted(len(found), 'file')}",
        f"{counts['known before']} known before",
        f"{counted(duplicates, 'file')} known before",
        f"{counts['quarantined']} quarantined",
        f"{counts['in conflict']} in conflict",
    ]
    problems = [*totals.disagreements(), stuck(found)]
    problems = [problem for problem in problems if problem]
    return RunSummary(
        sorted(found, key=lambda file: (file.result in {"done", "duplicate"}, file.name)),
        totals,
        " ".join([f"{', '.join(parts)}; {counted(unreadable, 'file')} in quarantine.", *problems]),
        bool(problems),
    )
