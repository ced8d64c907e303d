"""What is done over SFTP while it is being broken, and what must be true afterwards, however it was."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tillbridge.clients.exchange import Folder
from tillbridge.clients.sftp import RemoteFile, SftpClient

NAME = "orders/a.json"
CHUNKS = (1, 2, 3)


def content(size: int) -> bytes:
    """Give bytes of which no part looks like another."""
    return random.Random(size).randbytes(size)


@dataclass(frozen=True)
class Operation:
    """A job of one file of `size` bytes, which ends at `ends_at` in the case's folder.

    `act` may be repeated after it failed, with a fresh client; `local` is a free place on this machine.
    """

    name: str
    size: int
    starts_on_server: bool
    ends_at: str
    act: Callable[[SftpClient, bytes, Path], None]

    def prepare(self, folder: Path) -> None:
        """Put the file where the job starts."""
        if self.starts_on_server:
            (folder / NAME).parent.mkdir()
            (folder / NAME).write_bytes(content(self.size))

    def is_done(self, folder: Path, local: Path) -> bool:
        """Say whether the file is where the job ends, there alone and whole."""
        files = {
            path: path.read_bytes() for path in _files(folder) if not path.name.startswith(".")
        }
        target = local if self.ends_at == "local" else folder / self.ends_at
        if target == local:
            return local.exists() and local.read_bytes() == content(self.size)
        return files == {target: content(self.size)}


def partial(folder: Path, local: Path, size: int) -> int:
    """Count the files that a reader sees and that are not whole."""
    visible = [path for path in _files(folder) if not path.name.startswith(".")]
    if local.exists():
        visible.append(local)
    return sum(path.read_bytes() != content(size) for path in visible)


def temporary(folder: Path) -> int:
    """Count what publishers left behind."""
    return sum(path.name.endswith(".part") for path in _files(folder))


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _put(client: SftpClient, data: bytes, local: Path) -> None:
    client.put(NAME, data)


def _get(client: SftpClient, data: bytes, local: Path) -> None:
    client.get(NAME, local, len(data))


def _take_and_archive(client: SftpClient, data: bytes, local: Path) -> None:
    folder = Folder(client, "orders", quiet_seconds=0)
    # The run that goes on after another was killed finds the file wherever that left it.
    arrived = [*client.list("orders"), *client.list("orders/processing")]
    for file in arrived:
        _archive(folder, file)


def _archive(folder: Folder, file: RemoteFile) -> None:
    claimed = folder.take(file, "run")
    if claimed is not None:
        folder.archive(claimed)


def operations(size: int) -> tuple[Operation, ...]:
    """Give every operation, on a file of that size."""
    return (
        Operation("put", size, False, NAME, _put),
        Operation("get", size, True, "local", _get),
        Operation("take and archive", size, True, "orders/archive/a.json", _take_and_archive),
    )
