"""Finds out what an SFTP server guarantees by trying it, for setup to print.

Servers differ: what is missing here weakens the promises of `sftp_files`, and a person should know.
"""

from __future__ import annotations

import posixpath
from contextlib import suppress

from tillbridge.clients.sftp_channel import Refused, SftpChannel
from tillbridge.clients.sftp_paths import temporary_path


def probe(channel: SftpChannel, folder: str) -> list[str]:
    """Try the guarantees with two small hidden files in `folder`, and remove them again."""
    first = temporary_path(posixpath.join(folder, "probe"))
    second = temporary_path(posixpath.join(folder, "probe"))
    try:
        for path in (first, second):
            with channel.opened(path, create=True) as handle:
                channel.write(handle, [b"probe"])
        return [
            _forced_to_disk(channel),
            _refuses_to_overwrite(channel, first, second),
            _claims_in_one_step(channel, first, second),
            _free_space(channel, folder),
        ]
    finally:
        for path in (first, second):
            with suppress(Refused):
                channel.discard(path)


def _forced_to_disk(channel: SftpChannel) -> str:
    if "fsync@openssh.com" in channel.extensions:
        return "Files are forced to disk before they count as written."
    return (
        "Weaker: the server cannot force files to disk (no fsync@openssh.com); a power cut there can lose a "
        "file that was reported as written."
    )


def _refuses_to_overwrite(channel: SftpChannel, first: str, second: str) -> str:
    try:
        channel.rename_to_free(first, second)
    except Refused:
        return "A rename refuses to overwrite another file."
    with channel.opened(first, create=True) as handle:
        channel.write(handle, [b"probe"])
    return (
        "Weaker: a rename overwrites another file here. tillbridge looks before it renames, but let no other "
        "program write the same names."
    )


def _claims_in_one_step(channel: SftpChannel, first: str, second: str) -> str:
    if "posix-rename@openssh.com" in channel.extensions:
        channel.rename_over(first, second)
        return "A file is claimed in one step, so one worker gets it."
    return (
        "Weaker: no posix-rename@openssh.com; files are claimed with a plain rename, which some servers do in "
        "two steps. Run one worker per folder."
    )


def _free_space(channel: SftpChannel, folder: str) -> str:
    free = channel.free_bytes(folder)
    if free is None:
        return "The server does not tell its free space, so a full disk shows as a refused write."
    return f"{free / 1e9:,.1f} GB are free."
