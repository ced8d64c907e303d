"""The TLog folder on SFTP as the receiver writes it, with the places for what is kept aside."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Literal

from tillbridge.clients.exchange import Folder
from tillbridge.clients.sftp import SftpClient
from tillbridge.errors import FileChanged, FileConflict

Aside = Literal["conflict", "refused"]

_LEFT_BEHIND = timedelta(days=1)

_log = logging.getLogger(__name__)


class TlogFiles:
    """Writes TLogs. What it has returned from is whole, read back and forced to disk.

    Raises, from every method:
        Unavailable, ConfigurationProblem: as `SftpClient`; nothing may be acknowledged.
    """

    def __init__(self, client: SftpClient, folder: str) -> None:
        self._client = client
        self._folder = folder

    def path(self, name: str, aside: Aside | None = None) -> str:
        """Say where a file of that name goes."""
        return f"{self._folder}/{aside}/{name}" if aside else f"{self._folder}/{name}"

    def write(self, path: str, body: bytes) -> None:
        """Make `body` stand at `path`; the same content there already is a success.

        Raises:
            FileConflict: other content stands there.
        """
        folder, _, name = path.rpartition("/")
        Folder(self._client, folder).publish(name, body)

    def write_beside(self, path: str, body: bytes, mark: str) -> str:
        """As `write`, but where other content stands, write under a name with `mark`; return where.

        Nobody but the receiver has a reason to use the name of a coming TLog, and nobody's file may cost
        a sale. The other file is left where it is.
        """
        try:
            self.write(path, body)
        except FileConflict:
            beside = f"{path.removesuffix('.json')}_{mark}.json"
            self.write(beside, body)
            _log.error(
                "Somebody put other content at %s, which is the name of a TLog; that is stored as %s. "
                "Compare the two, and find out who writes there.",
                path,
                beside,
            )
            return beside
        return path

    def stands(self, path: str, sha256: str) -> bool:
        """Say whether a file with that content is at `path`."""
        try:
            return self._client.sha256(path) == sha256
        except FileChanged:
            return False

    def check(self) -> None:
        """Make sure that the server can be reached and the folder is there."""
        self._client.make_folders([self._folder])

    def free_bytes(self) -> int | None:
        """Return how much room the server has there; None if it does not tell."""
        return self._client.free_bytes(self._folder)

    def clear_up(self) -> None:
        """Remove what killed processes left half written a day ago."""
        for place in (self._folder, self.path("", "conflict"), self.path("", "refused")):
            self._client.sweep(place, _LEFT_BEHIND)

    def close(self) -> None:
        """Hang up."""
        self._client.close()
