"""A JSON array written to disk element by element, for arrays that do not fit into memory."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Self


class ArraySpool:
    """Collects already encoded JSON values into the file of one array; use it in a `with` block."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def add(self, element: bytes) -> None:
        """Append one encoded JSON value."""
        file = self._opened()
        file.write(b",\n" if self.count else b"[\n")
        file.write(element.rstrip(b"\n"))
        self.count += 1

    def finish(self) -> Path:
        """End the array and give its file; nothing may be added after."""
        file = self._opened()
        file.write(b"\n]\n" if self.count else b"[]\n")
        file.close()
        return self._path

    def _opened(self) -> BinaryIO:
        # Most are never written to, and a run has very many.
        if self._file is None:
            self._file = self._path.open("wb")
        return self._file
