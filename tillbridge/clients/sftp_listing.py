"""What a listing of a folder shows: the files to be taken, and what is passed over. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from tillbridge import harmless
from tillbridge.clients.sftp_channel import Attributes
from tillbridge.clients.sftp_folders import KINDS
from tillbridge.clients.sftp_paths import is_finished_name, is_plain_name
from tillbridge.counting import counted

_MOST_NAMED = 10
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as a listing shows it. `modified_at` is by the server's clock, to the second."""

    path: str
    name: str
    size: int
    modified_at: datetime


@dataclass
class PassedOver:
    """What was left alone in a folder: how many entries, and the first ten."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, kind: str, name: str) -> None:
        """Count one entry."""
        self.count += 1
        if len(self.first) < _MOST_NAMED:
            self.first.append(f"{kind} {harmless.line(name, _LONGEST_NAME)}")

    def sentence(self, folder: str, why: str) -> str:
        """Tell it in one sentence; empty when there was nothing."""
        if not self.count:
            return ""
        more = self.count - len(self.first)
        names = ", ".join(self.first) + (f" and {more:,} more" if more else "")
        return (
            f"{counted(self.count, 'entry', 'entries')} of {folder} {'was' if self.count == 1 else 'were'} "
            f"left alone ({names}): {why}."
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """The finished files of a folder by name, and what else somebody may have meant to be taken."""

    files: list[RemoteFile]
    passed_over: PassedOver


def sort_out(folder: str, suffix: str, entries: Iterable[tuple[bytes, Attributes]]) -> Listing:
    """Tell the files of a folder from what is not to be taken.

    Hidden names, those of half-written files and those with another ending are nobody's mistake; a link
    or device, a folder or a name that looks like a file's, and a name that is not plain are told.
    """
    files, passed_over = [], PassedOver()
    for raw_name, attributes in entries:
        name = raw_name.decode("utf-8", "surrogateescape")
        if not is_finished_name(name):
            continue
        is_meant = name.lower().endswith(suffix)
        if attributes.is_file and name.endswith(suffix) and is_plain_name(name):
            path = posixpath.normpath(posixpath.join(folder, name))
            files.append(RemoteFile(path, name, attributes.size, attributes.modified_at))
        elif is_meant or attributes.kind in {"link", "device"}:
            passed_over.add(KINDS.get(attributes.kind, "a file"), name)
    return Listing(sorted(files, key=lambda file: file.name), passed_over)
