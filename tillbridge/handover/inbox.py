"""A folder on SFTP whose files are done once each, known by their content.

The work on a file may be repeated from the start at any time: the file is put away only after the
database has been told, in one transaction with the failures found, that it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from sqlalchemy import Engine

from tillbridge.clients.exchange import Folder, original_name
from tillbridge.clients.sftp import RemoteFile, SftpClient
from tillbridge.contracts import feed_manifest, json_text
from tillbridge.database.engine import transaction
from tillbridge.errors import FileChanged, FileConflict, FileRejected, Finding, InternalError
from tillbridge.handover import edge, failures, files, reasons, takings
from tillbridge.handover.failures import NewFailure
from tillbridge.handover.files import Taken
from tillbridge.handover.kind import Journey
from tillbridge.handover.taken_file import TakenFile
from tillbridge.profile import Profile

_MOST_FAULTS = 5


@dataclass(frozen=True, slots=True)
class Work:
    """What the work on a file came to; the failures are recorded together with the file.

    A file that `may_be_repeated` is not put away as a duplicate when the same bytes come again: part of
    it could not be used, or it may be handed over again on purpose.
    """

    counts: Mapping[str, int]
    failures: Sequence[NewFailure] = ()
    notes: tuple[str, ...] = ()
    may_be_repeated: bool = False
    faults: tuple[str, ...] = ()
    """The records that met a fault of this program."""


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file; `notes` say why.

    `left` files stay for the next run; `stuck` ones do too, but a person has to help them.
    """

    name: str
    result: Literal["done", "duplicate", "quarantined", "left", "stuck"]
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def stuck(results: Sequence[FileResult]) -> str:
    """Name the files that a person has to help, and the records that met a fault of this program.

    It is empty when there are none; else the run is Failed.
    """
    return " ".join(
        [
            *(
                f"{result.name} is stuck: {'; '.join(result.notes)}."
                for result in results
                if result.result == "stuck"
            ),
            *(
                f"{result.name}: {_first(result.faults)} met an internal error of tillbridge and went to "
                "quarantine; the rest went on. See the run's log."
                for result in results
                if result.faults
            ),
        ]
    )


def total(results: Sequence[FileResult], what: str) -> int:
    """Add up one count over the files."""
    return sum(result.counts.get(what, 0) for result in results)


def _first(faults: Sequence[str]) -> str:
    more = len(faults) - _MOST_FAULTS
    return ", ".join(faults[:_MOST_FAULTS]) + (f" and {more} more" if more > 0 else "")


class Inbox:
    """One folder, for one worker (a name unique to the run), and the files of one `suffix` in it."""

    def __init__(
        self,
        engine: Engine,
        client: SftpClient,
        profile: Profile,
        path: str,
        worker: str,
        suffix: str = ".json",
        journey: Journey = "invoicing",
    ) -> None:
        self._engine = engine
        self._client = client
        self._folder = Folder(
            client,
            path,
            with_manifests=profile.completed_orders_manifest
            and path == profile.completed_orders_folder,
        )
        self._path = path
        self._product_store_id = profile.product_store_id
        self._largest_bytes = profile.largest_file_megabytes * 1024 * 1024
        self._worker = worker
        self._suffix = suffix
        self._journey: Journey = journey

    @property
    def notices(self) -> str:
        """What a person should know of the folder since `waiting`, in sentences."""
        return self._folder.notices

    def waiting(self) -> list[RemoteFile]:
        """List the files to be done by name, left-overs of a killed run among them."""
        return self._folder.waiting(self._suffix)

    def do(self, file: RemoteFile, work: Callable[[TakenFile], Work]) -> FileResult:
        """Take one file, have `work` done on it unless its content was done before, and put it away.

        `work` raises `FileRejected` when the whole file is of no use; it then goes to quarantine.
        """
        name = original_name(file.path)
        try:
            claimed = self._folder.take(file, self._worker)
            if claimed is None:
                return FileResult(name, "left", notes=("another worker has it",))
            with transaction(self._engine) as connection:
                times = files.times_replayed(connection, self._path, name)
            occasion = f"{name} {file.modified_at:%Y-%m-%dT%H:%M:%S} {times}"
            with (
                takings.counted(self._engine, self._path, [name]) as before,
                TemporaryDirectory(prefix="tillbridge-") as scratch,
            ):
                local = Path(scratch) / "file"
                return self._do(name, claimed, local, occasion, work, before.get(name, 0))
        except FileChanged as problem:
            return FileResult(name, "left", notes=(str(problem),))
        except (FileConflict, FileRejected) as problem:
            return FileResult(name, "stuck", notes=(str(problem),))

    def _do(
        self,
        name: str,
        claimed: str,
        local: Path,
        occasion: str,
        work: Callable[[TakenFile], Work],
        times: int,
    ) -> FileResult:
        sha256, size = "", 0
        try:
            takings.require_an_end(name, times)
            fetched = self._client.get(claimed, local, self._largest_bytes)
            sha256, size = fetched.sha256, fetched.size
            if files.is_done(self._engine, self._path, sha256):
                self._folder.archive(claimed)
                return FileResult(name, "duplicate", notes=("the same content was done before",))
            if self._folder.with_manifests:
                self._hold_against_manifest(name, claimed, sha256, size, local)
            with edge.document(f"the file {name}"):
                done = work(TakenFile(name, sha256, fetched.modified_at, local, occasion))
        except (FileRejected, InternalError) as problem:
            return self._quarantine(name, claimed, sha256, size, occasion, problem)
        failures.tell(self._engine, done.failures)
        with transaction(self._engine) as connection:
            result: files.Result = "incomplete" if done.may_be_repeated else "done"
            taken = Taken(sha256, name, size, result, sum(done.counts.values()))
            files.mark_taken(connection, self._path, [taken])
        self._folder.archive(claimed)
        return FileResult(name, "done", done.counts, done.notes, done.faults)

    def _hold_against_manifest(
        self, name: str, claimed: str, sha256: str, size: int, local: Path
    ) -> None:
        manifest = self._folder.read_manifest(claimed)
        if manifest is None:
            expected = f"{feed_manifest.manifest_name(name)} beside it within an hour; none came"
            raise FileRejected(name, (Finding("", None, expected),))
        feed_manifest.check(manifest, name, sha256, size, local)

    def _quarantine(
        self,
        name: str,
        claimed: str,
        sha256: str,
        size: int,
        occasion: str,
        problem: FileRejected | InternalError,
    ) -> FileResult:
        findings = [asdict(found) for found in problem.findings]
        with transaction(self._engine) as connection:
            failures.add(connection, self._failure(name, f"{sha256} {occasion}", problem))
            if sha256:
                taken = Taken(sha256, name, size, "quarantined", 0)
                files.mark_taken(connection, self._path, [taken])
        report = json_text.write_readable({"file": name, "findings": findings})
        self._folder.quarantine(claimed, report)
        faults = ("it",) if isinstance(problem, InternalError) else ()
        notes = tuple(map(str, problem.findings))
        return FileResult(name, "quarantined", notes=notes, faults=faults)

    def _failure(
        self, name: str, occasion: str, problem: FileRejected | InternalError
    ) -> NewFailure:
        is_ours = isinstance(problem, InternalError)
        return NewFailure(
            kind="quarantined",
            journey=self._journey,
            product_store_id=self._product_store_id,
            order_no="",
            order_id="",
            store=None,
            amount=None,
            currency=None,
            reason_code=reasons.INTERNAL if is_ours else "file-unreadable",
            reason=f"The whole file could not be used: expected {problem.findings[0].expected}.",
            next_step=f"It is in {self._path}/quarantine. When tillbridge is mended, drop it in again."
            if is_ours
            else f"Nothing of it was used. See {self._path}/quarantine; have it made again.",
            source_file=name,
            occasion=occasion,
        )
