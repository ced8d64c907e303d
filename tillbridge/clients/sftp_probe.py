"""Finds out what an SFTP server guarantees, by trying it: servers differ, and put and claim rely on it.

What follows from a guarantee that is missing is decided in `sftp`.
"""

from __future__ import annotations

import posixpath
from contextlib import suppress
from dataclasses import dataclass

from tillbridge.clients.sftp_channel import Refused, SftpChannel
from tillbridge.clients.sftp_files import make_folders
from tillbridge.clients.sftp_paths import temporary_path

_ON_DISK = "Files are forced to disk before they count as written."
_KEPT = "A rename refuses to overwrite another file."
_ONE_STEP = "A file is claimed in one step, so one worker gets it."
_OTHERWISE = {
    _ON_DISK: (
        "it cannot force files to disk (no fsync@openssh.com), so a power cut there can lose a file that was "
        "reported as written"
    ),
    _KEPT: "a rename overwrites another file there, so no other program may write the same names",
    _ONE_STEP: (
        "it may rename a file in two steps (no posix-rename@openssh.com), so only one worker may take files "
        "from a folder"
    ),
}


@dataclass(frozen=True, slots=True)
class Storage:
    """What a server guarantees, and what it lacks, each in the words for the settings' reader."""

    findings: tuple[str, ...]
    lacks: tuple[str, ...]


def try_out(channel: SftpChannel, folder: str) -> Storage:
    """Try the guarantees with two small hidden files in `folder`, and remove them again.

    It is eight short requests, so that a run can afford it.
    """
    make_folders(channel, folder)
    first = temporary_path(posixpath.join(folder, "probe"))
    second = temporary_path(posixpath.join(folder, "probe"))
    try:
        for path in (first, second):
            with channel.opened(path, create=True):
                pass
        kept = {
            _ON_DISK: "fsync@openssh.com" in channel.extensions,
            _KEPT: _is_refused(channel, first, second),
            _ONE_STEP: "posix-rename@openssh.com" in channel.extensions,
        }
    finally:
        for path in (first, second):
            with suppress(Refused):
                channel.discard(path)
    lacks = tuple(_OTHERWISE[one] for one, is_kept in kept.items() if not is_kept)
    return Storage(
        tuple(one if is_kept else f"Weaker: {_OTHERWISE[one]}." for one, is_kept in kept.items()),
        lacks,
    )


def free_space(channel: SftpChannel, folder: str) -> str:
    """Say how much room there is."""
    free = channel.free_bytes(folder)
    if free is None:
        return "The server does not tell its free space, so a full disk shows as a refused write."
    return f"{free / 1e9:,.1f} GB are free."


def _is_refused(channel: SftpChannel, first: str, second: str) -> bool:
    try:
        channel.rename_to_free(first, second)
    except Refused:
        return True
    return False
