"""A JSON array written to disk element by element, for arrays that do not fit into memory."""

from __future__ import annotations

from pathlib import Path
from typing import Self


class ArraySpool:
    """Collects already encoded JSON values into the file of one array; use it in a `with` block."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb")
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, element: bytes) -> None:
        """Append one encoded JSON value."""
        self._file.write(b",\n" if self.count else b"[\n")
        self._file.write(element.rstrip(b"\n"))
        self.count += 1

    def finish(self) -> Path:
        """End the array and give its file; nothing may be added after."""
        self._file.write(b"\n]\n" if self.count else b"[]\n")
        self._file.close()
        return self._path
