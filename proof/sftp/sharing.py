"""A reader beside a writer that is slow, and eight workers after the same files, each a process of its own."""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from proof.processes import processes
from proof.sftp.lane import Lanes
from tillbridge.clients.exchange import Folder, original_name
from tillbridge.clients.sftp import SftpClient, SftpSettings
from tillbridge.contracts import json_text
from tillbridge.errors import FileChanged, FileRejected

CLAIMERS = 8
_AT_A_TIME = 20
_PIECES = 16
_LONGEST_WAIT = 3_600.0
"""Seconds until a process that does not end is taken for a failure."""


def read_beside_a_slow_writer(
    lanes: Lanes, files: int, quiet_seconds: float, pause: float
) -> dict[str, Any]:
    """Take files while another process appends to them in place, without any sign that they are whole.

    It pauses after each piece, and now and then for longer than the reader waits. Nothing may be used of
    a file that was taken too early: it goes to quarantine, where it grows on, and is dropped in again.
    """
    with lanes.lane() as lane, tempfile.TemporaryDirectory() as scratch:
        root, ends = lane.new_case(), Path(scratch) / "ends.json"
        (root / "orders").mkdir()
        terms = (root / "orders", files, pause, 2 * quiet_seconds, ends)
        writer = processes.Process(target=_write_slowly, args=terms)
        writer.start()
        taken: dict[str, tuple[bytes, float]] = {}
        quarantined = 0
        give_up_at = time.monotonic() + _LONGEST_WAIT
        with lane.client(root) as client:
            folder = Folder(client, "orders", quiet_seconds)
            while len(taken) < files and time.monotonic() < give_up_at:
                for file in folder.waiting():
                    claimed = str(folder.take(file, "run"))
                    try:
                        data = _ingested(client, claimed, Path(scratch) / "copy")
                    except FileChanged:
                        continue  # it stays claimed, and is looked at again
                    if data is None:
                        folder.quarantine(claimed, b"[]")
                        quarantined += 1
                    else:
                        taken[original_name(folder.archive(claimed))] = data, time.time()
                if not writer.is_alive():
                    for path in root.glob("orders/quarantine/?????.json"):
                        path.rename(root / "orders" / path.name)
        _end(writer)
        ended = json.loads(ends.read_text())
    delays = [at - ended[name] for name, (_, at) in taken.items()]
    return {
        "files": files,
        "ingested": len(taken),
        "partial_ingested": sum(data != _document(name) for name, (data, _) in taken.items()),
        "quarantined_and_dropped_again": quarantined,
        "quiet_seconds": quiet_seconds,
        "median_delay_seconds": round(statistics.median(delays), 2),
    }


def claim_by_many(lanes: Lanes, files: int) -> dict[str, Any]:
    """Let eight processes go for the same file at the same time, file by file."""
    with lanes.lane() as lane:
        root = lane.new_case()
        (root / "orders").mkdir()
        for number in range(files):
            (root / "orders" / f"{number:05}.json").write_text(str(number))
        settings = lane.sshd.settings(root=str(root))
        gate = processes.Barrier(CLAIMERS)
        results = processes.SimpleQueue()
        workers = [
            processes.Process(target=_claim_all, args=(settings, f"run{number}", gate, results))
            for number in range(CLAIMERS)
        ]
        for worker in workers:
            worker.start()
        won = [results.get() for _ in workers]
        for worker in workers:
            _end(worker)
        kept = sorted(path.name.partition("--")[2] for path in root.glob("orders/processing/*"))
    names = sorted(name for one in won for name in one)
    return {
        "processes": CLAIMERS,
        "files": files,
        "claimed_once": len(set(names)) if names == kept else 0,
        "claimed_twice": len(names) - len(set(names)),
        "never_claimed": files - len(set(names)),
        "most_and_least_by_one": [max(map(len, won)), min(map(len, won))],
    }


def _ingested(client: SftpClient, claimed: str, local: Path) -> bytes | None:
    """Fetch and read a file as the flows do; None when it is not whole."""
    client.get(claimed, local, 1_000_000)
    try:
        with local.open("rb") as stream:
            for _ in json_text.read_array(stream, claimed):
                pass
    except FileRejected:
        return None
    return local.read_bytes()


def _document(name: str) -> bytes:
    numbers = random.Random(name)
    orders = [{"orderId": f"M{numbers.randrange(10**9)}", "lines": "x" * 200} for _ in range(20)]
    return json_text.write(orders)


def _write_slowly(folder: Path, files: int, pause: float, long_pause: float, ends: Path) -> None:
    """Append piece by piece to some files at a time, as producers do; note when each was whole."""
    ended = {}
    names = [f"{number:05}.json" for number in range(files)]
    for start in range(0, files, _AT_A_TIME):
        some = names[start : start + _AT_A_TIME]
        pieces = {name: _cut_up(_document(name)) for name in some}
        with ExitStack() as stack:
            opened = {name: stack.enter_context((folder / name).open("ab", 0)) for name in some}
            for piece in range(_PIECES):
                for name, file in opened.items():
                    file.write(pieces[name][piece])
                    ended[name] = time.time()
                is_long = piece == _PIECES // 2 and start % (3 * _AT_A_TIME) == 0
                time.sleep(long_pause if is_long else pause)
    ends.write_text(json.dumps(ended))


def _cut_up(data: bytes) -> list[bytes]:
    length = -(-len(data) // _PIECES)
    return [data[length * number : length * (number + 1)] for number in range(_PIECES)]


def _claim_all(settings: SftpSettings, worker: str, gate: Any, results: Any) -> None:
    with SftpClient(settings) as client:
        folder = Folder(client, "orders", quiet_seconds=0)
        waiting = folder.waiting()
        won = []
        for file in waiting:
            gate.wait(_LONGEST_WAIT)
            if folder.take(file, worker):
                won.append(file.name)
        results.put(won)


def _end(process: Any) -> None:
    process.join(_LONGEST_WAIT)
    if process.exitcode != 0:
        process.kill()
        raise RuntimeError(f"a process ended with {process.exitcode}")
