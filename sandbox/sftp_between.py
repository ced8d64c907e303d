"""Stands between sshd and OpenSSH's sftp-server, and does one thing wrong at one request.

sshd starts it as a program for each session, so it imports the standard library alone. A test writes the
plan with `FaultPlan`, and reads in the journal which requests came and whether the fault was hit.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Literal

Fault = Literal[
    "die before",  # the server is killed, the request was not done
    "die after",  # the request was done, its answer never comes
    "die linked",  # a rename that is killed between its link and its unlink
    "refuse",  # not done, answered with a failure
    "deny",  # not done, answered with "permission denied"
    "do and refuse",  # done, and answered with a failure all the same
    "store zeros",  # a write stores other bytes
    "answer short",  # a read gives less than was asked for
    "answer long",  # a read gives more than was asked for
    "answer nothing",  # a read gives no byte, and no error
    "overwrite",  # a rename replaces what stands there
]

_NAMES = {
    3: "OPEN", 4: "CLOSE", 5: "READ", 6: "WRITE", 7: "LSTAT", 8: "FSTAT", 11: "OPENDIR", 12: "READDIR",
    13: "REMOVE", 14: "MKDIR", 17: "STAT", 18: "RENAME",
}  # fmt: skip
_INIT, _READ, _WRITE, _RENAME, _EXTENDED, _STATUS, _DATA = 1, 5, 6, 18, 200, 101, 103
_PERMISSION_DENIED, _FAILURE = 3, 4


class FaultPlan:
    """The plan for the next sessions of one server, and the journal they write, in a folder."""

    def __init__(self, folder: Path, sftp_server: str) -> None:
        self._folder = folder
        self._sftp_server = sftp_server
        folder.mkdir(parents=True, exist_ok=True)

    def subsystem(self, root: Path) -> str:
        """Give the command for sshd's `Subsystem sftp`; a login lands in `root`."""
        program = [sys.executable, "-I", "-S", "-B", __file__]
        return shlex.join([*program, str(self._folder), str(root), self._sftp_server])

    def set(self, fault: Fault, request: str = "", number: int = 1, sessions: int = 1) -> None:
        """Let the fault happen at the `number`th such request (any, if "") of the next `sessions`.

        Number 0 is every one. The journal begins anew.
        """
        self.clear()
        plan = {"fault": fault, "request": request, "number": number, "sessions": sessions}
        (self._folder / "plan.json").write_text(json.dumps(plan))

    def clear(self) -> None:
        """Let all be well from the next session on, and begin the journal anew."""
        for name in ("plan.json", "journal"):
            (self._folder / name).unlink(missing_ok=True)

    def requests(self) -> list[str]:
        """Name the requests that came since the plan was set; those that met the fault end in "!"."""
        journal = self._folder / "journal"
        return journal.read_text().split() if journal.exists() else []

    def is_met(self, patience: float = 2.0) -> bool:
        """Say whether the fault was met; a request that nobody waits for gets some seconds to come."""
        give_up_at = time.monotonic() + patience
        while (self._folder / "plan.json").exists():
            if any(name.endswith("!") for name in self.requests()):
                return True
            if time.monotonic() > give_up_at:
                break
            time.sleep(0.02)
        return False


class _Session:
    def __init__(self, folder: Path, root: Path, sftp_server: str) -> None:
        self._root = root
        self._plan = _taken_plan(folder / "plan.json")
        self._journal = os.open(folder / "journal", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._server = subprocess.Popen(
            [sftp_server, "-d", str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._count = 0
        self._answers: dict[bytes, str] = {}
        self._lock = threading.Lock()

    def run(self) -> None:
        assert self._server.stdin and self._server.stdout  # noqa: S101, PT018 - they are pipes
        to_server, from_server = self._server.stdin.fileno(), self._server.stdout.fileno()
        threading.Thread(target=self._pass_answers, args=(from_server,), daemon=True).start()
        while packet := _packet(0):
            wanted = self._met(packet) if packet[0] != _INIT else packet
            if wanted is not None:
                _send(to_server, wanted)
        self._server.stdin.close()
        self._server.wait()

    def _met(self, packet: bytes) -> bytes | None:
        """Note the request and give what the server gets for it; None for nothing."""
        name, fault = _name(packet), self._plan.get("fault", "")
        is_meant = fault and self._plan["request"] in {"", name}
        self._count += bool(is_meant)
        is_hit = is_meant and self._plan["number"] in {0, self._count}
        os.write(self._journal, f"{name}{'!' if is_hit else ''}\n".encode())
        return self._wrong(packet, fault) if is_hit else packet

    def _wrong(self, packet: bytes, fault: str) -> bytes | None:
        number = packet[1:5]
        match fault:
            case "die before":
                self._die()
            case "die linked":
                old, new = _strings(packet[5:], 2)
                os.link(self._root / os.fsdecode(old), self._root / os.fsdecode(new))
                self._die()
            case "refuse" | "deny":
                self._answer(_status(number, _FAILURE if fault == "refuse" else _PERMISSION_DENIED))
                return None
            case "answer nothing":
                self._answer(bytes([_DATA]) + number + _text(b""))
                return None
            case "die after" | "do and refuse":
                self._answers[number] = fault
            case "store zeros" if packet[0] == _WRITE:
                (handle,) = _strings(packet[5:], 1)
                head = 5 + 4 + len(handle) + 8 + 4
                return packet[:head] + bytes(len(packet) - head)
            case "answer short" if packet[0] == _READ:
                return packet[:-4] + min(packet[-4:], struct.pack(">I", 1_000))
            case "answer long" if packet[0] == _READ:
                return packet[:-4] + struct.pack(">I", 2 * struct.unpack(">I", packet[-4:])[0])
            case "overwrite" if packet[0] == _RENAME:
                return bytes([_EXTENDED]) + number + _text(b"posix-rename@openssh.com") + packet[5:]
        return packet

    def _pass_answers(self, source: int) -> None:
        while packet := _packet(source):
            fault = self._answers.get(packet[1:5])
            if fault == "die after":
                self._die()
            self._answer(_status(packet[1:5], _FAILURE) if fault else packet)
        os._exit(0)

    def _answer(self, packet: bytes) -> None:
        with self._lock:
            _send(1, packet)

    def _die(self) -> None:
        os.kill(self._server.pid, signal.SIGKILL)
        os._exit(1)


def _taken_plan(path: Path) -> dict[str, Any]:
    """Read the plan and use up one of its sessions."""
    if not path.exists():
        return {}
    plan: dict[str, Any] = json.loads(path.read_text())
    left = plan["sessions"]
    path.write_text(json.dumps({**plan, "sessions": left - 1}))
    return plan if left > 0 else {}


def _packet(source: int) -> bytes:
    """Read one packet without its length; nothing at the end."""
    head = _exactly(source, 4)
    return _exactly(source, struct.unpack(">I", head)[0]) if head else b""


def _exactly(source: int, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = os.read(source, count - len(data))
        if not more:
            return b""
        data += more
    return data


def _send(target: int, packet: bytes) -> None:
    data = struct.pack(">I", len(packet)) + packet
    while data:
        data = data[os.write(target, data) :]


def _name(packet: bytes) -> str:
    if packet[0] == _EXTENDED:
        (extension,) = _strings(packet[5:], 1)
        return extension.decode().partition("@")[0].upper()
    return _NAMES.get(packet[0], str(packet[0]))


def _strings(data: bytes, count: int) -> list[bytes]:
    found = []
    for _ in range(count):
        length = struct.unpack(">I", data[:4])[0]
        found.append(data[4 : 4 + length])
        data = data[4 + length :]
    return found


def _text(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _status(number: bytes, code: int) -> bytes:
    said = b"permission denied" if code == _PERMISSION_DENIED else b"it went wrong on purpose"
    return bytes([_STATUS]) + number + struct.pack(">I", code) + _text(said) + _text(b"")


if __name__ == "__main__":
    _Session(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]).run()
