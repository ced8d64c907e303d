"""What starting a flow run and the command line costs, against Prefect's own part of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.installation import REPOSITORY
from benchmarks.results import Table, publish

ROUNDS = 5
FLOWS = sorted(path.stem for path in (REPOSITORY / "flows").glob("*_*.py") if path.stem[0] != "_")
FLOW_AIM = 1.35
HELP_AIM = 0.2
_NOTES = f"""\
CPU seconds of whole processes, user and system, the best of {ROUNDS} rounds; the baseline of each ratio is
measured in the same rounds. A flow run's process imports Prefect's engine and then the flow; "import
prefect.engine" is its first part alone. The aims are {FLOW_AIM} for flows and {HELP_AIM} for
`tillbridge --help`."""


def main() -> None:
    """Measure, print and write down."""
    program = Path(sys.executable).parent
    engine = [sys.executable, "-c", "import prefect.engine"]
    ways = {
        "import prefect.engine": engine,
        **{name: [*engine[:2], f"{engine[2]}, flows.{name}"] for name in FLOWS},
        "prefect --help": [str(program / "prefect"), "--help"],
        "tillbridge --help": [str(program / "tillbridge"), "--help"],
    }
    seconds = {
        name: min(found)
        for name, found in zip(
            ways,
            zip(
                *([_cpu_seconds(way) for way in ways.values()] for _ in range(ROUNDS)), strict=True
            ),
            strict=True,
        )
    }
    rows = [
        (name, f"{one:.2f}", f"{one / seconds[_baseline(name)]:.2f}")
        for name, one in seconds.items()
    ]
    table = Table("CPU seconds", ("", "seconds", "of Prefect's"), rows)
    publish("starting", "What does starting cost?", [table], _NOTES, seconds)


def _baseline(name: str) -> str:
    return "prefect --help" if name.endswith("--help") else "import prefect.engine"


def _cpu_seconds(command: list[str]) -> float:
    process = subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
