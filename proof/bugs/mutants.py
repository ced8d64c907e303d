"""Plants each bug of `proof.bugs.planted` into a copy of the project and lets the tests find it.

`python -m proof.bugs.mutants` runs them all and writes `proof/results/mutants.json`. Named bugs, or those of
a named kind ("promise", "security"), are run alone.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proof.bugs.bug import Bug
from proof.bugs.planted import BUGS
from proof.record import FOLDER, write

ROOT = Path(__file__).parents[2]
_LONGEST = 900
_SIDE_BY_SIDE = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """What the tests said about one bug: the first that failed, or that none did."""

    bug: Bug
    killed_by: str | None
    seconds: float


def copy_project(folder: Path) -> None:
    """Copy what belongs to the project, with changes that are not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)


def plant(bug: Bug, folder: Path) -> None:
    """Change the source.

    Raises:
        ValueError: what the bug replaces does not stand there exactly once; mend `planted`.
    """
    file = folder / bug.file
    text = file.read_text(encoding="utf-8")
    if text.count(bug.old) != 1:
        raise ValueError(f"{bug.name}: {bug.file} has {text.count(bug.old)} places to plant it")
    file.write_text(text.replace(bug.old, bug.new), encoding="utf-8")


def hunt(bug: Bug) -> Finding:
    """Plant a bug in a copy and run its tests until one fails."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tillbridge-bug-") as folder:
        copy_project(Path(folder))
        plant(bug, Path(folder))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *bug.tests],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
    return Finding(bug, _first_failure(done.stdout), round(time.monotonic() - started, 1))


def run(bugs: Sequence[Bug] = BUGS) -> dict[str, Any]:
    """Hunt every bug; gives which test killed which."""
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as threads:
        findings = list(threads.map(hunt, bugs))
    return {
        "planted": len(findings),
        "killed": sum(1 for one in findings if one.killed_by),
        "bugs": [
            {
                "name": one.bug.name,
                "what": one.bug.what,
                "file": one.bug.file,
                "killed_by": one.killed_by,
                "seconds": one.seconds,
            }
            for one in findings
        ],
    }


def _first_failure(said: str) -> str | None:
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)
    return found[1] if found else None


def main() -> None:
    """Hunt the named bugs or kinds, or all; print and keep what came of it, of the others what it was."""
    asked_for = set(sys.argv[1:])
    wanted = [bug for bug in BUGS if not asked_for or asked_for & {bug.name, bug.kind}]
    report = run(wanted)
    for bug in report["bugs"]:
        print(f"{bug['name']:24} {bug['seconds']:6.1f} s  {bug['killed_by'] or 'SURVIVED'}")
    keep(report["bugs"])
    sys.exit(report["killed"] != report["planted"])


def keep(found: Sequence[dict[str, Any]]) -> None:
    """Write down what was found, beside what is known of the bugs that were not hunted this time."""
    path = FOLDER / "mutants.json"
    before = json.loads(path.read_text())["bugs"] if path.exists() else []
    by_name = {one["name"]: one for one in [*before, *found]}
    rows = [{**by_name[bug.name], "kind": bug.kind} for bug in BUGS if bug.name in by_name]
    killed = sum(1 for one in rows if one["killed_by"])
    write("mutants", {"planted": len(rows), "killed": killed, "bugs": rows})


if __name__ == "__main__":
    main()
