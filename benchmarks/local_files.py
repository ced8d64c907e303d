"""Stands in for the SFTP client in benchmarks: the same work on a local folder, without a server."""

from __future__ import annotations

import hashlib
import shutil
from datetime import UTC, datetime
from pathlib import Path

from tillbridge.clients.sftp import FetchedFile, RemoteFile
from tillbridge.clients.sftp_listing import Listing, PassedOver


class LocalFiles:
    """Files below a local folder."""

    sessions = 4

    def __init__(self, root: Path) -> None:
        self._root = root

    def require_storage(self, folder: str) -> None:
        """Promise everything."""

    def sweep(self, folder: str, older_than: object) -> PassedOver:
        """Leave everything."""
        return PassedOver()

    def set_aside(self, folder: str) -> str:
        """Find everything in its place."""
        return ""

    def look_through(self, folder: str, suffix: str = ".json") -> Listing:
        """List a folder."""
        return Listing(self.list(folder, suffix), PassedOver())

    def list(self, folder: str, suffix: str = ".json") -> list[RemoteFile]:
        """List a folder."""
        place = self._root / folder
        place.mkdir(parents=True, exist_ok=True)
        return sorted(
            (
                RemoteFile(f"{folder}/{path.name}", path.name, found.st_size, _when(found.st_mtime))
                for path in place.iterdir()
                if path.name.endswith(suffix) and path.is_file()
                for found in [path.stat()]
            ),
            key=lambda file: file.name,
        )

    def claim(self, path: str, target: str) -> bool:
        """Rename."""
        self.move(path, target)
        return True

    def move(self, source: str, target: str) -> None:
        """Rename."""
        (self._root / target).parent.mkdir(parents=True, exist_ok=True)
        (self._root / source).rename(self._root / target)

    def exists(self, path: str) -> bool:
        """Look."""
        return (self._root / path).exists()

    def sha256(self, path: str) -> str:
        """Hash."""
        return hashlib.sha256((self._root / path).read_bytes()).hexdigest()

    def get(self, path: str, destination: Path, max_bytes: int) -> FetchedFile:
        """Copy and hash."""
        place = self._root / path
        shutil.copyfile(place, destination)
        found = place.stat()
        return FetchedFile(path, found.st_size, self.sha256(path), _when(found.st_mtime))

    def put(self, path: str, source: bytes | Path) -> str:
        """Write."""
        data = source if isinstance(source, bytes) else source.read_bytes()
        (self._root / path).parent.mkdir(parents=True, exist_ok=True)
        (self._root / path).write_bytes(data)
        return hashlib.sha256(data).hexdigest()


def _when(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
