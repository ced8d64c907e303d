"""How fast 2,000 small files come over a line of 30 ms, beside rclone and lftp."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.installation import REPOSITORY, WORK
from benchmarks.results import Table, publish, spread
from sandbox.openssh import Sshd, make_key
from sandbox.platform import stop
from tillbridge.clients.exchange import Folder
from tillbridge.clients.sftp import SftpClient

FILES = 2_000
SIZE = 8_000
ROUNDS = 3
_MILLISECONDS_EACH_WAY = 15
_CONNECTIONS, _CHANNELS = 8, 10
_NOTES = f"""\
{FILES:,} files of {SIZE:,} bytes from a real OpenSSH server, through a proxy that holds every byte back for
{_MILLISECONDS_EACH_WAY} ms in each direction. "get" fetches each file as tillbridge does: size and time are
looked at before and after, the bytes are counted and hashed. "take" claims each file first by a rename, as
ingest-tlogs does. Both use {_CONNECTIONS} connections with {_CHANNELS} channels each. rclone and lftp only
copy, with 16 transfers and 10 in parallel; neither says which of several readers has a file."""


def main() -> None:
    """Measure each way in turn, some rounds, print and write down."""
    missing = [name for name in ("rclone", "lftp") if shutil.which(name) is None]
    if missing:
        sys.exit(f"pulling needs {' and '.join(missing)} to compare with")
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    key = make_key(WORK / "client_key")
    server = Sshd(WORK, WORK / "root", key)
    _fill(WORK / "root/tlog")
    server.start()
    figures: dict[str, list[float]] = {name: [] for name in _WAYS}
    try:
        with _delayed(server.port) as port:
            for _ in range(ROUNDS):
                for name, way in _WAYS.items():
                    _fill(WORK / "root/tlog")
                    shutil.rmtree(WORK / "local", ignore_errors=True)
                    (WORK / "local").mkdir()
                    started = time.perf_counter()
                    count = way(server, port, key)
                    figures[name].append(FILES / (time.perf_counter() - started))
                    assert count == FILES, f"{name} got {count} files"
                    print(name, round(figures[name][-1]), "files/s", flush=True)
    finally:
        server.stop()
    best = max(*figures["rclone"], *figures["lftp"])
    table = Table(
        "Files per second",
        ("", "minimum", "median", "maximum", "against the better peer"),
        [
            (name, *spread(found), f"{sorted(found)[len(found) // 2] / best:.2f}")
            for name, found in figures.items()
        ],
    )
    publish(
        "pulling",
        f"How fast do {FILES:,} small files come over a line of {2 * _MILLISECONDS_EACH_WAY} ms?",
        [table],
        _NOTES,
        figures,
    )


@contextmanager
def _delayed(target: int) -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.delaying_proxy", str(target)]
    proxy = subprocess.Popen(
        [*command, str(_MILLISECONDS_EACH_WAY)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    try:
        assert proxy.stdout
        yield int(proxy.stdout.readline())
    finally:
        stop(proxy)


def _fill(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number in range(FILES):
        (folder / f"tlog-{number:05}.json").write_bytes(b"x" * SIZE)


@contextmanager
def _client(server: Sshd, port: int) -> Iterator[SftpClient]:
    settings = server.settings(
        port=port, connections=_CONNECTIONS, channels_per_connection=_CHANNELS
    )
    with SftpClient(settings) as client:
        yield client


def _get(server: Sshd, port: int, key: Path) -> int:
    return _pull(server, port, lambda client, folder, file: file.path)


def _take(server: Sshd, port: int, key: Path) -> int:
    return _pull(server, port, lambda client, folder, file: folder.take(file, "bench"))


def _pull(server: Sshd, port: int, claim: Callable[[SftpClient, Folder, Any], Any]) -> int:
    with _client(server, port) as client, ThreadPoolExecutor(client.sessions) as threads:
        folder = Folder(client, "tlog", quiet_seconds=0)
        files = folder.waiting()

        def one(file: Any) -> int:
            path = claim(client, folder, file)
            return client.get(path, WORK / "local" / file.name, SIZE).size

        return sum(size == SIZE for size in threads.map(one, files))


def _rclone(server: Sshd, port: int, key: Path) -> int:
    remote = (
        f":sftp,host=127.0.0.1,port={port},user={server.settings().user},key_file={key},"
        "shell_type=none,disable_hashcheck=true:tlog"
    )
    subprocess.run(
        ["rclone", "copy", "--transfers", "16", "--checkers", "16", remote, str(WORK / "local")],
        check=True,
        capture_output=True,
    )
    return _counted()


def _lftp(server: Sshd, port: int, key: Path) -> int:
    connect = f"ssh -a -x -i {key} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    script = (
        f'set sftp:connect-program "{connect}"; set net:connection-limit 10; '
        f"open -p {port} sftp://{server.settings().user}:@127.0.0.1; "
        f"mirror --parallel=10 tlog {WORK / 'local'}; quit"
    )
    subprocess.run(["lftp", "-c", script], check=True, capture_output=True)
    return _counted()


def _counted() -> int:
    return sum(path.stat().st_size == SIZE for path in (WORK / "local").rglob("*.json"))


_WAYS: dict[str, Callable[[Sshd, int, Path], int]] = {
    "rclone": _rclone,
    "lftp": _lftp,
    "tillbridge get": _get,
    "tillbridge take": _take,
}
"""The ways to pull, by name; each gives how many whole files it got."""
