"""Makes `docs/reliability.md` from the figures in `proof/results/`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from proof.bugs.planted import BUGS
from proof.record import FOLDER

PAGE = Path(__file__).parents[1] / "docs/reliability.md"

_KNOWN = "parked, though its outcome is known"

_SOAK_ROWS = (
    ("orders", "orders"),
    ("calls that Retail Pro received", "requests"),
    ("share of them that went wrong", "fault_share"),
    ("workers", "workers"),
    ("workers killed", "kills"),
    ("connections to SFTP cut", "sftp_cuts"),
    ("**lost**", "lost"),
    ("**doubled**", "doubled"),
    ("**half-read files**", "half_read"),
    ("other violations", "violations"),
    ("confirmed", "confirmed"),
    ("rejected", "rejected"),
    ("parked", "parked"),
    ("in doubt, says the oracle", "in_doubt_by_the_oracle"),
    ("both", "parked_and_in_doubt"),
    ("answers that went out whole and were cut off by the deadline", "answers_cut_short"),
    ("seconds to the final state, median", "median_seconds_to_the_end"),
    ("seconds to the final state, 95 %", "p95_seconds_to_the_end"),
    ("seconds under fire", "seconds_under_fire"),
    ("seed", "seed"),
)


def make(results: Path = FOLDER) -> str:
    """Write the page's text from what is there; a part without figures is left out."""
    soaks = _all(results, "soak-*.json")
    for one in soaks:
        one["violations"] = len(one["problems"])
        one.setdefault("answers_cut_short", "not counted")
    bugs = _one(results, "mutants")
    hunted = {one["name"] for one in bugs["bugs"]} if bugs else set()
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - Markdown, of our own figures
        keep_trailing_newline=True,
    )
    return environment.get_template("page.md.j2").render(
        model=_one(results, "protocol-model"),
        machine=_one(results, "ledger-machine"),
        crashes=_all(results, "crash-points-*.json"),
        soaks=soaks,
        has_known_outcomes=any(_KNOWN in text for one in soaks for text in one["problems"]),
        soak_rows=_SOAK_ROWS,
        sftp=_one(results, "sftp-faults"),
        fuzz=_one(results, "fuzz"),
        bugs=bugs,
        unhunted=[bug.name for bug in BUGS if bug.name not in hunted],
        where=soaks[0]["machine"] if soaks else {},
    )


def main() -> None:
    """Write the page."""
    PAGE.write_text(make(), encoding="utf-8")
    print(f"Written to {PAGE.relative_to(PAGE.parents[1])}")


def _one(results: Path, name: str) -> dict[str, Any] | None:
    path = results / f"{name}.json"
    if not path.exists():
        return None
    figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return figures


def _all(results: Path, pattern: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(results.glob(pattern))]


if __name__ == "__main__":
    main()
