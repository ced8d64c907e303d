"""Files on an SFTP server: published whole, fetched whole, claimed by one, never overwritten.

Use `SftpClient` for every file that matters. How a single file is written and read safely is in
`sftp_files`, what runs over the wire in `sftp_channel`; the folders of a flow are in `exchange`.
"""

from __future__ import annotations

import posixpath
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from tillbridge.clients import sftp_files as files
from tillbridge.clients.sftp_channel import Attributes, Broken, Refused, SftpChannel
from tillbridge.clients.sftp_files import FetchedFile
from tillbridge.clients.sftp_folders import KINDS, OwnFolders
from tillbridge.clients.sftp_listing import Listing, PassedOver, RemoteFile, sort_out
from tillbridge.clients.sftp_paths import below, clean_path, is_temporary_name, temporary_path
from tillbridge.clients.sftp_pool import SftpPool
from tillbridge.clients.sftp_probe import Storage, free_space, try_out
from tillbridge.clients.sftp_settings import SftpSettings
from tillbridge.errors import (
    ConfigurationProblem,
    FileChanged,
    FileConflict,
    TillbridgeError,
    Unavailable,
)

__all__ = ["FetchedFile", "RemoteFile", "SftpClient", "SftpSettings"]

T = TypeVar("T")


class SftpClient:
    """The files of one account on one server. Threads may share it; it connects when first used.

    Paths are relative to the root folder of the settings. Every method repeats itself once on a fresh
    connection when the first one breaks, and may be repeated by the caller.

    Raises, from every method:
        ConfigurationProblem: host key, login, path or permissions are wrong, or a folder on the way is a
            link.
        Unavailable: the server is down, silent, full or cut off.
    """

    def __init__(self, settings: SftpSettings) -> None:
        self._settings = settings
        self._pool = SftpPool(settings)
        self._folders = OwnFolders(settings.root, settings.address)
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

    def free_bytes(self, folder: str) -> int | None:
        """Return how much room the server has for `folder`; None if it does not tell.

        Raises: as `probe`.
        """
        path = self._below(folder)
        return self._run("look for free space", lambda channel, _: channel.free_bytes(path))

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
        self._refuse_weaker(self._run(doing, lambda channel, _: try_out(channel, where), folder))
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

        self._run(f"write {path}", step, _folder(path))
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
            fetched = self._run(f"read {path}", fetch, _folder(path))
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

        return self._run(f"read {path}", fetch, _folder(path))

    def list(self, folder: str, suffix: str = ".json") -> list[RemoteFile]:
        """List the finished files of a folder by name; a missing folder is created.

        Left out are links, folders and devices, hidden and temporary names, and names that are not
        plain printable text of at most 235 bytes.
        """
        return self.look_through(folder, suffix).files

    def look_through(self, folder: str, suffix: str = ".json") -> Listing:
        """As `list`, and say what was left out."""
        where = self._below(folder)
        entries = self._run(f"list {folder}", lambda c, _: _entries(c, where), folder)
        return sort_out(folder, suffix, entries)

    def move(self, source: str, target: str) -> None:
        """Rename a file without overwriting another; done before is done.

        When `target` holds the same content, `source` is removed. Missing folders are created.

        Raises:
            FileConflict: `target` holds other content. Both are left as they are.
            FileChanged: neither is there, so somebody else moved the file.
        """
        old, new = self._below(source), self._below(target)
        doing = f"move {source} to {target}"
        places = _folder(source), _folder(target)
        self._run(doing, lambda channel, _: files.move(channel, old, new), *places)

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

        return self._run(f"claim {path}", step, _folder(path), _folder(target))

    def exists(self, path: str) -> bool:
        """Say whether anything is there under that path."""
        where = self._below(path)
        return self._run(f"look for {path}", lambda channel, _: channel.find(where) is not None)

    def set_aside(self, folder: str) -> str:
        """Make room where a folder of ours belongs, and tell what stood there; empty when nothing else did.

        A link, file or device gets another name beside it; it is not followed.

        Raises:
            ConfigurationProblem: it may not be renamed, because it belongs to somebody else.
        """
        where = self._below(folder)
        name = f"{posixpath.basename(folder)}.set-aside-{secrets.token_hex(4)}"

        def step(channel: SftpChannel, again: bool) -> str:
            found = channel.find(where)
            if found is None or found.is_folder:
                return ""
            try:
                channel.rename_to_free(where, posixpath.join(posixpath.dirname(where), name))
            except Refused:
                self._folders.require(channel, folder)
                return ""  # another worker was first
            return (
                f"{folder} was {KINDS[found.kind]}, not a folder: it was set aside as {name}. See who put it "
                "there."
            )

        return self._run(f"look for {folder}", step, _folder(folder))

    def sha256(self, path: str) -> str:
        """Give the SHA-256 of a file of any size on the server. Raises `FileChanged` when it is not there."""
        return self.measure(path)[0]

    def measure(self, path: str) -> tuple[str, int]:
        """Give a file's SHA-256 and its size in bytes. Raises as `sha256`."""
        where = self._below(path)
        doing = f"read {path}"
        found = self._run(doing, lambda channel, _: files.measured(channel, where), _folder(path))
        return found.sha256, found.size

    def holds(self, path: str, sha256: str, size: int) -> bool | None:
        """Say whether a file of that content is at `path`; None when nothing is there at all."""
        where = self._below(path)

        def step(channel: SftpChannel, again: bool) -> bool | None:
            try:
                return files.stands(channel, where, size, sha256) or None
            except FileConflict:
                return False

        return self._run(f"read {path}", step, _folder(path))

    def remove(self, path: str) -> None:
        """Remove a file; one that is not there is as good as removed."""
        where = self._below(path)
        self._run(f"remove {path}", lambda channel, _: channel.discard(where), _folder(path))

    def sweep(self, folder: str, older_than: timedelta) -> PassedOver:
        """Remove the temporary files of `put` that a killed process left in a folder that long ago.

        Gives what has such a name and cannot be removed, because it is a folder or somebody else's.
        """
        where = self._below(folder)
        oldest = datetime.now(UTC) - older_than

        def step(channel: SftpChannel, again: bool) -> PassedOver:
            kept = PassedOver()
            if channel.find(where) is None:
                return kept
            for raw_name, attributes in list(channel.entries(where)):
                name = raw_name.decode("utf-8", "replace")
                if not is_temporary_name(name) or attributes.modified_at >= oldest:
                    continue
                try:
                    if attributes.kind == "folder":
                        kept.add(KINDS["folder"], name)
                    else:
                        channel.discard(posixpath.join(where, name))
                except Refused:
                    kept.add(KINDS.get(attributes.kind, "a file"), name)
            return kept

        return self._run(f"clear up {folder}", step, folder)

    def make_folders(self, paths: Iterable[str]) -> None:
        """Create folders with their parents; those that are there are left alone."""
        wanted = {path: self._below(path) for path in paths}

        def step(channel: SftpChannel, again: bool) -> None:
            for path in wanted.values():
                files.make_folders(channel, path)

        self._run("create folders", step, *wanted)

    def _below(self, path: str) -> str:
        return below(self._settings.root, path)

    def _refuse_weaker(self, storage: Storage) -> None:
        if storage.lacks and not self._settings.accept_weaker_storage:
            raise ConfigurationProblem(
                f"SFTP server {self._settings.address} guarantees too little for files that matter: "
                f"{'; '.join(storage.lacks)}. Use a server such as OpenSSH, or set accept_weaker_storage "
                "in the SFTP Server block to true if you can live with that."
            )

    def _run(self, doing: str, work: Callable[[SftpChannel, bool], T], *folders: str) -> T:
        """Do `work` in these folders, once each of them is known to be one."""

        def step(channel: SftpChannel, again: bool) -> T:
            for folder in folders:
                self._folders.require(channel, clean_path(folder))
            return work(channel, again)

        try:
            return self._pool.run(step)
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


def _folder(path: str) -> str:
    return posixpath.dirname(path) or "."


def _entries(channel: SftpChannel, folder: str) -> list[tuple[bytes, Attributes]]:
    with suppress(Refused):
        return list(channel.entries(folder))
    files.make_folders(channel, folder)
    return list(channel.entries(folder))
