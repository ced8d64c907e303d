"""A folder on SFTP through which one side hands files to the other, with the places a file moves to.

`processing/` holds what a worker has claimed, `archive/` what is done, `quarantine/` what a person
has to look at. Moving files keeps workers out of each other's way; that nothing is done twice is the
ledger's business, not this module's.
"""

from __future__ import annotations

import hashlib
import logging
import re
from datetime import timedelta
from pathlib import Path, PurePosixPath
from time import sleep

from tillbridge.clients.sftp import RemoteFile, SftpClient
from tillbridge.errors import FileConflict

_log = logging.getLogger(__name__)
_CLAIM_MARK = "--"
_WORKER = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
_LONGEST_WORKER = 40
_LONGEST_NAME = 160  # bytes; a claim's prefix and a report's ending still have to fit beside it
_MARK_LENGTH = 8
_LEFT_BEHIND = timedelta(days=1)


class Folder:
    """One exchange folder on a server.

    `quiet_seconds` is how long a file must stand still before it is taken. It is for producers that
    write in place; those that rename a finished file into the folder need none.
    """

    def __init__(self, client: SftpClient, path: str, quiet_seconds: float = 2.0) -> None:
        self._client = client
        self._path = path
        self._quiet_seconds = quiet_seconds

    def waiting(self, suffix: str = ".json") -> list[RemoteFile]:
        """List the files to be done, by their original name.

        These are the complete files of the folder, and those in `processing/`: a run that was killed
        left them there. A file counts as complete when its size and time stand still. What a killed
        publisher left half written a day ago is cleared away.
        """
        self._client.sweep(self._path, _LEFT_BEHIND)
        claimed = self._client.list(self._in("processing"), suffix)
        arrived = self._client.list(self._path, suffix)
        if arrived:
            sleep(self._quiet_seconds)
            still = set(self._client.list(self._path, suffix))
            arrived = [file for file in arrived if file in still and self._fits(file)]
        return sorted(claimed + arrived, key=lambda file: (original_name(file.path), file.path))

    def take(self, file: RemoteFile, worker: str) -> str | None:
        """Claim a file for `worker` and give its new path, or None when another worker was faster.

        `worker` is unique to the run. The claim carries it, so that of any number of workers one wins.
        A file in `processing/` may be taken over from a run that was killed. Should that run still be
        alive, its next step on the file raises `FileChanged`.
        """
        if len(worker) > _LONGEST_WORKER or not _WORKER.fullmatch(worker):
            raise ValueError("worker: letters and digits, joined by single dashes")
        claim = self._in("processing", f"{worker}{_CLAIM_MARK}{original_name(file.path)}")
        if file.path == claim or self._client.claim(file.path, claim):
            return claim
        return None

    def archive(self, claimed: str) -> str:
        """Put a claimed file away as done, and give its place."""
        target = self._free_place("archive", claimed)
        self._client.move(claimed, target)
        return target

    def quarantine(self, claimed: str, report: bytes) -> str:
        """Put a claimed file, as it came, where a person looks at it, and give its place.

        `report` (JSON) stands beside it as `<name>.report.json`, and is there first.
        """
        target = self._free_place("quarantine", claimed)
        try:
            self._client.put(f"{target}.report.json", report)
        except FileConflict:  # the same file was reported on before, with other findings
            mark = hashlib.sha256(report).hexdigest()[:_MARK_LENGTH]
            self._client.put(f"{target}.{mark}.report.json", report)
        self._client.move(claimed, target)
        return target

    def publish(self, name: str, content: bytes | Path) -> str:
        """Hand over a file under `name`, whole and once, and give its SHA-256.

        Raises:
            FileConflict: other content stands under that name.
        """
        return self._client.put(self._in(name), content)

    def _free_place(self, place: str, claimed: str) -> str:
        """Choose the original name, or one with the content's mark when another file has that name."""
        original = self._in(place, original_name(claimed))
        if not self._client.exists(original):
            return original
        digest = self._client.sha256(claimed)
        if digest == self._client.sha256(original):
            return original
        path = PurePosixPath(original)
        return str(path.with_name(f"{path.stem}-{digest[:_MARK_LENGTH]}{path.suffix}"))

    def _fits(self, file: RemoteFile) -> bool:
        fits = len(file.name.encode()) <= _LONGEST_NAME
        if not fits:
            _log.warning(
                "Left alone in %s: a file whose name is too long: %s", self._path, file.name
            )
        return fits

    def _in(self, *parts: str) -> str:
        return str(PurePosixPath(self._path, *parts))


def original_name(path: str) -> str:
    """Give the name a file had when it arrived, also when it stands in `processing/`."""
    where = PurePosixPath(path)
    if where.parent.name == "processing":
        return where.name.partition(_CLAIM_MARK)[2] or where.name
    return where.name
