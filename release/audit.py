"""Asks the vulnerability database about every package of the locks: `make audit`.

pip-audit calls it a success when it could ask about nothing; here silence is no good news. It ends with 1 where
something is known against a package, and with 2 where not every package could be asked about.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_PIP_AUDIT = Path(sys.executable).parent / "pip-audit"


def judge(lock: str, dependencies: Sequence[dict[str, Any]]) -> tuple[int, list[str]]:
    """Say what pip-audit's answer about one lock is worth: the exit status, and lines for people."""
    unasked = [found["name"] for found in dependencies if "skip_reason" in found]
    lines = [
        f"{lock}: {found['name']} {found['version']}: {known['id']}, mended in "
        f"{', '.join(known['fix_versions']) or 'no version yet'}"
        for found in dependencies
        for known in found.get("vulns", [])
    ]
    asked = len(dependencies) - len(unasked)
    if not asked:
        lines.append(f"{lock}: NOT CHECKED. No vulnerability database could be asked.")
    elif unasked:
        lines.append(f"{lock}: {asked} packages asked about; NOT CHECKED: {', '.join(unasked)}")
    elif not lines:
        lines.append(f"{lock}: nothing is known against its {asked} packages.")
    is_known = any("vulns" in found and found["vulns"] for found in dependencies)
    return (1 if is_known else 2 if unasked or not asked else 0), lines


def ask(lock: Path) -> tuple[int, list[str]]:
    """Ask about one lock."""
    done = subprocess.run(
        [_PIP_AUDIT, "--disable-pip", "--require-hashes", "-f", "json", "-r", lock],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        dependencies = json.loads(done.stdout)["dependencies"]
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]
        return 2, [f"{lock.name}: NOT CHECKED. {last}"]
    return judge(lock.name, dependencies)


def main() -> int:
    """Ask about every lock, and print what came of it."""
    worst = {0}
    for lock in sorted(Path(__file__).parents[1].glob("*.lock")):
        status, lines = ask(lock)
        worst.add(status)
        print("\n".join(lines))
    return 1 if 1 in worst else max(worst)


if __name__ == "__main__":
    sys.exit(main())
