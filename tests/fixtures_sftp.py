"""SFTP servers on loopback with keys of their own, and a TCP proxy that breaks connections."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sandbox.sftp import SandboxSftp, serve_sftp
from tillbridge.clients.sftp import SftpClient, SftpSettings

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


@dataclass
class Sshd:
    """One sshd, run as the current user. `root` is the folder that a login lands in."""

    state: Path
    root: Path
    client_key: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    host_key: Path = field(init=False)

    def __post_init__(self) -> None:
        self.host_key = make_key(self.state / "host_key_1")

    def start(self, *options: str, subsystem: str | None = None) -> None:
        """Start with further lines of sshd_config; `subsystem` is the command that serves SFTP."""
        config = self.state / "sshd_config"
        lines = [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.host_key}",
            f"AuthorizedKeysFile {self.client_key}.pub",
            f"Subsystem sftp {subsystem or f'internal-sftp -d {self.root}'}",
            "PidFile none",
            "StrictModes no",
            "UsePAM no",
            "PermitRootLogin yes",
            "MaxStartups 100",
            *options,
        ]
        config.write_text("\n".join(lines) + "\n")
        assert SSHD
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        log = (self.state / "sshd.log").open("ab")
        with log:
            self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stderr=log)
        for _ in range(200):
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), 1),
            ):
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        pytest.fail(f"sshd did not start: {(self.state / 'sshd.log').read_text()}")

    def stop(self) -> None:
        """Stop listening; sessions under way go on."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    def change_host_key(self) -> None:
        """Restart on the same port with another host key."""
        self.stop()
        self.host_key = make_key(self.state / "host_key_2")
        self.start()

    @property
    def pinned(self) -> str:
        """The host key as a settings line."""
        return Path(f"{self.host_key}.pub").read_text().strip()

    def settings(self, **changes: object) -> SftpSettings:
        """Give the settings that work, with some changed."""
        values: dict[str, object] = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": pwd.getpwuid(os.geteuid()).pw_name,
            "private_key": self.client_key.read_text(),
            "host_keys": [self.pinned],
        }
        return SftpSettings.model_validate(values | changes)

    def files(self) -> list[str]:
        """Every file below the root, the hidden ones too."""
        return sorted(str(p.relative_to(self.root)) for p in self.root.rglob("*") if p.is_file())


class CuttingProxy:
    """Forwards TCP to a port, and cuts or freezes connections when told to."""

    def __init__(self, target_port: int) -> None:
        self._target = target_port
        self._lock = threading.Lock()
        self._frozen = threading.Event()
        self._freeze_at = 0
        self._cuts_left = 0
        self._cut_at = {"up": -1, "down": -1}
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        # Small buffers, so that a far end that takes nothing is soon felt.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
        self.port = int(self._listener.getsockname()[1])
        self.connections = 0
        self.passed = {"up": 0, "down": 0}
        self._start(self._accept)

    def cut(self, *, up: int = -1, down: int = -1, times: int = 1) -> None:
        """Cut the next `times` connections once that many bytes went up or down."""
        with self._lock:
            self._cut_at, self._cuts_left = {"up": up, "down": down}, times

    def freeze(self, after: int = 0) -> None:
        """Take bytes no more once `after` more went up, but keep the connections."""
        self._freeze_at = self.passed["up"] + after
        self._frozen.set()

    def cut_all(self) -> None:
        """Cut the connections there are; new ones pass."""
        with self._lock:
            for sock in self._sockets:
                _hang_up(sock)

    def close(self) -> None:
        """Hang up everywhere."""
        self._frozen.clear()
        _hang_up(self._listener)
        self._listener.close()
        self.cut_all()
        for thread in self._threads:
            thread.join(10)
        for sock in self._sockets:
            sock.close()

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            with self._lock:
                self.connections += 1
                limits = dict(self._cut_at) if self._cuts_left else {"up": -1, "down": -1}
                self._cuts_left = max(0, self._cuts_left - 1)
                self._sockets += [near, far]
            self._start(self._forward, near, far, limits["up"], "up")
            self._start(self._forward, far, near, limits["down"], "down")

    def _forward(self, source: socket.socket, target: socket.socket, limit: int, way: str) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                while self._frozen.is_set() and self.passed["up"] >= self._freeze_at:
                    time.sleep(0.01)
                if 0 <= limit <= passed + len(data):
                    target.sendall(data[: limit - passed])
                    break
                target.sendall(data)
                passed += len(data)
                self.passed[way] += len(data)
        _hang_up(source)
        _hang_up(target)


def _hang_up(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="session")
def ssh_client_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if SSHD is None:
        pytest.skip("no OpenSSH server on this machine")
    return make_key(tmp_path_factory.mktemp("ssh") / "client_key")


@pytest.fixture
def stopped_sshd(tmp_path: Path, ssh_client_key: Path) -> Iterator[Sshd]:
    """An sshd that the test starts itself, with options of its own."""
    state, root = tmp_path / "sshd", tmp_path / "exchange"
    state.mkdir()
    root.mkdir()
    server = Sshd(state, root, ssh_client_key)
    yield server
    server.stop()


@pytest.fixture
def sshd(stopped_sshd: Sshd) -> Sshd:
    """A running sshd."""
    stopped_sshd.start()
    return stopped_sshd


@pytest.fixture
def sftp(sshd: Sshd) -> Iterator[SftpClient]:
    """A client of `sshd`, with room for parallel work."""
    with SftpClient(sshd.settings(connections=2, channels_per_connection=8)) as client:
        yield client


@pytest.fixture
def proxy(sshd: Sshd) -> Iterator[CuttingProxy]:
    """A proxy in front of `sshd`."""
    server = CuttingProxy(sshd.port)
    yield server
    server.close()


@pytest.fixture
def sandbox_settings(tmp_path: Path) -> Iterator[SftpSettings]:
    """The settings of a running sandbox server, whose files are in `tmp_path / "exchange"`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        serving = serve_sftp(tmp_path / "sandbox", tmp_path / "exchange")
        server: SandboxSftp = asyncio.run_coroutine_threadsafe(serving, loop).result(20)
        yield SftpSettings.model_validate(
            {
                "host": "127.0.0.1",
                "port": server.port,
                "user": server.user,
                "private_key": server.client_key,
                "host_keys": [server.host_key],
            }
        )
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(20)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


@pytest.fixture(params=["openssh", "sandbox"])
def any_sftp(request: pytest.FixtureRequest) -> Iterator[SftpClient]:
    """A client of each kind of server in turn, whose files are in `tmp_path / "exchange"`."""
    if request.param == "openssh":
        settings = request.getfixturevalue("sshd").settings()
    else:
        settings = request.getfixturevalue("sandbox_settings")
    parallel = settings.model_copy(update={"connections": 2, "channels_per_connection": 4})
    with SftpClient(parallel) as client:
        yield client
