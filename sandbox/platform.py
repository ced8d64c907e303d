"""A Prefect server, the deployments and a worker of their own, as a user would start them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from sandbox.certificate import write_certificate

_REPOSITORY = Path(__file__).parent.parent
_BIN = Path(sys.executable).parent
_START_SECONDS = 300

_SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    # Their defaults of 1 make the server the bottleneck as soon as a run has some hundred orders.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_WORKER_QUERY_SECONDS": "2",
    "PREFECT_LOGGING_LEVEL": "INFO",
}


_ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@dataclass(frozen=True, slots=True)
class FlowRun:
    """A flow run that has ended; `state` is Prefect's state type, such as COMPLETED."""

    id: str
    state: str
    message: str


class Platform:
    """Runs a Prefect server on a free port, and workers; `stop` ends what was started."""

    def __init__(self, state: Path, settings: Mapping[str, str] | None = None) -> None:
        self._state = state.resolve()
        self._state.mkdir(parents=True, exist_ok=True)
        self.port = _free_port()
        self.ui_url = f"http://127.0.0.1:{self.port}"
        # Everything here is plain HTTP, but each client of Prefect's first loads all certificates that it
        # trusts: a run has a dozen clients, a set-up more, and one certificate is read at once.
        certificate = self._state / "certificate.pem"
        write_certificate(certificate)
        self.environment = {
            **{name: value for name, value in os.environ.items() if "PREFECT" not in name},
            **_SETTINGS,
            **(settings or {}),
            "PREFECT_HOME": str(self._state / "prefect"),
            "PREFECT_API_URL": f"{self.ui_url}/api",
            "PREFECT_UI_URL": self.ui_url,
            "PREFECT_API_SSL_CERT_FILE": str(certificate),
        }
        self._http = httpx.Client(timeout=60, limits=httpx.Limits(max_keepalive_connections=0))
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            RuntimeError: it did not; the text is the end of its log.
        """
        self._start("server", "prefect", "server", "start", "--port", str(self.port))
        self._wait_until_healthy()

    def stop(self) -> None:
        """End every process that was started here, the newest first."""
        for process in reversed(self._processes):
            stop(process)
        self._processes.clear()
        self._http.close()

    def run(self, *command: str) -> str:
        """Run a command of the environment to its end and give what it printed.

        Raises:
            RuntimeError: it failed; the text is what it printed.
        """
        program, *rest = command
        done = subprocess.run(
            [str(_BIN / program), *rest],
            cwd=_REPOSITORY,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def deploy(self) -> None:
        """Make every deployment of prefect.yaml."""
        self.run("tillbridge", "deploy")

    def run_deployment(
        self, name: str, parameters: Mapping[str, Any] | None = None, timeout: float = 600
    ) -> FlowRun:
        """Run a deployment to its end on the worker.

        Raises:
            TimeoutError: it did not end in `timeout` seconds; it may still be running.
        """
        run_id = self.start_deployment(name, parameters)
        give_up_at = time.monotonic() + timeout
        while time.monotonic() < give_up_at:
            run = self.api("GET", f"/flow_runs/{run_id}")
            if run["state"]["type"] in _ENDED:
                return FlowRun(run_id, run["state"]["type"], run["state"]["message"] or "")
            time.sleep(0.5)
        raise TimeoutError(f"{name} did not end in {timeout} s:\n{self.log('worker')[-3000:]}")

    def start_deployment(self, name: str, parameters: Mapping[str, Any] | None = None) -> str:
        """Ask for a run of a deployment and give its id."""
        deployment = self.api("GET", f"/deployments/name/{name}/{name}")
        run = self.api(
            "POST",
            f"/deployments/{deployment['id']}/create_flow_run",
            {"parameters": dict(parameters or {})},
        )
        return str(run["id"])

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Call Prefect's API; a server that is busy for a moment is asked again, if only reading."""
        for pause in (1, 2, 4, 8):
            try:
                answer = self._http.request(method, f"{self.ui_url}/api{path}", json=body)
            except httpx.ReadTimeout:
                if method != "GET":
                    raise
            else:
                if answer.status_code != 503:
                    answer.raise_for_status()
                    return answer.json() if answer.content else None
            time.sleep(pause)
        raise RuntimeError(f"the Prefect server does not answer:\n{self.log('server')[-3000:]}")

    def start_worker(self, name: str = "worker") -> subprocess.Popen[bytes]:
        """Start a worker of the pool; its output goes to a file beside the server's."""
        return self._start(
            name, "prefect", "worker", "start", "--pool", "tillbridge", "--name", name
        )

    def start_receiver(
        self, config: Path, url: str, *, tells_prefect: bool
    ) -> subprocess.Popen[bytes]:
        """Start the receiver of TLogs and wait until it is ready at `url`.

        If it `tells_prefect` of TLogs, these start runs of ingest-tlogs.

        Raises:
            RuntimeError: it did not start; the text is the end of its log.
        """
        environment = dict(self.environment)
        if not tells_prefect:
            del environment["PREFECT_API_URL"]
        command = ("tillbridge-receiver", "--config", str(config))
        process = self._start("receiver", *command, environment=environment)
        give_up_at = time.monotonic() + _START_SECONDS
        while time.monotonic() < give_up_at and process.poll() is None:
            with suppress(httpx.HTTPError):
                if self._http.get(f"{url}/ready", timeout=5).status_code == 200:
                    return process
            time.sleep(0.2)
        raise RuntimeError(f"the receiver did not start:\n{self.log('receiver')[-3000:]}")

    def kill_workers(self) -> None:
        """Kill every worker and its runs on the spot, as the loss of their host would."""
        for process in self._processes[1:]:
            with suppress(psutil.NoSuchProcess):
                family = psutil.Process(process.pid)
                for member in [family, *family.children(recursive=True)]:
                    with suppress(psutil.NoSuchProcess):
                        member.kill()
            process.wait()
        del self._processes[1:]

    def log(self, name: str) -> str:
        """Give what a process has written so far."""
        return (self._state / f"{name}.log").read_text(errors="replace")

    def _start(
        self,
        name: str,
        program: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        with (self._state / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [str(_BIN / program), *arguments],
                cwd=_REPOSITORY,
                env=environment or self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._processes.append(process)
        return process

    def _wait_until_healthy(self) -> None:
        give_up_at = time.monotonic() + _START_SECONDS
        while time.monotonic() < give_up_at:
            if self._processes[0].poll() is not None:
                break
            try:
                if self._http.get(f"{self.ui_url}/api/health", timeout=10).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.2)
        self.stop()
        raise RuntimeError(f"the Prefect server did not start:\n{self.log('server')[-3000:]}")


def stop(process: subprocess.Popen[Any], patience: float = 20) -> None:
    """Ask a process to end, and end it when it does not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
