"""A real OpenSSH server on loopback with keys of its own, for machines that have one installed."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from tillbridge.clients.sftp_settings import SftpSettings

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
SFTP_SERVER = shutil.which("sftp-server", path="/usr/lib/openssh:/usr/libexec/openssh:/usr/lib/ssh")
"""The part of OpenSSH that serves files, where it is a program of its own."""


def free_port() -> int:
    """Find a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    """Make a key pair; the public half is beside it, with `.pub` after its name."""
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
            f"SetEnv HOME={self.state}",  # the login shell's start files have no say here
            *options,
        ]
        config.write_text("\n".join(lines) + "\n")
        if SSHD is None:
            raise RuntimeError("no OpenSSH server is installed on this machine")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        for _ in range(200):
            # The port may be held for a moment by a session of the server before.
            if not self.is_running:
                with (self.state / "sshd.log").open("ab") as log:
                    self.process = subprocess.Popen(
                        [SSHD, "-D", "-e", "-f", str(config)], stderr=log
                    )
            if self._greets():
                return
            time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"sshd did not start: {(self.state / 'sshd.log').read_text()}")

    @property
    def is_running(self) -> bool:
        """Say whether it listens."""
        return self.process is not None and self.process.poll() is None

    def _greets(self) -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), 5) as probe,
        ):
            return probe.recv(4) == b"SSH-"
        return False

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
        """Give the host key as a line of the settings."""
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
        """List every file below the root, the hidden ones too."""
        return sorted(str(p.relative_to(self.root)) for p in self.root.rglob("*") if p.is_file())
