"""A process that has the product imported once, and forks a fresh worker for every run in milliseconds.

Each worker is a process of its own, with its own run, threads and connections, and can be killed alone.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from proof.crashes.worker import MODULES, Job, run

_START_SECONDS = 120
_OUT = 1


@dataclass
class Worker:
    """One forked process, as its nursery's user sees it."""

    number: int
    job: Job
    nursery: Nursery = field(repr=False)
    run_id: str = ""
    passed: int = 0
    state: str = ""
    message: str = ""
    signal: int = 0
    ended: threading.Event = field(default_factory=threading.Event, repr=False)

    def send(self, what: signal.Signals) -> None:
        """Send it a signal; one that has ended gets none."""
        self.nursery.tell({"number": self.number, "signal": int(what)})

    def wait(self, timeout: float = 300) -> Self:
        """Wait for its end.

        Raises:
            TimeoutError: it is still running.
        """
        if not self.ended.wait(timeout):
            raise TimeoutError(f"{self.job} did not end in {timeout} s")
        return self

    def wait_for_start(self, timeout: float = 60) -> None:
        """Wait until its flow runs, or it has ended."""
        give_up_at = time.monotonic() + timeout
        while not (self.run_id or self.ended.is_set()) and time.monotonic() < give_up_at:
            time.sleep(0.02)

    @property
    def was_killed(self) -> bool:
        """Whether it ended by SIGKILL."""
        return self.signal == signal.SIGKILL


class Nursery:
    """Starts workers; leaving the block ends them all. Threads may share it."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        # A crash loses them anyway, and the server has enough to do.
        self._environment = {**environment, "PREFECT_LOGGING_TO_API_ENABLED": "false"}
        self._log = log
        self._workers: dict[int, Worker] = {}
        self._lock = threading.Lock()
        self._is_ready = threading.Event()

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "proof.crashes.nursery"],
                cwd=Path(__file__).parents[2],
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self._reader = threading.Thread(target=self._read, name="nursery", daemon=True)
        self._reader.start()
        if not self._is_ready.wait(_START_SECONDS) or self._process.poll() is not None:
            raise RuntimeError(f"the nursery did not start: {self._log.read_text()[-2000:]}")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(60)
        self._reader.join(60)
        self._process.stdout.close()

    def start(self, job: Job) -> Worker:
        """Start a worker with a job."""
        with self._lock:
            worker = Worker(len(self._workers) + 1, job, self)
            self._workers[worker.number] = worker
        self.tell({"number": worker.number, "job": asdict(job)})
        return worker

    def run(self, job: Job, timeout: float = 300) -> Worker:
        """Start a worker and wait for its end."""
        return self.start(job).wait(timeout)

    def killed_runs(self) -> set[str]:
        """Name the flow runs whose worker was killed."""
        return {worker.run_id for worker in self._workers.values() if worker.was_killed}

    def tell(self, command: Mapping[str, Any]) -> None:
        """Send one command to the process."""
        assert self._process.stdin
        with self._lock:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            said = json.loads(line)
            if "ready" in said:
                self._is_ready.set()
                continue
            worker = self._workers[said["number"]]
            worker.run_id = said.get("run", worker.run_id)
            worker.passed = said.get("passed", worker.passed)
            worker.state = said.get("state", worker.state)
            worker.message = said.get("message", worker.message)
            if "ended" in said:
                worker.signal = said["ended"]
                worker.ended.set()
        self._is_ready.set()


def main() -> None:
    """Serve commands from standard input until it closes, then end every worker."""
    for module in MODULES:
        import_module(module)
    gc.freeze()  # so that a collection in a worker does not copy everything
    running: dict[int, int] = {}
    handles: dict[int, int] = {}
    _say({"ready": True})
    waiting = b""
    while True:
        for source in select.select([0, *running], [], [])[0]:
            if source:
                _bury(source, running.pop(source), handles)
                continue
            received = os.read(0, 65536)
            if not received:
                for handle in running:
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                return
            *lines, waiting = (waiting + received).split(b"\n")
            for line in lines:
                _obey(json.loads(line), running, handles)


def _obey(command: dict[str, Any], running: dict[int, int], handles: dict[int, int]) -> None:
    number = command["number"]
    if "job" in command:
        pid = os.fork()
        if not pid:
            _be_worker(number, Job(**command["job"]))
        handles[number] = os.pidfd_open(pid)
        running[handles[number]] = number
    elif number in handles:
        signal.pidfd_send_signal(handles[number], command["signal"])


def _bury(handle: int, number: int, handles: dict[int, int]) -> None:
    ended = os.waitid(os.P_PIDFD, handle, os.WEXITED)
    os.close(handle)
    del handles[number]
    assert ended
    was_killed = ended.si_code != os.CLD_EXITED
    _say({"number": number, "ended": ended.si_status if was_killed else 0})


def _be_worker(number: int, job: Job) -> None:
    """Do the job and end; never returns into the nursery."""
    out = os.dup(_OUT)
    os.dup2(2, _OUT)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        run(job, lambda said: _say({"number": number, **said}, out))
    except BaseException:
        traceback.print_exc()
        _say({"number": number, "state": "ERROR", "message": traceback.format_exc()[-2000:]}, out)
    sys.stderr.flush()
    os._exit(0)


def _say(message: dict[str, Any], out: int = _OUT) -> None:
    # Short writes to a pipe are never mixed with those of another process.
    os.write(out, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main()
