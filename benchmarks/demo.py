"""Where the time of `make demo` goes."""

from __future__ import annotations

import re
import subprocess
import sys
import time

from benchmarks.installation import REPOSITORY, WORK
from benchmarks.results import Table, publish

LIMIT_SECONDS = 120
_STEP = re.compile(r"^  \.\.\. (.+?)  ([0-9.]+) s$", re.MULTILINE)
_NOTES = f"""\
One run of `python -m sandbox.demo`, from the steps it prints. A step that runs a deployment holds the
worker's polling, the start of the flow's process with its imports, the flow itself and the polling for its
end. The rest is starting Python and the far ends, checking the books and stopping. The aim is that all of
it takes less than {LIMIT_SECONDS} s on two cores."""


def main() -> None:
    """Run the demo, print and write down."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.demo", "--state", str(WORK / "demo")],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    )
    total = time.monotonic() - started
    steps = [(name, float(seconds)) for name, seconds in _STEP.findall(done.stdout)]
    steps.append(("the rest", total - sum(seconds for _, seconds in steps)))
    table = Table(
        "Steps",
        ("", "seconds", "share"),
        [
            *((name, f"{seconds:.1f}", f"{seconds / total:.0%}") for name, seconds in steps),
            ("all", f"{total:.1f}", f"{total / LIMIT_SECONDS:.0%} of the aim"),
        ],
    )
    figures = {"total_seconds": round(total, 1), "steps": dict(steps)}
    publish("demo", "Where does the time of `make demo` go?", [table], _NOTES, figures)


if __name__ == "__main__":
    main()
