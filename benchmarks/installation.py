"""An installation to measure: the far ends in a process of their own, Prefect, deployments, a worker."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from sandbox.platform import Platform, stop

REPOSITORY = Path(__file__).parent.parent
WORK = Path(__file__).parent / ".work"
_MEMORY = Path("/dev/shm")  # noqa: S108 - a private folder is made in it
_START_SECONDS = 60


@dataclass(frozen=True)
class Installation:
    """What runs, and how to reach it: `files` is the root of the SFTP server."""

    platform: Platform
    retail_pro_url: str
    files: Path


@contextmanager
def installed(latency_ms: float) -> Iterator[Installation]:
    """Run everything while the block lasts; Retail Pro takes at least `latency_ms` for a call.

    The far ends keep their own files in memory where the machine can, because their disk is not what is
    measured; the order database is on disk.
    """
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    platform = Platform(WORK / "platform", {"PYTHONPATH": str(REPOSITORY)})
    memory = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="tillbridge-bench-", dir=memory) as folder:
        state = Path(folder)
        far_ends = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--state", folder],
            cwd=REPOSITORY,
            stdout=subprocess.DEVNULL,
        )
        try:
            url = _first_sign_of_life(state / "retail-pro.url")
            settings = {"latency_ms": latency_ms}
            httpx.post(f"{url}/sandbox/settings", json=settings).raise_for_status()
            _set_up(platform, state / "tillbridge.toml", state / "tillbridge.db")
            yield Installation(platform, url, state / "sftp")
        finally:
            platform.stop()
            stop(far_ends)


def _set_up(platform: Platform, written: Path, in_memory: Path) -> None:
    config = WORK / "tillbridge.toml"
    on_disk = (WORK / "tillbridge.db").resolve()
    config.write_text(written.read_text().replace(str(in_memory), str(on_disk)))
    platform.start()
    platform.run("tillbridge", "setup", "--config", str(config))
    platform.deploy()
    platform.run(
        "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", "benchmarks/prefect.yaml"
    )
    platform.start_worker()


def _first_sign_of_life(file: Path) -> str:
    give_up_at = time.monotonic() + _START_SECONDS
    while time.monotonic() < give_up_at:
        if file.exists() and (text := file.read_text()):
            return text
        time.sleep(0.1)
    raise RuntimeError(f"the sandbox did not start in {_START_SECONDS} s")
