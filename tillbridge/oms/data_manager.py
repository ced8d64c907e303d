"""Imports JSON files as HotWax's Data Manager does: each record by itself, failed ones into an error file.

A record is imported once, known by its key: the same again is left alone, other content fails. A run that
was killed is repeated and comes to the same tables and counts. What a record is, and what importing it
means, is a `Kind`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection, Engine, exc

from tillbridge.clients.sftp import SftpClient
from tillbridge.contracts import import_record, json_text
from tillbridge.contracts.json_spool import ArraySpool
from tillbridge.database.engine import transaction
from tillbridge.errors import FileRejected, Finding, InternalError, RecordRejected
from tillbridge.handover import edge
from tillbridge.handover.failures import Told
from tillbridge.handover.inbox import Work
from tillbridge.handover.rejects import About
from tillbridge.handover.taken_file import TakenFile
from tillbridge.handover.usability import Usability
from tillbridge.oms import data_manager_books as books
from tillbridge.oms.data_manager_books import ImportedRecord, LogEntry
from tillbridge.oms.failed_records import FOLDER, failure, publish_error_file
from tillbridge.profile import Profile

T = TypeVar("T")

RECORDS_AT_ONCE = 200
"""How many records share one transaction."""

_MOST_NOTES = 20


@dataclass(frozen=True, slots=True)
class Record(Generic[T]):
    """One record of a file: its place, counted from 0, its key, and what was read."""

    place: int
    key: str
    document: T


class Kind(Protocol[T]):
    """What the Data Manager has to know of one kind of records."""

    config_id: str

    def read(self, value: Any, index: int) -> T:
        """Read one element of the file, or raise `RecordRejected`."""

    def key(self, document: T) -> str:
        """Give the key that a record is known by."""

    def marks(self, document: T) -> Mapping[str, str]:
        """Give a mark of each part of the record, for telling what differs from an earlier one."""

    def about(self, value: Any) -> About:
        """Say for the report's reader which record this is, as far as it can be read."""

    def create(
        self, connection: Connection, records: Sequence[Record[T]]
    ) -> Mapping[int, RecordRejected]:
        """Import new records; gives those that cannot be, by place, and has not touched them."""

    def warnings(self, connection: Connection, arrival: str) -> Sequence[str]:
        """Give what a person should know of the records that this arrival of a file has imported."""


@dataclass(frozen=True)
class DataManager(Generic[T]):
    """What all files of one run share."""

    engine: Engine
    client: SftpClient
    profile: Profile
    folder: str
    kind: Kind[T]

    def import_file(self, file: TakenFile) -> Work:
        """Import every record of one file that can be, and write the others into an error file.

        Raises:
            FileRejected: the file cannot be read to its end; nothing of it was imported.
        """
        arrival = f"{self.folder}/{file.occasion}"
        self._read_to_the_end(file, arrival)
        with ArraySpool(file.path.parent / "failed.json") as spool, file.path.open("rb") as stream:
            importing = _Importing(self, file, arrival, spool)
            for place, element in enumerate(json_text.read_array(stream, file.name)):
                importing.add(place, element.value)
            importing.import_page()
            error_file = (
                publish_error_file(self.client, self.folder, file.name, spool.finish())
                if spool.count
                else None
            )
        counts = importing.counts
        with transaction(self.engine) as connection:
            warnings = self.kind.warnings(connection, arrival)
            books.write_log(
                connection,
                LogEntry(
                    config_id=self.kind.config_id,
                    file_name=file.name,
                    arrival=arrival,
                    status_id=books.FINISHED,
                    total=sum(counts.values()),
                    failed=counts["failed"],
                    known=counts["known"],
                    warnings=len(warnings),
                    error_file_name=error_file,
                ),
            )
        return Work(
            counts,
            importing.told.failures,
            notes(warnings),
            may_be_repeated=bool(counts["failed"]),
            faults=tuple(importing.faults),
        )

    def read(self, value: Any, place: int) -> Record[T]:
        """Read one element of a file, or raise `RecordRejected`."""
        with edge.document(f"the record at place {place + 1}"):
            document = self.kind.read(value, place)
            return Record(place, self.kind.key(document), document)

    def _read_to_the_end(self, file: TakenFile, arrival: str) -> None:
        # A file that is cut off, or mostly something else, is no use, not even its beginning.
        usability = Usability(file.name)
        try:
            with file.path.open("rb") as stream:
                for place, element in enumerate(json_text.read_array(stream, file.name)):
                    try:
                        self.read(element.value, place)
                        usability.usable()
                    except RecordRejected as problem:
                        usability.unusable(problem)
            usability.require()
        except (FileRejected, InternalError):
            entry = LogEntry(self.kind.config_id, file.name, arrival, books.FAILED)
            with transaction(self.engine) as connection:
                books.write_log(connection, entry)
            raise


@dataclass(frozen=True, slots=True)
class _Read(Generic[T]):
    """One element of the file: the record, or why there is none."""

    place: int
    value: Any
    record: Record[T] | None
    problem: RecordRejected | None


class _Importing(Generic[T]):
    """The import of one file, page by page; a page has no two records of one key."""

    def __init__(
        self, manager: DataManager[T], file: TakenFile, arrival: str, spool: ArraySpool
    ) -> None:
        self._manager = manager
        self._kind = manager.kind
        self._file = file
        self._arrival = arrival
        self._spool = spool
        self._page: list[_Read[T]] = []
        self._keys: set[str] = set()
        self.counts = {"imported": 0, "known": 0, "failed": 0}
        self.told = Told(f"{manager.folder}/{FOLDER}")
        self.faults: list[str] = []

    def add(self, place: int, value: Any) -> None:
        """Read one element; a full page is imported."""
        try:
            record = self._manager.read(value, place)
        except RecordRejected as problem:
            self._page.append(_Read(place, value, None, problem.with_traceback(None)))
        else:
            if record.key in self._keys:
                self.import_page()
            self._keys.add(record.key)
            self._page.append(_Read(place, value, record, None))
        if len(self._page) == RECORDS_AT_ONCE:
            self.import_page()

    def import_page(self) -> None:
        """Import what was added since the last page."""
        records = [one.record for one in self._page if one.record]
        problems = {one.place: one.problem for one in self._page if one.problem}
        problems |= self._import_together(records)
        for one in self._page:
            if problem := problems.get(one.place):
                self._fail(one, problem)
        self._page.clear()
        self._keys.clear()

    def _import_together(self, records: list[Record[T]]) -> dict[int, RecordRejected]:
        """Import records in one transaction, or one by one where the database refuses one of them."""
        if not records:
            return {}
        try:
            with transaction(self._manager.engine) as connection:
                counts, problems = self._import_in(connection, records)
        except (exc.IntegrityError, exc.DataError) as problem:
            if len(records) == 1:
                name = type(problem.orig).__name__
                expected = f"expected a record that the database takes; it refused this one: {name}"
                finding = Finding("", None, expected)
                return {records[0].place: RecordRejected(records[0].key, (finding,))}
            return {
                place: found
                for record in records
                for place, found in self._import_together([record]).items()
            }
        for what, number in counts.items():
            self.counts[what] += number
        return problems

    def _import_in(
        self, connection: Connection, records: list[Record[T]]
    ) -> tuple[dict[str, int], dict[int, RecordRejected]]:
        config_id = self._kind.config_id
        books.lock(connection, config_id)
        earlier = books.imported(connection, config_id, [record.key for record in records])
        marks = {record.place: self._kind.marks(record.document) for record in records}
        new = [record for record in records if record.key not in earlier]
        problems = dict(self._kind.create(connection, new))
        taken = [record for record in new if record.place not in problems]
        books.remember(
            connection,
            config_id,
            [
                ImportedRecord(
                    record.key, marks[record.place], self._file.name, self._arrival, record.place
                )
                for record in taken
            ],
        )
        counts = {"imported": len(taken), "known": 0}
        for record in records:
            before = earlier.get(record.key)
            if before is None:
                continue
            if (before.arrival, before.place) == (self._arrival, record.place):
                counts["imported"] += 1  # by this very work, before it was interrupted
            elif before.content == marks[record.place]:
                counts["known"] += 1
            else:
                problems[record.place] = _duplicate(before, marks[record.place])
        return counts, problems

    def _fail(self, one: _Read[T], problem: RecordRejected) -> None:
        self.counts["failed"] += 1
        self._spool.add(import_record.failed_record(one.value, import_record.sentence(problem)))
        folder = self._manager.folder
        if isinstance(problem, InternalError):
            self.faults.append(f"the record at place {one.place + 1} ({problem.key})")
        self.told.add(
            failure(
                self._file,
                self._manager.profile.product_store_id,
                self._kind.about(import_record.unwrapped(one.value)),
                problem,
                f"Mend what the reason names: in the order store, or the record in {folder}/{FOLDER}. "
                f"Then drop the error file into {folder}.",
                one.place,
            )
        )


def _duplicate(before: ImportedRecord, marks: Mapping[str, str]) -> RecordRejected:
    parts = [
        part
        for part in sorted({*before.content, *marks})
        if before.content.get(part) != marks.get(part)
    ]
    finding = Finding(
        "",
        None,
        f"expected a new record, this is a duplicate: it was imported from {before.file_name} with "
        f"other content ({', '.join(parts)}). Nothing was changed; decide which one is right",
    )
    return RecordRejected(before.key, (finding,))


def notes(warnings: Sequence[str]) -> tuple[str, ...]:
    """Give the first warnings, and how many more there are."""
    more = len(warnings) - _MOST_NOTES
    return (*warnings[:_MOST_NOTES], *([f"and {more} more warnings"] if more > 0 else []))
