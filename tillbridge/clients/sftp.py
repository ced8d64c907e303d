"""Files on an SFTP server: published whole, fetched whole, claimed by one, never overwritten.

Use `SftpClient` for every file that matters. How a single file is written and read safely is in
`sftp_files`, what runs over the wire in `sftp_channel`; the folders of a flow are in `exchange`.
"""

from __future__ import annotations

import logging
import posixpath
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from tillbridge.clients import sftp_files as files
from tillbridge.clients.sftp_channel import Attributes, Broken, Refused, SftpChannel
from tillbridge.clients.sftp_files import FetchedFile
from tillbridge.clients.sftp_paths import (
    below,
    is_finished_name,
    is_plain_name,
    is_temporary_name,
    temporary_path,
)
from tillbridge.clients.sftp_pool import SftpPool
from tillbridge.clients.sftp_probe import Storage, free_space, try_out
from tillbridge.clients.sftp_settings import SftpSettings
from tillbridge.errors import ConfigurationProblem, FileChanged, TillbridgeError, Unavailable

__all__ = ["FetchedFile", "RemoteFile", "SftpClient", "SftpSettings"]

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as a listing shows it. `modified_at` is by the server's clock, to the second."""

    path: str
    name: str
    size: int
    modified_at: datetime


class SftpClient:
    """The files of one account on one server. Threads may share it; it connects when first used.

    Paths are relative to the root folder of the settings. Every method repeats itself once on a fresh
    connection when the first one breaks, and may be repeated by the caller.

    Raises, from every method:
        ConfigurationProblem: host key, login, path or permissions are wrong.
        Unavailable: the server is down, silent, full or cut off.
    """

    def __init__(self, settings: SftpSettings) -> None:
        self._settings = settings
        self._pool = SftpPool(settings)
        self._storage_is_sound = settings.accept_weaker_storage

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._pool.close()

    @property
    def sessions(self) -> int:
        """How many files can be worked on at the same time; more threads only wait."""
        return self._settings.connections * self._settings.channels_per_connection

    def probe(self) -> list[str]:
        """Try out what the server guarantees, and say it in plain sentences. Leaves nothing behind.

        Raises:
            ConfigurationProblem: also when it guarantees too little; see `require_storage`.
        """
        folder = self._below(".")
        storage = self._run("try out the server", lambda channel, _: try_out(channel, folder))
        self._refuse_weaker(storage)
        free = self._run("look for free space", lambda channel, _: free_space(channel, folder))
        return [self._pool.describe(), *storage.findings, free]

    def require_storage(self, folder: str) -> None:
        """Make sure, the first time, that the server guarantees what `put` and `claim` promise.

        It is tried out in `folder`, which is created if it is missing.

        Raises:
            ConfigurationProblem: it guarantees less, and the settings do not accept that.
        """
        if self._storage_is_sound:
            return
        where = self._below(folder)
        doing = f"write a trial file into {folder}"
        self._refuse_weaker(self._run(doing, lambda channel, _: try_out(channel, where)))
        self._storage_is_sound = True

    def put(self, path: str, source: bytes | Path) -> str:
        """Publish a file under `path`, whole and once, and give its SHA-256.

        Readers see the whole file or none. The same content already there is a success; missing folders
        are created.

        Raises:
            FileConflict: other content stands at `path`; nothing was overwritten.
        """
        where = self._below(path)
        content = files.Content(source)
        temporary = temporary_path(where)

        def step(channel: SftpChannel, again: bool) -> None:
            if again:
                channel.discard(temporary)
            files.put(channel, where, content, temporary)

        self._run(f"write {path}", step)
        return content.sha256

    def get(self, path: str, destination: Path, max_bytes: int) -> FetchedFile:
        """Fetch a file into `destination`, whole or not at all.

        Raises:
            FileChanged: it is gone, or moved while it was read.
            FileRejected: it is larger than `max_bytes`, or no regular file. Nothing was fetched.
        """
        where = self._below(path)
        partial = destination.with_name(destination.name + ".part")

        def fetch(channel: SftpChannel, again: bool) -> FetchedFile:
            with partial.open("wb") as file:
                return files.get(channel, where, max_bytes, file.write)

        try:
            fetched = self._run(f"read {path}", fetch)
            partial.replace(destination)
        except OSError as error:
            raise Unavailable(f"Cannot keep {path} on this machine: {error}.") from error
        finally:
            partial.unlink(missing_ok=True)
        return replace(fetched, path=path)

    def read(self, path: str, max_bytes: int) -> bytes:
        """Give the content of a small file. Raises as `get` does."""
        where = self._below(path)

        def fetch(channel: SftpChannel, again: bool) -> bytes:
            chunks: list[bytes] = []
            files.get(channel, where, max_bytes, chunks.append)
            return b"".join(chunks)

        return self._run(f"read {path}", fetch)

    def list(self, folder: str, suffix: str = ".json") -> list[RemoteFile]:
        """List the finished files of a folder by name; a missing folder is created.

        Left out are links, folders and devices, hidden and temporary names, and names that are not
        plain printable text of at most 235 bytes (these are logged).
        """
        where = self._below(folder)
        found = []
        for raw_name, attributes in self._run(f"list {folder}", lambda c, _: _entries(c, where)):
            name = raw_name.decode("utf-8", "surrogateescape")
            if not attributes.is_file or not is_finished_name(name) or not name.endswith(suffix):
                continue
            if not is_plain_name(name):
                _log.warning(
                    "Left alone in %s: a file whose name is not plain: %s", folder, ascii(name)
                )
                continue
            path = posixpath.normpath(posixpath.join(folder, name))
            found.append(RemoteFile(path, name, attributes.size, attributes.modified_at))
        return sorted(found, key=lambda file: file.name)

    def move(self, source: str, target: str) -> None:
        """Rename a file without overwriting another; done before is done.

        When `target` holds the same content, `source` is removed. Missing folders are created.

        Raises:
            FileConflict: `target` holds other content. Both are left as they are.
            FileChanged: neither is there, so somebody else moved the file.
        """
        old, new = self._below(source), self._below(target)
        self._run(f"move {source} to {target}", lambda channel, _: files.move(channel, old, new))

    def claim(self, path: str, target: str) -> bool:
        """Rename `path` to `target` in one step, and say whether we won it.

        Of several claimers exactly one wins. `target` has to be a name that only this claimer uses:
        that is how a claim whose answer was lost is recognised.
        """
        old, new = self._below(path), self._below(target)

        def step(channel: SftpChannel, again: bool) -> bool:
            if again and channel.find(new) is not None:
                return True
            return files.claim(channel, old, new)

        return self._run(f"claim {path}", step)

    def exists(self, path: str) -> bool:
        """Say whether anything is there under that path."""
        where = self._below(path)
        return self._run(f"look for {path}", lambda channel, _: channel.find(where) is not None)

    def sha256(self, path: str) -> str:
        """Give the SHA-256 of a file of any size on the server. Raises `FileChanged` when it is not there."""
        where = self._below(path)
        return self._run(f"read {path}", lambda channel, _: files.sha256_of(channel, where))

    def remove(self, path: str) -> None:
        """Remove a file; one that is not there is as good as removed."""
        where = self._below(path)
        self._run(f"remove {path}", lambda channel, _: channel.discard(where))

    def sweep(self, folder: str, older_than: timedelta) -> None:
        """Remove the temporary files of `put` that a killed process left in a folder that long ago."""
        where = self._below(folder)
        oldest = datetime.now(UTC) - older_than

        def step(channel: SftpChannel, again: bool) -> None:
            if channel.find(where) is None:
                return
            for raw_name, attributes in list(channel.entries(where)):
                name = raw_name.decode("utf-8", "replace")
                if is_temporary_name(name) and attributes.modified_at < oldest:
                    channel.discard(posixpath.join(where, name))

        self._run(f"clear up {folder}", step)

    def make_folders(self, paths: Iterable[str]) -> None:
        """Create folders with their parents; those that are there are left alone."""
        wanted = [self._below(path) for path in paths]

        def step(channel: SftpChannel, again: bool) -> None:
            for path in wanted:
                files.make_folders(channel, path)

        self._run("create folders", step)

    def _below(self, path: str) -> str:
        return below(self._settings.root, path)

    def _refuse_weaker(self, storage: Storage) -> None:
        if storage.lacks and not self._settings.accept_weaker_storage:
            raise ConfigurationProblem(
                f"SFTP server {self._settings.address} guarantees too little for files that matter: "
                f"{'; '.join(storage.lacks)}. Use a server such as OpenSSH, or set accept_weaker_storage "
                "in the SFTP Server block to true if you can live with that."
            )

    def _run(self, doing: str, work: Callable[[SftpChannel, bool], T]) -> T:
        try:
            return self._pool.run(work)
        except Refused as refused:
            raise self._explain(doing, refused) from refused
        except Broken as broken:
            raise Unavailable(
                f"SFTP server {self._settings.address} was lost twice when asked to {doing}: {broken}. "
                "The next run goes on from there."
            ) from broken

    def _explain(self, doing: str, refused: Refused) -> TillbridgeError:
        server, user = self._settings.address, self._settings.user
        if refused.is_permission:
            return ConfigurationProblem(
                f"SFTP server {server} does not allow {user} to {doing}. Ask its owner for that right."
            )
        if refused.is_missing:
            return FileChanged(
                f"SFTP server {server} could not {doing}: it is not there (any more)."
            )
        return Unavailable(f"SFTP server {server} refused to {doing}: {refused.text}.")


def _entries(channel: SftpChannel, folder: str) -> list[tuple[bytes, Attributes]]:
    with suppress(Refused):
        return list(channel.entries(folder))
    files.make_folders(channel, folder)
    return list(channel.entries(folder))
