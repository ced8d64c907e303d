"""Measures ways of doing something, each in a process of its own, so that none warms the other up."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from benchmarks.installation import REPOSITORY

Ways = Mapping[str, Callable[[Path], Callable[[], Any]]]
"""Each way by its name: given a place, it gets ready and gives the work to measure."""


def apart(module: str, way: str, path: Path) -> dict[str, float]:
    """Have a module measure one of its ways in a process of its own."""
    command = [sys.executable, "-m", module, way, str(path)]
    done = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    return cast("dict[str, float]", json.loads(done.stdout))


def measure(ways: Ways, way: str, path: Path) -> None:
    """Do it one way and print seconds and memory as JSON."""
    rest = _peak_mb()
    work = ways[way](path)
    started, started_cpu = time.perf_counter(), time.process_time()
    work()
    figures = {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - started_cpu,
        "peak_mb": _peak_mb(),
        "rest_mb": rest,
    }
    print(json.dumps(figures))


def _peak_mb() -> float:
    """Read the most memory this process has held; Linux counts in KiB, macOS in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1 << 10)
