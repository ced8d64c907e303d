"""Lets the SFTP server refuse, lie or run out of room at each step, and looks at what is said and left.

A refusal is an outage or a setting to mend, in plain words; it leaves nothing a reader could take.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from proof.sftp.lane import Lane, Lanes
from proof.sftp.operations import CHUNKS, Operation, content, operations, partial, temporary
from sandbox.openssh import SFTP_SERVER
from sandbox.sftp_between import Fault
from tillbridge.errors import ConfigurationProblem, TillbridgeError, Unavailable

SIZE = 3 * 32_768 - 100
"""Three writes, and three reads."""

_PLAIN_WORDS = r"often a full disk or quota; it reports [0-9,]+ bytes free for [0-9,]+ needed"


@dataclass(frozen=True)
class Case:
    """A fault at one request of an operation, and how the operation has to end."""

    operation: str
    fault: Fault
    request: str
    number: int = 1
    sessions: int = 1
    ends: type[TillbridgeError] | None = None
    says: str = ""

    @property
    def name(self) -> str:
        """Name the case for the table."""
        which = f" {self.number}" if self.number else "s, each"
        return f"{self.operation}: {self.request}{which}: {self.fault}" + ", twice" * (
            self.sessions > 1
        )


_NOT_WRITTEN = (Unavailable, "refused the write of")
_NOT_ALLOWED = (ConfigurationProblem, "does not allow")
_LOST = (Unavailable, "was lost twice")
_OTHER_BYTES = (Unavailable, "gave back other bytes")
_TAKE = "take and archive"

CASES = (
    *(Case("put", "refuse", "WRITE", n, 1, *_NOT_WRITTEN) for n in CHUNKS),
    *(Case("put", "store zeros", "WRITE", n, 1, *_OTHER_BYTES) for n in CHUNKS),
    Case("put", "refuse", "OPEN", 2, 1, *_NOT_WRITTEN),
    Case("put", "deny", "OPEN", 2, 1, *_NOT_ALLOWED),
    Case("put", "deny", "MKDIR", 1, 1, *_NOT_ALLOWED),
    Case("put", "refuse", "FSYNC", 1, 1, *_NOT_WRITTEN),
    Case("put", "refuse", "CLOSE", 1, 1, *_NOT_WRITTEN),
    Case("put", "refuse", "READ", 2, 1, Unavailable, "refused to write"),
    Case("put", "answer short", "READ", 0),
    Case("put", "answer long", "READ"),
    Case("put", "refuse", "RENAME", 1, 1, Unavailable, "refused to write"),
    Case("put", "do and refuse", "RENAME"),
    Case("put", "die linked", "RENAME"),
    Case("put", "die after", "RENAME", sessions=2),
    Case(
        "put", "refuse", "FSYNC", 2
    ),  # of the folder: not every server can, so it is no reason to fail
    *(Case("get", "refuse", "READ", n, 1, Unavailable, "refused to read") for n in CHUNKS),
    Case("get", "refuse", "FSTAT", 1, 1, Unavailable, "refused to read"),
    Case("get", "deny", "OPEN", 1, 1, *_NOT_ALLOWED),
    Case("get", "answer short", "READ", 0),
    Case("get", "answer long", "READ"),
    Case("get", "answer long", "READ", 0, 2, *_LOST),
    Case("get", "answer nothing", "READ", 0, 2, *_LOST),
    Case(_TAKE, "deny", "POSIX-RENAME", 1, 1, *_NOT_ALLOWED),
    Case(_TAKE, "do and refuse", "POSIX-RENAME"),
    # The first rename only finds that the archive has to be made.
    Case(_TAKE, "do and refuse", "RENAME", 2),
    Case(_TAKE, "refuse", "RENAME", 2, 1, Unavailable, "refused to move"),
    Case(_TAKE, "die linked", "RENAME", 2),
)


def refuse_at_each_step(lanes: Lanes) -> dict[str, Any]:
    """Do every case; `wrong` lists those that ended otherwise than they have to."""
    done = lanes.do_all(_refused, CASES)
    return {
        "cases": [case.name for case in CASES],
        "wrong": [text for text, _, _ in done if text],
        "partial_visible": sum(seen for _, seen, _ in done),
        "temporary_files_left": sum(left for _, _, left in done),
    }


def fill_the_disk(lanes: Lanes) -> dict[str, Any]:
    """Let the server store no more than 50 kB in a file: RLIMIT_FSIZE, so nobody has to be root."""
    job = operations(SIZE)[0]
    with lanes.lane() as lane:
        lane.sshd.stop()
        folder = lane.new_case()
        limited = lane.sshd.state / "full-disk"
        limited.write_text(f"#!/bin/sh\ntrap '' XFSZ\nulimit -f 100\nexec {SFTP_SERVER}\n")
        limited.chmod(0o755)
        lane.sshd.start(subsystem=str(limited))
        text = _attempt(lane, folder, job, folder)
        left = temporary(folder) + partial(folder, folder / "none", SIZE)
        lane.sshd.stop()
        lane.sshd.start(subsystem=lane.plan.subsystem(lane.sshd.root))
        again = _attempt(lane, folder, job, folder)
    return {
        "said_in_plain_words": re.search(_PLAIN_WORDS, text) is not None,
        "left": left,
        "written_when_there_is_room": again == "",
    }


def _refused(lane: Lane, case: Case) -> tuple[str, int, int]:
    """Give what was wrong ("" for nothing), partial files seen, and temporary files left at the end."""
    job = next(one for one in operations(SIZE) if one.name == case.operation)
    folder = lane.new_case()
    job.prepare(folder)
    lane.plan.set(case.fault, case.request, case.number, case.sessions)
    with tempfile.TemporaryDirectory() as scratch:
        local = Path(scratch) / "copy"
        ended: type[TillbridgeError] | None = None
        said = ""
        with lane.client(folder) as client:
            try:
                job.act(client, content(SIZE), local)
            except TillbridgeError as problem:
                ended, said = type(problem), str(problem)
        wrong = [] if ended is case.ends and case.says in said else [f"ended with {ended}: {said}"]
        if not lane.plan.is_met():
            wrong.append("the fault was never met")
        seen, left = partial(folder, local, SIZE), temporary(folder)
        lane.plan.clear()
        with lane.client(folder) as next_run:
            next_run.sweep("orders", older_than=timedelta(seconds=-5))
            if ended:
                job.act(next_run, content(SIZE), local)
        if not job.is_done(folder, local):
            wrong.append("not done in the end")
    return (f"{case.name}: {', '.join(wrong)}" if wrong else "", seen, left)


def _attempt(lane: Lane, folder: Path, job: Operation, local: Path) -> str:
    with lane.client(folder) as client:
        try:
            job.act(client, content(SIZE), local)
        except Unavailable as problem:
            return str(problem)
    return ""
