"""Builds the wheel so that everybody who builds this version gets the same bytes: `make wheel`.

It is built twice, in two places, and compared. The time in it is that of the last commit, or SOURCE_DATE_EPOCH.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = ("pyproject.toml", "README.md", "LICENSE")
PACKAGES = ("flows", "tasks", "blocks", "commands", "tillbridge")
_OPTIONS = (
    "--quiet",
    "--disable-pip-version-check",
    "--no-deps",
    "--no-index",
    "--no-build-isolation",
)


def build(epoch: int, out: Path) -> Path:
    """Build a wheel of the sources as they are, with the build backend of the environment.

    Raises:
        subprocess.CalledProcessError: it cannot be built; pip has said why.
    """
    with tempfile.TemporaryDirectory(prefix="tillbridge-wheel-") as folder:
        source = Path(folder)
        for name in FILES:
            shutil.copyfile(ROOT / name, source / name)
        for name in PACKAGES:
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*")
            shutil.copytree(ROOT / name, source / name, ignore=ignored)
        # The umask of whoever cloned the repository is no part of the wheel.
        for path in source.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", *_OPTIONS, "--wheel-dir", out, source],
            env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch)},
            umask=0o022,
            check=True,
        )
    [wheel] = out.glob("*.whl")
    return wheel


def epoch_of_sources() -> int:
    """Give the time the wheel carries, in seconds since 1970."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    done = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def main() -> int:
    """Build it twice; the wheel goes to dist/ only if both are the same."""
    epoch = epoch_of_sources()
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        wheels = [build(epoch, Path(folder)) for folder in (first, second)]
        sums = {hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels}
        if len(sums) > 1:
            print("two builds of the same sources differ; nothing was kept")
            return 1
        (ROOT / "dist").mkdir(exist_ok=True)
        shutil.copyfile(wheels[0], ROOT / "dist" / wheels[0].name)
    print(f"dist/{wheels[0].name}\nsha256 {sums.pop()}, SOURCE_DATE_EPOCH={epoch}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
