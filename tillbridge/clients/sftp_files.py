"""The safe steps on files: a put that nobody sees half done, a get that notices a moving file.

They work on one session and may be repeated from the start after it broke.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tillbridge.clients.sftp_channel import CHUNK, Attributes, Refused, SftpChannel
from tillbridge.errors import (
    FileChanged,
    FileConflict,
    FileRejected,
    Finding,
    TillbridgeError,
    Unavailable,
)

_LARGEST = 4 * 1024**3
"""Bytes of a file that is hashed; none of ours is near it."""


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """A file that was read whole: its bytes are the ones of this SHA-256."""

    path: str
    size: int
    sha256: str
    modified_at: datetime


class Content:
    """Bytes to be put on a server, from memory or from a local file."""

    def __init__(self, source: bytes | Path) -> None:
        self._source = source
        digest = hashlib.sha256()
        self.size = 0
        for chunk in self.chunks():
            digest.update(chunk)
            self.size += len(chunk)
        self.sha256 = digest.hexdigest()

    def chunks(self) -> Iterator[bytes]:
        """Give the content in pieces as the protocol takes them."""
        if isinstance(self._source, bytes):
            for start in range(0, len(self._source), CHUNK):
                yield self._source[start : start + CHUNK]
        else:
            with self._source.open("rb") as file:
                while chunk := file.read(CHUNK):
                    yield chunk


def put(channel: SftpChannel, path: str, content: Content, temporary: str) -> None:
    """Make `content` stand at `path`, whole and forced to disk, or leave nothing there.

    It is written to `temporary`, in the same folder, read back, and renamed.

    Raises:
        FileConflict: other content stands at `path`; it was not touched.
        Unavailable: the server took the bytes wrongly or not at all.
    """
    if stands(channel, path, content.size, content.sha256):
        return
    try:
        _write(channel, path, temporary, content)
        _compare(channel, path, temporary, content)
        _settle(channel, path, temporary, content)
    except (Refused, TillbridgeError):
        with suppress(Refused):
            channel.discard(temporary)
        raise
    # OpenSSH lets a folder be opened and forced to disk; servers that refuse keep no such promise.
    with suppress(Refused), channel.opened(posixpath.dirname(path) or ".") as handle:
        channel.sync(handle)


def move(channel: SftpChannel, source: str, target: str) -> None:
    """Rename without overwriting. A power cut on the server may undo it; repeating it is safe.

    Raises:
        FileConflict: other content stands at `target`.
        FileChanged: neither is there.
    """
    if channel.find(target) is None:
        try:
            _rename(channel, channel.rename_to_free, source, target)
        except Refused as refused:
            if channel.find(source) is not None:
                if not refused.is_permission or channel.find(target) is not None:
                    raise
                # OpenSSH renames by making a second name, which Linux allows nobody for a file that he may
                # not write. Nothing stood at the target a moment ago, in a folder that is ours.
                channel.rename_over(source, target)
            elif channel.find(target) is None:
                raise FileChanged(
                    f"{source} is gone: another worker or a person moved it."
                ) from None
        return
    found = channel.find(source)
    if found is not None:
        stands(channel, target, found.size, measured(channel, source, found.size).sha256)
        channel.discard(source)


def claim(channel: SftpChannel, source: str, target: str) -> bool:
    """Rename in one step, and say whether `source` was still there to be had."""
    try:
        _rename(channel, channel.rename_over, source, target)
    except Refused:
        if channel.find(source) is None:
            return False
        raise
    return True


def stands(channel: SftpChannel, path: str, size: int, sha256: str) -> bool:
    """Say whether `path` holds exactly that content; False when nothing is there.

    Raises:
        FileConflict: something else is there.
    """
    found = channel.find(path)
    if found is None:
        return False
    if not found.is_file or found.size != size or measured(channel, path, size).sha256 != sha256:
        raise FileConflict(
            f"{path} already exists with other content, so it was left as it is. Compare the two and remove "
            "or rename the one that is wrong."
        )
    return True


def get(
    channel: SftpChannel, path: str, max_bytes: int, write: Callable[[bytes], object]
) -> FetchedFile:
    """Read a whole file and hand its bytes to `write`, piece by piece.

    Raises:
        FileChanged: it is not there (any more), or moved while it was read; forget what was written.
        FileRejected: it is not a regular file, or larger than `max_bytes`. Nothing was read.
    """
    before = channel.find(path)
    if before is None:
        raise _changed(path)
    _refuse_unfit(path, before, max_bytes)
    digest = hashlib.sha256()
    try:
        with channel.opened(path) as handle:
            for chunk in channel.read(handle, before.size):
                digest.update(chunk)
                write(chunk)
            # The path is looked at too: a link may have been put there before the file was opened.
            moved = channel.look_at(handle, path) != (before, before)
    except Refused as refused:
        if refused.is_end_of_file or refused.is_missing:
            raise _changed(path) from refused
        raise
    if moved:
        raise _changed(path)
    return FetchedFile(path, before.size, digest.hexdigest(), before.modified_at)


def measured(channel: SftpChannel, path: str, max_bytes: int = _LARGEST) -> FetchedFile:
    """Read a whole file and forget it; gives its SHA-256 and size. Raises as `get`."""
    return get(channel, path, max_bytes, lambda _: None)


def make_folders(channel: SftpChannel, path: str) -> None:
    """Create a folder with its missing parents; one that is there is as good."""
    if path in {"", ".", "/"} or channel.find(path) is not None:
        return
    make_folders(channel, posixpath.dirname(path))
    try:
        channel.make_folder(path)
    except Refused:
        if channel.find(path) is None:  # else another worker was first
            raise


def _write(channel: SftpChannel, path: str, temporary: str, content: Content) -> None:
    try:
        _write_new(channel, path, temporary, content)
    except Refused as refused:
        if not refused.is_missing:
            raise
        make_folders(channel, posixpath.dirname(path))
        _write_new(channel, path, temporary, content)


def _write_new(channel: SftpChannel, path: str, temporary: str, content: Content) -> None:
    try:
        with channel.opened(temporary, create=True) as handle:
            channel.write(handle, content.chunks())
            channel.sync(handle)
    except Refused as refused:
        if refused.is_missing or refused.is_permission:
            raise
        free = channel.free_bytes(posixpath.dirname(path) or ".")
        hint = (
            "" if free is None else f"; it reports {free:,} bytes free for {content.size:,} needed"
        )
        raise Unavailable(
            f"SFTP server {channel.server} refused the write of {path} ({refused.text}), often a full disk "
            f"or quota{hint}. Nothing is left there; make room, and the next run writes it."
        ) from refused


def _compare(channel: SftpChannel, path: str, temporary: str, content: Content) -> None:
    found = channel.find(temporary)
    if (
        found is None
        or found.size != content.size
        or measured(channel, temporary).sha256 != content.sha256
    ):
        raise Unavailable(
            f"SFTP server {channel.server} gave back other bytes than were written to {path}, so the file was "
            "removed. Its storage needs a look; the next run writes it again."
        )


def _settle(channel: SftpChannel, path: str, temporary: str, content: Content) -> None:
    try:
        channel.rename_to_free(temporary, path)
    except Refused:
        # The server does not say why. Another worker may have published the same, or the rename worked.
        if not stands(channel, path, content.size, content.sha256):
            raise
        channel.discard(temporary)


def _rename(
    channel: SftpChannel, rename: Callable[[str, str], None], source: str, target: str
) -> None:
    try:
        rename(source, target)
    except Refused as refused:
        if not refused.is_missing or channel.find(source) is None:
            raise
        make_folders(channel, posixpath.dirname(target))
        rename(source, target)


def _refuse_unfit(path: str, found: Attributes, max_bytes: int) -> None:
    if not found.is_file:
        raise FileRejected(
            path, (Finding("", None, "a regular file, not a link, folder or device"),)
        )
    if found.size > max_bytes:
        expected = f"at most {max_bytes:,} bytes; it has {found.size:,}"
        raise FileRejected(path, (Finding("", None, expected),))


def _changed(path: str) -> FileChanged:
    return FileChanged(f"{path} is gone, or changed while it was read. The next run looks again.")
