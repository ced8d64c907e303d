"""Fuzzing with a time budget: what comes from outside never brings a reader or a writer down.

`run` drives every target of `proof.fuzz.targets` with inputs made and shrunk by Hypothesis: for seconds
in the tests, and from `python -m proof.fuzz.driver` for as many seconds a target as are given.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from secrets import randbits
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from proof import record
from proof.fuzz.targets import TARGETS, Target

MOST_SECONDS = 2.0
"""Processor time of one input, far beyond what any needs; waiting for a busy machine does not count."""

RELEASE_SECONDS = 60.0
_BATCH = 50
_LONGEST_SHOWN = 2000


def run(seconds_per_target: float, first_seed: int | None = None) -> dict[str, Any]:
    """Fuzz every target for that long; the result is JSON, and `findings` is empty when all is well.

    The same seed gives the same inputs in the same order; how many of them depends on the machine.
    """
    chosen = randbits(32) if first_seed is None else first_seed
    targets = {target.name: _fuzz(target, seconds_per_target, chosen) for target in TARGETS}
    return {
        "seed": chosen,
        "seconds_per_target": seconds_per_target,
        "inputs": sum(one["inputs"] for one in targets.values()),
        "targets": targets,
        "findings": [one["finding"] for one in targets.values() if one["finding"]],
    }


def _fuzz(target: Target, seconds: float, first_seed: int) -> dict[str, Any]:
    inputs, slowest = 0, 0.0
    last: Any = None

    def drive(value: Any) -> None:
        nonlocal inputs, slowest, last
        inputs, last = inputs + 1, value
        took = _seconds(target, value)
        if took > MOST_SECONDS:
            # Once may have been the garbage of something else.
            took = min(took, _seconds(target, value))
        slowest = max(slowest, took)
        assert took <= MOST_SECONDS, f"it took {took:.1f} s"

    batch = settings(
        max_examples=_BATCH,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    finding = None
    give_up_at = time.monotonic() + seconds
    for value in target.first:
        try:
            drive(value)
        except Exception as problem:
            finding = _finding(target, last, problem, None)
            break
    number = first_seed
    while finding is None and time.monotonic() < give_up_at:
        try:
            seed(number)(batch(given(target.inputs)(drive)))()
        except Exception as problem:
            # Hypothesis runs the smallest failing input last.
            finding = _finding(target, last, problem, number)
        number += 1
    return {"inputs": inputs, "slowest_seconds": round(slowest, 4), "finding": finding}


def _seconds(target: Target, value: Any) -> float:
    began = time.thread_time()
    target.check(value)
    return time.thread_time() - began


def _finding(target: Target, value: Any, problem: Exception, number: int | None) -> dict[str, Any]:
    return {
        "target": target.name,
        "seed": number,
        "input": ascii(value)[:_LONGEST_SHOWN],
        "error": "".join(traceback.format_exception(problem))[-_LONGEST_SHOWN:],
    }


def main() -> None:
    """Fuzz at release size, and write down what came of it."""
    figures = run(float(sys.argv[1]) if len(sys.argv) > 1 else RELEASE_SECONDS)
    record.write("fuzz", {"machine": record.machine(), **figures})
    if figures["findings"]:
        sys.exit(json.dumps(figures["findings"], indent=2))


if __name__ == "__main__":
    main()
