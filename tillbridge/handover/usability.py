"""Tells a file with some bad records from one that is something else altogether.

Of the first, each bad record is kept and told. To do that for the second would cost many times its size,
and nobody reads a thousand times the same sentence.
"""

from __future__ import annotations

from tillbridge.errors import FileRejected, Finding, InternalError, RecordRejected

MOST_UNUSABLE = 1_000
"""Records of one file that are told one by one."""

_FEW = 40
"""So many may be of no use in any file, however small it is."""


class Usability:
    """Counts the records of one file as they are read."""

    def __init__(self, file_name: str) -> None:
        self._file_name = file_name
        self._records = 0
        self._unusable = 0
        self._first: RecordRejected | None = None

    def usable(self) -> None:
        """Count a record that can be used."""
        self._records += 1

    def unusable(self, problem: RecordRejected) -> None:
        """Count one that cannot.

        Raises:
            FileRejected: it is one too many.
        """
        self._records += 1
        self._unusable += 1
        # A fault of the program is what a person has to hear of first.
        if self._first is None or isinstance(problem, InternalError):
            self._first = problem
        if self._unusable > MOST_UNUSABLE:
            raise self._refused()

    def require(self) -> None:
        """Make sure, at the end of the file, that most of it can be used.

        Raises:
            FileRejected: more than half of it cannot.
        """
        if self._unusable > _FEW and 2 * self._unusable > self._records:
            raise self._refused()

    def _refused(self) -> FileRejected | InternalError:
        if isinstance(self._first, InternalError):
            return self._first
        first = self._first.findings[0] if self._first else None
        of_it = f"; of the first it is {first}" if first else ""
        return FileRejected(
            self._file_name,
            (
                Finding(
                    "",
                    None,
                    f"a file most of which can be used; {self._unusable:,} of {self._records:,} records cannot"
                    f"{of_it}",
                ),
            ),
        )
