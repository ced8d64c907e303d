"""A folder on SFTP through which one side hands files to the other, with the places a file moves to.

`processing/` holds what a worker has claimed, `archive/` what is done, `quarantine/` what a person
has to look at. Moving files keeps workers out of each other's way; that nothing is done twice is the
ledger's business, not this module's.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from time import sleep

from tillbridge.clients.sftp import RemoteFile, SftpClient
from tillbridge.contracts.feed_manifest import LARGEST, SUFFIX, manifest_name
from tillbridge.errors import FileChanged, FileConflict

_log = logging.getLogger(__name__)
_CLAIM_MARK = "--"
_WORKER = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
_LONGEST_WORKER = 40
_LONGEST_NAME = 160  # bytes; a claim's prefix and a report's ending still have to fit beside it
_MARK_LENGTH = 8
_LEFT_BEHIND = timedelta(days=1)
_WRITTEN_TO = ("", "quarantine", "responses", "error")
"""Where we publish, so where a killed publisher leaves something behind."""
_OURS = ("processing", "archive", "quarantine", "responses", "error")
"""Folders in the folder that nobody else has any business in."""
_NOT_TAKEN = (
    "links, folders and devices are not taken, nor names that are not plain or do not end in"
)
_NOT_CLEARED = "they look like what a killed run leaves, and cannot be cleared away"

LONGEST_WAIT_FOR_MANIFEST = timedelta(hours=1)


class Folder:
    """One exchange folder on a server.

    `quiet_seconds` is how long a file must stand still before it is taken. It is for producers that
    write in place; those that rename a finished file into the folder need none. Files `with_manifests`
    are taken only once their manifest stands beside them, and it goes wherever they go.
    """

    def __init__(
        self,
        client: SftpClient,
        path: str,
        quiet_seconds: float = 2.0,
        *,
        with_manifests: bool = False,
    ) -> None:
        self._client = client
        self._path = path
        self._quiet_seconds = quiet_seconds
        self.with_manifests = with_manifests
        self.notices = ""
        """What a person should know of the folder since it was last looked at, in sentences."""

    def waiting(self, suffix: str = ".json") -> list[RemoteFile]:
        """List the files to be done, by their original name.

        These are the complete files of the folder, and those in `processing/`: a run that was killed
        left them there. A file counts as complete when its size and time stand still. A file whose
        manifest does not come within an hour is among them, so that it is not forgotten.

        What killed processes left behind a day ago is cleared away, and what stands in the place of a
        folder of ours is set aside; `notices` tell of it, and of what is passed over.
        """
        notices = [self._client.set_aside(self._in(place)) for place in _OURS]
        self._client.require_storage(self._in("quarantine"))
        for place in map(self._in, _WRITTEN_TO):
            kept = self._client.sweep(place, _LEFT_BEHIND)
            notices.append(kept.sentence(place, _NOT_CLEARED))
        claimed = self._client.list(self._in("processing"), suffix)
        seen = self._client.look_through(self._path, suffix)
        arrived = [file for file in seen.files if _fits(file)]
        for file in seen.files:
            if not _fits(file):
                seen.passed_over.add("a name that is too long:", file.name)
        notices.append(seen.passed_over.sentence(self._path, f"{_NOT_TAKEN} {suffix}"))
        self.notices = " ".join(filter(None, notices))
        self._clear_manifests(claimed)
        self._clear_manifests(arrived)
        names = {file.name for file in arrived}
        ready = [file for file in arrived if self._is_ready(file, names)]
        if ready:
            sleep(self._quiet_seconds)
            still = set(self._client.list(self._path, suffix))
            ready = [file for file in ready if file in still]
        left_over = [file for file in claimed if not _is_manifest(file)]
        return sorted(left_over + ready, key=lambda file: (original_name(file.path), file.path))

    def take(self, file: RemoteFile, worker: str) -> str | None:
        """Claim a file for `worker` and give its new path, or None when another worker was faster.

        `worker` is unique to the run. The claim carries it, so that of any number of workers one wins.
        A file in `processing/` may be taken over from a run that was killed. Should that run still be
        alive, its next step on the file raises `FileChanged`.
        """
        if len(worker) > _LONGEST_WORKER or not _WORKER.fullmatch(worker):
            raise ValueError("worker: letters and digits, joined by single dashes")
        name = original_name(file.path)
        claim = self._in("processing", f"{worker}{_CLAIM_MARK}{name}")
        is_ours = file.path == claim or self._client.claim(file.path, claim)
        # A step that is repeated after an outage finds what it claimed before.
        if not is_ours and not self._client.exists(claim):
            return None
        if self.with_manifests:
            # A run that was killed between the two claims left the manifest where it arrived.
            self._claim_manifest([file.path, self._in(name)], claim)
        return claim

    def read_manifest(self, claimed: str) -> bytes | None:
        """Give the manifest of a claimed file, or None when there is none. Raises as `SftpClient.get`."""
        path = manifest_name(claimed)
        return self._client.read(path, LARGEST) if self._client.exists(path) else None

    def archive(self, claimed: str) -> str:
        """Put a claimed file away as done, and give its place."""
        return self._put_away(
            claimed, self._free_place(self._in("archive", original_name(claimed)), claimed)
        )

    def quarantine(self, claimed: str, report: bytes) -> str:
        """Put a claimed file, as it came, where a person looks at it, and give its place.

        `report` (JSON) stands beside it as `<name>.report.json`, and is there first.
        """
        target = self._free_place(self._in("quarantine", original_name(claimed)), claimed)
        marks = hashlib.sha256(report).hexdigest()[:_MARK_LENGTH], secrets.token_hex(4)
        for place in (target, *(f"{target}.{mark}" for mark in marks)):
            # The same file may have been reported on before, with other findings.
            with suppress(FileConflict):
                self._client.put(f"{place}.report.json", report)
                break
        return self._put_away(claimed, target)

    def publish(self, name: str, content: bytes | Path) -> str:
        """Hand over a file under `name`, whole and once, and give its SHA-256.

        Raises:
            FileConflict: other content stands under that name.
        """
        self._client.require_storage(self._path)
        return self._client.put(self._in(name), content)

    def _put_away(self, claimed: str, target: str) -> str:
        self._client.move(claimed, target)
        if self.with_manifests:
            self._put_away_manifest(manifest_name(claimed), manifest_name(target))
        return target

    def _put_away_manifest(self, manifest: str, target: str) -> None:
        # It may have been cleared away by another run that saw it stand alone.
        with suppress(FileChanged):
            self._client.move(manifest, self._free_place(target, manifest))

    def _claim_manifest(self, files: Iterable[str], claim: str) -> None:
        target = manifest_name(claim)
        for manifest in map(manifest_name, files):
            is_ours = manifest == target and self._client.exists(target)
            if is_ours or (manifest != target and self._client.claim(manifest, target)):
                return

    def _clear_manifests(self, files: list[RemoteFile]) -> None:
        """Put away the manifests that have stood without their file for a day."""
        if not self.with_manifests:
            return
        paths = {file.path for file in files}
        oldest = datetime.now(UTC) - _LEFT_BEHIND
        for file in files:
            belongs_to = file.path.removesuffix(SUFFIX)
            if _is_manifest(file) and belongs_to not in paths and file.modified_at < oldest:
                _log.warning("A manifest without its file goes to the archive: %s", file.path)
                self._put_away_manifest(file.path, self._in("archive", original_name(file.path)))

    def _is_ready(self, file: RemoteFile, names: set[str]) -> bool:
        if _is_manifest(file):
            return False
        if not self.with_manifests or manifest_name(file.name) in names:
            return True
        return file.modified_at < datetime.now(UTC) - LONGEST_WAIT_FOR_MANIFEST

    def _free_place(self, wanted: str, path: str) -> str:
        """Choose the path wanted, or one with a mark when anything but the same content has that name.

        The mark is the content's, so that doing it again gives the same place; where that is taken too,
        it is one that nobody can foretell.
        """
        if not self._client.exists(wanted):
            return wanted
        sha256, size = self._client.measure(path)
        place = PurePosixPath(wanted)
        for mark in (sha256[:_MARK_LENGTH], secrets.token_hex(_MARK_LENGTH // 2)):
            if self._client.holds(wanted, sha256, size) is not False:
                break
            wanted = str(place.with_name(f"{place.stem}-{mark}{place.suffix}"))
        return wanted

    def _in(self, *parts: str) -> str:
        return str(PurePosixPath(self._path, *parts))


def original_name(path: str) -> str:
    """Give the name a file had when it arrived, also when it stands in `processing/`."""
    where = PurePosixPath(path)
    if where.parent.name == "processing":
        return where.name.partition(_CLAIM_MARK)[2] or where.name
    return where.name


def _fits(file: RemoteFile) -> bool:
    return len(file.name.encode()) <= _LONGEST_NAME


def _is_manifest(file: RemoteFile) -> bool:
    return file.name.endswith(SUFFIX)
