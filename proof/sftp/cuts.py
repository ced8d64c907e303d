"""Kills the SFTP server at every request of an operation, and cuts the line at random bytes.

After each, readers must have seen whole files only, and the same operation, done again, must end well.
"""

from __future__ import annotations

import random
import tempfile
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from proof.sftp.lane import Lane, Lanes
from proof.sftp.operations import Operation, content, operations, partial, temporary
from sandbox.sftp_between import Fault
from tillbridge.clients.sftp import SftpClient
from tillbridge.errors import TillbridgeError, Unavailable


@dataclass(frozen=True)
class Cut:
    """What came of one case; `met` says whether the cut was made."""

    index: int
    met: bool
    gave_up: bool
    partial_visible: int
    wrong: int
    temporary_left: int
    temporary_after_sweep: int


def kill_at_every_request(lanes: Lanes, size: int, *, full: bool) -> dict[str, Any]:
    """Kill the server at each request, once, and again when the client comes back.

    In full: each of the two before the request was done, and after.
    """
    ways: list[tuple[Fault, int]] = [("die before", 1), ("die after", 2)]
    if full:
        ways += [("die after", 1), ("die before", 2)]
    return {job.name: _sweep(lanes, job, ways) for job in operations(size)}


def cut_at_random_bytes(lanes: Lanes, count: int, size: int) -> dict[str, Any]:
    """Cut the connection once some bytes have passed, up or down, login included."""
    jobs = operations(size)
    with lanes.lane() as lane:
        passed = {job.name: _passed(lane, job) for job in jobs}
    pick = random.Random(count)
    cases = []
    for number in range(count):
        job = jobs[number % len(jobs)]
        way = pick.choice(["up", "down"])
        cases.append((job, way, pick.randrange(passed[job.name][way])))
    return _summed(lanes.do_all(_cut_at, cases))


def _sweep(lanes: Lanes, operation: Operation, ways: list[tuple[Fault, int]]) -> dict[str, Any]:
    with lanes.lane() as lane:
        requests = _requests(lane, operation)
    every = range(1, len(requests) + 1)
    cases = [(operation, fault, index, sessions) for index in every for fault, sessions in ways]
    cuts = lanes.do_all(_kill, cases)
    missed = sorted(set(every) - {cut.index for cut in cuts if cut.met})
    return {"requests": requests, "missed": missed, **_summed(cuts)}


def _kill(lane: Lane, case: tuple[Operation, Fault, int, int]) -> Cut:
    operation, fault, index, sessions = case
    folder = lane.new_case()
    operation.prepare(folder)
    lane.plan.set(fault, number=index, sessions=sessions)
    with lane.client(folder) as client:
        return _observe(lane, folder, operation, client, index)


def _cut_at(lane: Lane, case: tuple[Operation, str, int]) -> Cut:
    operation, way, at = case
    folder = lane.new_case()
    operation.prepare(folder)
    before = lane.proxy.cuts_made
    lane.proxy.cut(**{way: at})
    with lane.client(folder, through_proxy=True) as client:
        cut = _observe(lane, folder, operation, client, at)
    return replace(cut, met=lane.proxy.cuts_made > before)


def _observe(lane: Lane, folder: Path, operation: Operation, client: SftpClient, index: int) -> Cut:
    """Do the operation; where it gave up, look at what is left, clear it up and do it again."""
    with tempfile.TemporaryDirectory() as scratch:
        local = Path(scratch) / "copy"
        data = content(operation.size)
        gave_up = False
        try:
            operation.act(client, data, local)
        except TillbridgeError as problem:
            if not isinstance(problem, Unavailable):
                raise
            gave_up = True
        met = lane.plan.is_met()
        seen = partial(folder, local, operation.size)
        left = temporary(folder)
        if gave_up:
            lane.plan.clear()
            with lane.client(folder) as next_run:
                next_run.sweep("orders", older_than=timedelta(seconds=-5))
                operation.act(next_run, data, local)
        return Cut(
            index=index,
            met=met,
            gave_up=gave_up,
            partial_visible=seen,
            wrong=not operation.is_done(folder, local),
            temporary_left=left,
            temporary_after_sweep=temporary(folder),
        )


def _requests(lane: Lane, operation: Operation) -> list[str]:
    """Name the requests of an operation that nothing disturbs."""
    folder = lane.new_case()
    operation.prepare(folder)
    with lane.client(folder) as client, tempfile.TemporaryDirectory() as scratch:
        operation.act(client, content(operation.size), Path(scratch) / "copy")
    return lane.plan.requests()


def _passed(lane: Lane, operation: Operation) -> dict[str, int]:
    """Count the bytes of an operation that nothing disturbs, each way."""
    folder = lane.new_case()
    operation.prepare(folder)
    before = dict(lane.proxy.passed)
    with (
        lane.client(folder, through_proxy=True) as client,
        tempfile.TemporaryDirectory() as scratch,
    ):
        operation.act(client, content(operation.size), Path(scratch) / "copy")
    return {way: lane.proxy.passed[way] - before[way] for way in before}


def _summed(cuts: list[Cut]) -> dict[str, Any]:
    return {
        "cuts": sum(cut.met for cut in cuts),
        "recovered_by_the_client": sum(not cut.gave_up for cut in cuts),
        "recovered_by_the_next_run": sum(cut.gave_up for cut in cuts),
        "partial_visible": sum(cut.partial_visible for cut in cuts),
        "wrong_content": sum(cut.wrong for cut in cuts),
        "temporary_files_left": sum(cut.temporary_left for cut in cuts),
        "temporary_files_after_sweep": sum(cut.temporary_after_sweep for cut in cuts),
    }
