"""The protocol, checked in every state that lost, late and lying answers and lost workers can lead to.

It is a model of the rules, not of the code; but the edges and the rule for answers are the product's own,
so that the two cannot drift apart there. Read `variants` first, then `actions`.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import Any

from proof.model.search import check
from proof.model.variants import ALL_LEVELS, VARIANTS, Variant
from proof.model.world import WORKERS, Bounds

QUICK = Bounds(attempts=3, kills=1)
FULL = Bounds(attempts=4, kills=2)


def bounds_of(variant: Variant, full: bool) -> Bounds:
    """Say how far a variant is searched. A level that changes multiplies the states, at a price."""
    bounds = FULL if full else QUICK
    if variant.levels == ALL_LEVELS:
        return replace(bounds, attempts=bounds.attempts - 1)
    if variant.levels:
        return replace(bounds, kills=bounds.kills - 1)
    return bounds


def run(full: bool) -> dict[str, Any]:
    """Check every variant and report what was expected and found, for JSON.

    The first word of each step of a trace is the name of its action.
    """
    variants = []
    for variant in VARIANTS:
        bounds = bounds_of(variant, full)
        began = time.perf_counter()
        result = check(variant, bounds)
        variants.append(
            {
                "name": variant.name,
                "what": variant.sentence,
                "expected": variant.breaks or "holds",
                "found": result.broken or "holds",
                "attempts": bounds.attempts,
                "kills": bounds.kills,
                "states": result.states,
                "steps": len(result.trace),
                "trace": list(result.trace),
                "seconds": round(time.perf_counter() - began, 2),
            }
        )
    return {
        "workers": WORKERS,
        "as_expected": all(row["found"] == row["expected"] for row in variants),
        "variants": variants,
    }


def main() -> int:
    """Print the table, and below it the shortest way to each broken invariant."""
    report = run("--full" in sys.argv[1:])
    for row in report["variants"]:
        mark = " " if row["found"] == row["expected"] else "!"
        found = f"{row['found']}, {row['steps']} steps" if row["trace"] else row["found"]
        print(
            f"{mark} {row['name']:18} {found:44} {row['states']:>9,} states {row['seconds']:>6} s"
            f"  {row['what']}"
        )
    for row in report["variants"]:
        if row["trace"]:
            print(f"\n{row['name']} {row['found']}: " + " -> ".join(row["trace"]))
    return 0 if report["as_expected"] else 1


if __name__ == "__main__":
    sys.exit(main())
