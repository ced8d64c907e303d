"""The receiver as a process of its own, on a real SFTP server, and a till that posts to it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import httpx
import pytest

from proof.processes import processes
from sandbox.openssh import Sshd, free_port
from tests.fixtures_database import ROLES, as_role

TOKEN = "token-of-the-first-till-5c1f"
OTHER_TOKEN = "token-of-the-second-till-9b27"
SIGNING_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FOLDER = "predictspring/tlog"
CLIENTS: dict[str, dict[str, Any]] = {
    "north": {
        "bearer_tokens": [TOKEN],
        "api_keys": ["key-of-the-first-till-02aa"],
        "basic_user": "north",
        "basic_passwords": ["password-of-the-first-till-77"],
        "signing_secrets": [SIGNING_SECRET],
    },
    "south": {"bearer_tokens": [OTHER_TOKEN]},
}
_WARNING = "error::ResourceWarning"
_UNLIMITED = httpx.Limits(max_keepalive_connections=0)
FAST = {
    "requests_per_second": 100000,
    "burst": 100000,
    "client_requests_per_second": 100000,
    "client_burst": 100000,
    "least_free_megabytes": 1,
}


def sale(order_id: str, **changes: Any) -> dict[str, Any]:
    """Give a TLog as small as one may be."""
    line = {"orderItemId": "1", "productId": "P1", "quantity": 1, "price": 10.5, "total": 10.5}
    return {
        "orderId": order_id,
        "storeId": "256",
        "orderDate": 1795334400000,
        "totalAmount": 10.5,
        "orderProductList": [line],
        **changes,
    }


@dataclass
class RunningReceiver:
    """One receiver. `options` go into its `[receiver]` section."""

    state: Path
    sshd: Sshd
    database_url: str
    options: Mapping[str, Any] = field(default_factory=dict)
    clients: Mapping[str, Any] = field(default_factory=lambda: CLIENTS)
    sftp_port: int | None = None
    port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | BaseProcess | None = None
    # One for all requests: making one reads all certificates of the machine.
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60, limits=_UNLIMITED))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.state / "receiver.log").read_text()

    def configuration(self) -> str:
        """Write the configuration file's text."""
        sftp = self.sshd.settings()
        options = {"port": self.port, "metrics_port": self.metrics_port, **FAST, **self.options}
        assert sftp.private_key is not None
        sections = {
            "database": {"url": self.database_url},
            "sftp": {
                "host": sftp.host,
                "port": self.sftp_port or sftp.port,
                "user": sftp.user,
                "private_key": sftp.private_key.get_secret_value(),
                "host_keys": sftp.host_keys,
                "connections": 2,
                "connect_timeout": 5,
                "operation_timeout": 5,
            },
            "profiles.tillbridge": {"product_store_id": "S", "brand": "B"},
            "receiver": options,
            **{f"receiver.clients.{name}": client for name, client in self.clients.items()},
        }
        # A JSON value is a TOML value, as long as it is no object.
        return "\n".join(
            line
            for name, values in sections.items()
            for line in [f"[{name}]", *(f"{k} = {json.dumps(v)}" for k, v in values.items())]
        )

    def start(self) -> None:
        """Start it, and wait until it lives."""
        config = self.state / "tillbridge.toml"
        config.write_text(self.configuration())
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_API")}
        log = self.state / "receiver.log"
        if self.environment:
            # Prefect reads its settings when it is loaded.
            command = [
                sys.executable,
                "-W",
                _WARNING,
                "-m",
                "commands.receiver",
                "--config",
                config,
            ]
            environment |= self.environment
            with log.open("ab") as out:
                self.process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
        else:
            self.process = processes.Process(target=_receive, args=(config, log, environment))
            self.process.start()
        until = time.monotonic() + 180  # a busy machine takes its time to import it all
        while time.monotonic() < until:
            with contextlib.suppress(httpx.TransportError):
                if self.http.get(f"{self.url}/health").status_code == 200:
                    return
            assert _status(self.process) is None, self.log
            time.sleep(0.05)
        raise AssertionError(self.log)

    def kill(self) -> None:
        """End it as the power does."""
        assert self.process is not None
        self.process.kill()
        _wait(self.process, 10)

    def stop(self) -> int:
        """Tell it to stop, and give its exit status."""
        if self.process is None or _status(self.process) is not None:
            return 0
        self.process.terminate()
        return _wait(self.process, 30)

    def post(
        self, body: bytes | dict[str, Any], token: str = TOKEN, **headers: str
    ) -> httpx.Response:
        """Post a TLog as a client with a token does."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
        return self.http.post(f"{self.url}/tlog", content=content, headers=sent)

    def files(self, place: str = "") -> dict[str, bytes]:
        """Give the finished files of a place in the TLog folder."""
        folder = self.sshd.root / FOLDER / place
        return {
            path.name: path.read_bytes()
            for path in sorted(folder.glob("*.json"))
            if not path.name.startswith(".")
        }

    def metrics(self) -> str:
        """Scrape the metrics."""
        return self.http.get(f"http://127.0.0.1:{self.metrics_port}/metrics").text


def _receive(config: Path, log: Path, environment: dict[str, str]) -> None:
    """Be the command, in a process of its own that has loaded it already."""
    os.environ.clear()
    os.environ.update(environment)
    warnings.simplefilter("error", ResourceWarning)
    with log.open("ab") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    from commands.receiver import main

    sys.argv = ["tillbridge-receiver", "--config", str(config)]
    main()


def _status(process: subprocess.Popen[bytes] | BaseProcess) -> int | None:
    """Give the exit status of a process; None while it runs."""
    return process.exitcode if isinstance(process, BaseProcess) else process.poll()


def _wait(process: subprocess.Popen[bytes] | BaseProcess, seconds: float) -> int:
    """Wait for the end of a process, and give its exit status."""
    if not isinstance(process, BaseProcess):
        return process.wait(seconds)
    process.join(seconds)
    assert process.exitcode is not None
    return process.exitcode


@pytest.fixture
def start_receiver(
    request: pytest.FixtureRequest, tmp_path: Path, sshd: Sshd, sqlite_template: Path
) -> Iterator[Callable[..., RunningReceiver]]:
    """Start receivers on one SFTP server and one database: SQLite, or with their rights `database_url`."""
    if "database_url" in request.fixturenames:
        url = as_role(request.getfixturevalue("database_url"), ROLES.receiver)
    else:
        shutil.copyfile(sqlite_template, tmp_path / "r.db")
        url = f"sqlite:///{tmp_path}/r.db"
    running: list[RunningReceiver] = []

    def start(**settings: Any) -> RunningReceiver:
        state = tmp_path / f"receiver-{len(running)}"
        state.mkdir()
        receiver = RunningReceiver(state, sshd, url, **settings)
        running.append(receiver)
        receiver.start()
        return receiver

    yield start
    for receiver in running:
        receiver.stop()
        receiver.http.close()


@pytest.fixture
def receiver(start_receiver: Callable[..., RunningReceiver]) -> RunningReceiver:
    """A running receiver with the usual settings."""
    return start_receiver()
