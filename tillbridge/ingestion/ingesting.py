"""TLogs from SFTP, many at a time: taken, read, recorded in one database transaction, and put away.

The work on a batch of files may be repeated from the start at any time. What a till sold counts once,
because its lines are known; what is handed to the order store is written from what was recorded.
"""

from __future__ import annotations

import secrets
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, Engine

from tillbridge.clients.exchange import Folder, original_name
from tillbridge.clients.sftp import RemoteFile, SftpClient
from tillbridge.contracts import json_text
from tillbridge.contracts.json_text import Element
from tillbridge.database.engine import transaction
from tillbridge.errors import (
    FileChanged,
    FileConflict,
    FileRejected,
    Finding,
    InternalError,
    RecordRejected,
)
from tillbridge.handover import edge, failures, files, takings
from tillbridge.handover.failures import NewFailure
from tillbridge.handover.files import Taken
from tillbridge.handover.inbox import FileResult
from tillbridge.handover.kind import Kind
from tillbridge.handover.rejects import About, Rejects
from tillbridge.handover.taken_file import TakenFile
from tillbridge.ingestion import tlogs
from tillbridge.ingestion.publishing import publish_all
from tillbridge.ingestion.reading import Reading, Rules
from tillbridge.ingestion.records import Record, records
from tillbridge.ingestion.revision import Conflict, KnownOrder, News, compare
from tillbridge.ingestion.summary import BatchResult
from tillbridge.ingestion.tlog_file import Entry, TLogFile, read_into
from tillbridge.ingestion.tlogs import Accepted, Arrival
from tillbridge.ingestion.totals import Totals
from tillbridge.ingestion.transaction import RetailTransaction
from tillbridge.profile import Profile

_LARGEST_BATCH = 16 * 1024 * 1024
"""Bytes of the files that are in memory together; a larger one is alone."""

_MOST_NOTES = 100


@dataclass
class _Work:
    """One file on its way through a batch."""

    file: TLogFile
    rejects: Rejects
    counts: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    late: list[NewFailure] = field(default_factory=list)
    is_duplicate: bool = False

    @property
    def is_of_no_use(self) -> bool:
        """Whether the file goes to quarantine whole."""
        return bool(self.rejects.failures and (self.file.problem or not self.file.is_array))

    def reject(self, entry: Entry, problem: RecordRejected, kind: Kind = "quarantined") -> None:
        """Keep a transaction that cannot be used, and why."""
        self.rejects.add(entry.index, entry.element, problem, _about(entry), kind)
        if len(self.findings) < _MOST_NOTES:
            self.findings += problem.findings
        self.counts["quarantined" if kind == "quarantined" else "in conflict"] += 1


class Ingestion:
    """A folder of TLogs of one brand, for one worker (a name unique to the run).

    What a till sent at the end of the day only (`is_end_of_day`) is taken in and told of as missing.
    """

    def __init__(
        self,
        engine: Engine,
        client: SftpClient,
        profile: Profile,
        rules: Rules,
        worker: str,
        folder: str | None = None,
        *,
        is_end_of_day: bool = False,
    ) -> None:
        self._engine = engine
        self._client = client
        self._profile = profile
        self._rules = rules
        self._worker = worker
        self._path = folder or profile.tills.tlog_folder
        self._is_end_of_day = is_end_of_day
        self._folder = Folder(client, self._path)
        self._largest = profile.largest_file_megabytes * 1024 * 1024

    @property
    def notices(self) -> str:
        """What a person should know of the folder since `batches`, in sentences."""
        return self._folder.notices

    def batches(self) -> Iterator[list[RemoteFile]]:
        """Give the waiting files in batches, by name; left-overs of a killed run are among them.

        Those come in smaller batches, and then alone, so that the one that killed it shows.
        """
        batch: list[RemoteFile] = []
        size, most = 0, self._profile.tills.files_at_once
        fewest = most
        waiting = self._folder.waiting()
        times = takings.without_an_end(self._engine, self._path)
        for file in waiting:
            together = max(1, most >> 5 * times.get(original_name(file.path), 0))
            fewest = min(together, fewest) if batch else together
            if batch and (len(batch) >= fewest or size + file.size > _LARGEST_BATCH):
                yield batch
                batch, size, fewest = [], 0, together
            batch.append(file)
            size += file.size
        if batch:
            yield batch

    def publish(self) -> list[str]:
        """Write what an earlier run recorded and could not write any more; gives the files' names."""
        return publish_all(self._engine, self._client, self._profile)

    def ingest(self, batch: Sequence[RemoteFile]) -> BatchResult:
        """Take a batch of files in, hand on what is new in them, and put them away.

        Raises:
            Unavailable: the server or the database is down. Nothing is lost; the next run goes on.
        """
        result = BatchResult()
        names = [original_name(file.path) for file in batch]
        with (
            takings.counted(self._engine, self._path, names) as times,
            TemporaryDirectory(prefix="tillbridge-") as scratch,
            ThreadPoolExecutor(self._client.sessions) as threads,
            ExitStack() as open_rejects,
        ):
            places = [Path(scratch) / str(number) for number in range(len(batch))]
            taken = []
            for one in threads.map(
                self._take, batch, places, [times.get(name, 0) for name in names]
            ):
                if isinstance(one, TLogFile):
                    taken.append(one)
                else:
                    result.files.append(one)
            for file in taken:
                read_into(file, self._rules)
            work = [self._begin(file, open_rejects) for file in taken]
            if self._is_end_of_day:
                for entry in (entry for file in taken for entry in file.entries):
                    _note_whose(entry, result)
            result.totals = self._record(work)
            self._tell(work)
            result.published = self.publish()
            result.files += threads.map(self._put_away, work)
        return result

    def _take(self, remote: RemoteFile, place: Path, times: int) -> TLogFile | FileResult:
        name = original_name(remote.path)
        place.mkdir()
        try:
            claimed = self._folder.take(remote, self._worker)
            if claimed is None:
                return FileResult(name, "left", notes=("another worker has it",))
            local = place / "file"
            try:
                takings.require_an_end(name, times)
                fetched = self._client.get(claimed, local, self._largest)
            except FileRejected as problem:
                return TLogFile(name, claimed, local, "", 0, remote.modified_at, problem=problem)
        except FileChanged as problem:
            return FileResult(name, "left", notes=(str(problem),))
        return TLogFile(name, claimed, local, fetched.sha256, fetched.size, fetched.modified_at)

    def _begin(self, file: TLogFile, open_rejects: ExitStack) -> _Work:
        """Keep what cannot be used of a file, so that its findings are ready before anything is written."""
        occasion = f"{file.name} {file.arrived_at:%Y-%m-%dT%H:%M:%S}"
        if file.problem or any(isinstance(one.read, RecordRejected) for one in file.entries):
            with transaction(self._engine) as connection:
                occasion += f" {files.times_replayed(connection, self._path, file.name)}"
        rejects = Rejects(
            self._path,
            self._profile.product_store_id,
            TakenFile(file.name, file.sha256, file.arrived_at, file.path, occasion),
            "tills",
            f"Its report in {self._path}/quarantine says what is wrong. If a setting, mend the profile and run "
            f"replay-tlogs with this order; if the document, drop a mended copy into {self._path}.",
        )
        open_rejects.enter_context(rejects)
        work = _Work(file, rejects)
        if file.problem:
            kind = InternalError if isinstance(file.problem, InternalError) else RecordRejected
            problem = kind("", file.problem.findings)
            work.reject(Entry(0, Element(None, ""), problem), problem)
        return work

    def _record(self, work: Sequence[_Work]) -> Totals:
        """Write down what is new, and find out what contradicts what is known."""
        totals = Totals()
        store = self._profile.product_store_id
        with transaction(self._engine) as connection:
            tlogs.lock(connection, store)
            self._mark_duplicates(connection, work)
            entries = [
                (one, entry) for one in work if not one.is_duplicate for entry in one.file.entries
            ]
            known = tlogs.known_orders(
                connection,
                store,
                [one.transaction_id for _, entry in entries for one in _read(entry)],
            )
            accepted: list[Accepted] = []
            made: list[Record] = []
            for one, entry in sorted(entries, key=lambda pair: _moment(pair[1])):
                self._judge(one, entry, known, accepted, made, totals)
            if accepted:
                batch_id = f"{datetime.now(UTC):%Y-%m-%d-%H-%M-%S}-{secrets.token_hex(4)}"
                tlogs.open_batch(connection, batch_id, store)
                tlogs.add_transactions(connection, store, batch_id, accepted)
                tlogs.add_records(connection, batch_id, made)
            failures.add(connection, *(failure for one in work for failure in one.late))
        return totals

    def _tell(self, work: Sequence[_Work]) -> None:
        """Have people told of what cannot be used, and after that write down that the files are done."""
        failures.tell(self._engine, [failure for one in work for failure in one.rejects.failures])
        with transaction(self._engine) as connection:
            files.mark_taken(
                connection,
                self._path,
                [_taken(one) for one in work if one.file.sha256 and not one.is_duplicate],
            )

    def _mark_duplicates(self, connection: Connection, work: Sequence[_Work]) -> None:
        done = files.done_among(connection, self._path, {one.file.sha256 for one in work})
        for one in work:
            one.is_duplicate = one.file.sha256 in done
            if not one.rejects.failures:
                done.add(one.file.sha256)  # the same bytes under two names in one batch

    def _judge(
        self,
        work: _Work,
        entry: Entry,
        known: defaultdict[str, KnownOrder],
        accepted: list[Accepted],
        made: list[Record],
        totals: Totals,
    ) -> None:
        """Decide about one transaction: new, known, in conflict with what is known, or not usable."""
        if isinstance(entry.read, RecordRejected):
            work.reject(entry, entry.read)
            return
        found = entry.read.transaction
        order = known[found.transaction_id]
        try:
            news, some = self._what_is_new(work, found, order)
        except InternalError as fault:
            work.reject(entry, fault)
            return
        if isinstance(news, Conflict):
            problem = RecordRejected(
                found.transaction_id, (Finding(news.pointer, None, news.expected),)
            )
            work.reject(entry, problem, "conflict")
            return
        if not news.sales and not news.returns:
            work.counts["known before"] += 1
            return
        arrival = Arrival(work.file.name, work.file.sha256, work.file.arrived_at)
        accepted.append(Accepted(found, news, arrival))
        made += some
        order.add(found, news)
        is_master = self._profile.tills.oms_is_order_master
        totals.add(found, news, some, oms_is_order_master=is_master)
        work.counts["taken in"] += 1
        if self._is_end_of_day:
            work.late.append(_late(found, work.file.name, self._profile))
        work.notes += (f"{found.transaction_id}: {warning}" for warning in entry.read.warnings)

    def _what_is_new(
        self, work: _Work, found: RetailTransaction, order: KnownOrder
    ) -> tuple[News | Conflict, list[Record]]:
        with edge.document(found.transaction_id):
            news = compare(found, order)
            if isinstance(news, Conflict) or not (news.sales or news.returns):
                return news, []
            arrived_at = work.file.arrived_at
            return news, list(records(found, news, order.returns, arrived_at, self._profile))

    def _put_away(self, work: _Work) -> FileResult:
        file = work.file
        notes = (*map(str, work.findings), *work.notes)[:_MOST_NOTES]
        faults = tuple(work.rejects.faults)
        try:
            if work.is_duplicate:
                self._folder.archive(file.claimed)
                return FileResult(
                    file.name, "duplicate", notes=("the same content was done before",)
                )
            if work.is_of_no_use:
                self._folder.quarantine(file.claimed, _report(work))
                return FileResult(file.name, "quarantined", dict(work.counts), notes, faults)
            work.rejects.publish(self._client)
            self._folder.archive(file.claimed)
        except FileChanged as problem:
            return FileResult(file.name, "left", notes=(str(problem),), faults=faults)
        except (FileConflict, FileRejected) as problem:
            return FileResult(file.name, "stuck", notes=(str(problem),), faults=faults)
        return FileResult(file.name, "done", dict(work.counts), notes, faults)


def _read(entry: Entry) -> list[RetailTransaction]:
    """Give the transaction of an entry that could be read."""
    return [entry.read.transaction] if isinstance(entry.read, Reading) else []


def _note_whose(entry: Entry, result: BatchResult) -> None:
    """Note which order an end-of-day file has, and whose day it speaks of."""
    if isinstance(entry.read, RecordRejected):
        result.order_ids.add(entry.read.key)
    for made in _read(entry):
        result.order_ids.add(made.transaction_id)
        # With goods brought back it is an old sale; that says nothing of its day.
        if not made.returns:
            result.places.add((made.store, made.business_day_date))


def _moment(entry: Entry) -> tuple[datetime, str, int]:
    """Sort by the time of the sale, a sale before its returns; what cannot be read comes first."""
    if isinstance(entry.read, Reading):
        made = entry.read.transaction
        return made.begin_date_time, made.transaction_id, len(made.returns)
    return datetime.min.replace(tzinfo=UTC), entry.read.key, 0


def _late(made: RetailTransaction, file_name: str, profile: Profile) -> NewFailure:
    return NewFailure(
        kind="missing",
        journey="tills",
        product_store_id=profile.product_store_id,
        order_no=made.display_id,
        order_id=made.transaction_id,
        store=made.store,
        amount=made.sales_total - made.returns_total,
        currency=made.currency,
        reason_code="only-at-end-of-day",
        reason="The till did not send it when it was sold; it came with the file of the end of the day.",
        next_step="Nothing for this sale: it was taken in from that file. See why the till could not post.",
        source_file=file_name,
        occasion="only at end of day",
    )


def _taken(work: _Work) -> Taken:
    file = work.file
    result: files.Result = "done"
    if work.rejects.failures:
        result = "quarantined" if work.is_of_no_use else "incomplete"
    return Taken(file.sha256, file.name, file.size, result, len(file.entries))


def _report(work: _Work) -> bytes:
    findings = [asdict(found) for found in work.findings]
    return json_text.write_readable({"file": work.file.name, "findings": findings})


def _about(entry: Entry) -> About:
    if isinstance(entry.read, RecordRejected):
        return About(order_no=entry.read.key, order_id=entry.read.key)
    made = entry.read.transaction
    return About(
        order_no=made.display_id,
        order_id=made.transaction_id,
        store=made.store,
        amount=made.sales_total - made.returns_total,
        currency=made.currency,
    )
