"""An SFTP server that lies, as a subsystem of a real sshd: `python lying_sftp.py LIE`. Only for tests."""

from __future__ import annotations

import struct
import sys
from typing import BinaryIO

INIT, VERSION, OPEN, CLOSE, READ, LSTAT, FSTAT, OPENDIR, READDIR = 1, 2, 3, 4, 5, 7, 8, 11, 12
STATUS, HANDLE, DATA, NAME, ATTRS = 101, 102, 103, 104, 105
FAILURE, END_OF_FILE, OK = 4, 1, 0
FOLDER, FILE = 0o40755, 0o100644
EVIL = "evil \x1b[31m\nTraceback: root has logged in"


def text(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def attributes(mode: int, size: int = 0) -> bytes:
    return struct.pack(">IQIII", 0x1 | 0x4 | 0x8, size, mode, 1, 1)


def serve(lie: str, come_in: BinaryIO, go_out: BinaryIO) -> None:  # noqa: PLR0912 - one a request
    def say(kind: int, body: bytes) -> None:
        go_out.write(struct.pack(">IB", len(body) + 1, kind) + body)
        go_out.flush()

    def status(number: bytes, code: int, words: str = "") -> None:
        say(STATUS, number + struct.pack(">I", code) + text(words.encode()) + text(b""))

    while head := come_in.read(5):
        length, kind = struct.unpack(">IB", head)
        body = come_in.read(length - 1)
        number = body[:4]
        if kind == INIT:
            say(VERSION, struct.pack(">I", 3))
        elif lie == "drowned":
            while True:
                status(struct.pack(">I", 0xFFFFFF00), OK)
        elif kind == LSTAT and lie == "text":
            status(number, FAILURE, EVIL)
        elif kind == LSTAT and lie == "extensions":
            say(ATTRS, number + struct.pack(">II", 0x80000000, 0xFFFFFFFF))
        elif kind in {LSTAT, FSTAT}:
            is_file = kind == FSTAT or body.rstrip(b"\0").endswith(b".json")
            say(ATTRS, number + attributes(FILE if is_file else FOLDER, 2**40 if is_file else 0))
        elif kind in {OPEN, OPENDIR}:
            say(HANDLE, number + text(b"h"))
        elif kind == READDIR and lie == "count":
            say(NAME, number + struct.pack(">I", 0xFFFFFFFF))
        elif kind == READDIR:
            entries = b"".join(
                text(b"%d.json" % n) + text(b"") + attributes(FILE) for n in range(100)
            )
            say(NAME, number + struct.pack(">I", 100) + entries)
        elif kind == READ:
            say(DATA, number + text(bytes(32768)))
        elif kind == CLOSE:
            status(number, OK)
        else:
            status(number, FAILURE)


if __name__ == "__main__":
    serve(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer)
