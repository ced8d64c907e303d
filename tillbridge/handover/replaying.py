"""Hands files over again that were archived or quarantined, by order, by name or by time.

Nothing happens twice by it: the files are taken as if they had just come, and what is known of their
records is known. Those that were refused are tried again, quarantined ones are read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from sqlalchemy import Engine

from tillbridge import harmless
from tillbridge.clients.sftp import RemoteFile, SftpClient
from tillbridge.contracts.feed_manifest import SUFFIX, manifest_name
from tillbridge.database.engine import transaction
from tillbridge.errors import ConfigurationProblem
from tillbridge.handover import files
from tillbridge.limits import require_moments, require_said

_LONGEST_NAME = 160


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files are wanted; a file that fits one of these is.

    Args:
        orders: order numbers or HotWax order ids; the files that brought them last.
        names: names of files.
        from_time: files that came in at this time or later, by the server's clock.
        thru_time: and before this time.
    """

    orders: Sequence[str] = ()
    names: Sequence[str] = ()
    from_time: datetime | None = None
    thru_time: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was chosen at all."""
        return not (self.orders or self.names or self.from_time or self.thru_time)


@dataclass(frozen=True, slots=True)
class Replayed:
    """A file that is or would be handed over again: where it lay, and where it goes."""

    place: str
    folder: str

    @property
    def name(self) -> str:
        """The file's name."""
        return harmless.line(PurePosixPath(self.place).name, _LONGEST_NAME)


def choose(
    client: SftpClient,
    folders: Sequence[str],
    selection: Selection,
    files_with: Callable[[Sequence[str]], set[str]],
) -> list[Replayed]:
    """Find the files of a selection in the archives and quarantines of these folders.

    `files_with` names the files that brought orders.

    Raises:
        ConfigurationProblem: nothing is selected, or by an empty name or a time that no file can have.
    """
    if selection.is_empty or not all(
        name.strip() for name in (*selection.orders, *selection.names)
    ):
        raise ConfigurationProblem("choose orders, files or a time, each by its whole name")
    require_moments(from_time=selection.from_time, thru_time=selection.thru_time)
    names = set(selection.names)
    if selection.orders:
        names |= files_with(selection.orders)
    return [
        Replayed(file.path, folder)
        for folder in folders
        for file in _put_away(client, folder)
        if file.name in names or _is_between(file, selection)
    ]


def hand_over_again(
    engine: Engine, client: SftpClient, chosen: Sequence[Replayed], who: str, why: str
) -> None:
    """Put the files back where they came in, so that the next run takes them.

    Raises:
        ConfigurationProblem: it was not said who wants it and why; nothing was moved.
        FileConflict: another file has come in under the name; the files before it were put back.
    """
    require_said(who, reason=why)
    for one in chosen:
        sha256 = client.sha256(one.place)
        with transaction(engine) as connection:
            files.forget(connection, one.folder, sha256, one.place, who, why)
        target = f"{one.folder}/{PurePosixPath(one.place).name}"
        if client.exists(manifest_name(one.place)):
            client.move(manifest_name(one.place), manifest_name(target))
        client.move(one.place, target)


def _put_away(client: SftpClient, folder: str) -> Iterator[RemoteFile]:
    for place in ("archive", "quarantine"):
        for file in client.list(f"{folder}/{place}", ".json"):
            if not file.name.endswith((".report.json", SUFFIX)):
                yield file


def _is_between(file: RemoteFile, selection: Selection) -> bool:
    if not (selection.from_time or selection.thru_time):
        return False
    after = selection.from_time is None or file.modified_at >= selection.from_time
    return after and (selection.thru_time is None or file.modified_at < selection.thru_time)
