"""Makes sure that the folders on the way to a file are folders: a link may lead into somebody else's.

Who may drop files into a folder may also put a link in the place of one of ours there, and servers
follow it.
"""

from __future__ import annotations

import posixpath
import time

from tillbridge.clients.sftp_channel import SftpChannel
from tillbridge.errors import ConfigurationProblem

KINDS = {"file": "a file", "folder": "a folder", "link": "a link", "device": "a pipe or device"}
"""What people are told of a kind; what a server tells no kind of passes for what is wanted."""

_LOOK_AGAIN_AFTER = 60.0
"""Seconds. A run has a client of its own, so this is for the receiver, which lives long."""


class OwnFolders:
    """Remembers for a while which folders below `root` were looked at. Threads may share it."""

    def __init__(self, root: str, server: str) -> None:
        self._root = root
        self._server = server
        self._looked_at: dict[str, float] = {}

    def require(self, channel: SftpChannel, folder: str) -> None:
        """Make sure that a folder and its parents, up to the root, are none but folders; they may be missing.

        Args:
            channel: the session to look with.
            folder: a path below the root, without the root.

        Raises:
            ConfigurationProblem: one is a link, a file or a device. Nothing may be done below it.
        """
        now = time.monotonic()
        if self._looked_at.get(folder, 0) > now:
            return
        parts = [part for part in folder.split("/") if part != "."]
        for number in range(1, len(parts) + 1):
            part = "/".join(parts[:number])
            found = channel.find(posixpath.join(self._root, part))
            if found is None:
                return
            if not found.is_folder:
                raise ConfigurationProblem(
                    f"{part} on SFTP server {self._server} is {KINDS[found.kind]}, not a folder, so nothing "
                    "is read or written below it: it may lead to somebody else's files. Put a folder of "
                    "tillbridge's own in its place, and see who may rename things there."
                )
        self._looked_at[folder] = now + _LOOK_AGAIN_AFTER
