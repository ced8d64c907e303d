"""Where and with what a benchmark ran: the facts without which its seconds mean nothing."""

from __future__ import annotations

import os
import platform
import sqlite3
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def facts() -> dict[str, str]:
    """Describe this machine and the software on it, by name."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "processor": f"{_line('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores",
        "memory": _line("/proc/meminfo", "MemTotal"),
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Prefect": version("prefect"),
        "SQLite": sqlite3.sqlite_version,
        "load average at the end": f"{os.getloadavg()[0]:.1f}",
    }


def _line(file: str, name: str) -> str:
    try:
        lines = Path(file).read_text().splitlines()
    except OSError:
        return "unknown"
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith(name)), "unknown"
    )
