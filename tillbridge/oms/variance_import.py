"""Applies files of inventory variances as HotWax's Data Manager does: row by row, failed ones kept aside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Engine

from tillbridge.clients.sftp import SftpClient
from tillbridge.contracts.inventory_variance import Row, VarianceFile, read_file, read_row
from tillbridge.counting import counted
from tillbridge.database.engine import transaction
from tillbridge.errors import FileRejected, InternalError, RecordRejected
from tillbridge.handover import edge
from tillbridge.handover.failures import NewFailure
from tillbridge.handover.inbox import Work
from tillbridge.handover.taken_file import TakenFile
from tillbridge.handover.usability import Usability
from tillbridge.oms import data_manager_books as books
from tillbridge.oms.data_manager import notes
from tillbridge.oms.data_manager_books import LogEntry
from tillbridge.oms.failed_records import FOLDER, publish_error_file
from tillbridge.oms.variances import apply_page, short_rows
from tillbridge.profile import Profile

_ROWS_AT_ONCE = 1000
_MOST_REASONS = 3


@dataclass(frozen=True)
class VarianceImport:
    """What all files of one run share."""

    engine: Engine
    client: SftpClient
    profile: Profile
    folder: str

    def apply_file(self, file: TakenFile) -> Work:
        """Apply every row of one file that can be, and write the others into an error file.

        Raises:
            FileRejected: the file cannot be read; nothing of it was applied.
        """
        arrival = f"{self.folder}/{file.occasion}"
        variances = self._read(file, arrival)
        counts = {"applied": 0, "known": 0, "failed": 0}
        errors: dict[int, str] = {}
        faults: list[str] = []
        for page in _pages(variances.rows()):
            result = apply_page(self.engine, file, arrival, page)
            counts["applied"] += result.applied
            counts["known"] += result.known
            errors |= result.errors
            faults += (f"row {number}" for number in result.faults)
        counts["failed"] = len(errors)
        error_file = self._publish(file, variances, errors) if errors else None
        with transaction(self.engine) as connection:
            warnings = short_rows(connection, arrival)
            books.write_log(
                connection,
                LogEntry(
                    config_id=books.VARIANCES,
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
        failures = [self._failure(file, errors)] if errors else []
        return Work(
            counts,
            failures,
            notes(warnings),
            may_be_repeated=bool(errors),
            faults=tuple(faults),
        )

    def _read(self, file: TakenFile, arrival: str) -> VarianceFile:
        usability = Usability(file.name)
        try:
            content = read_file(file.path, file.name)
            for row in content.rows():
                try:
                    with edge.document(f"row {row.number}"):
                        read_row(row)
                    usability.usable()
                except RecordRejected as problem:
                    usability.unusable(problem)
            usability.require()
            return content
        except (FileRejected, InternalError):
            entry = LogEntry(books.VARIANCES, file.name, arrival, books.FAILED)
            with transaction(self.engine) as connection:
                books.write_log(connection, entry)
            raise

    def _publish(self, file: TakenFile, variances: VarianceFile, errors: Mapping[int, str]) -> str:
        # Naming the row keeps the error files of two files apart, and so from passing for one.
        texts = {number: f"{file.name} row {number}: {error}" for number, error in errors.items()}
        return publish_error_file(self.client, self.folder, file.name, variances.error_csv(texts))

    def _failure(self, file: TakenFile, errors: Mapping[int, str]) -> NewFailure:
        """Give one failure for all rows: people mend a file of stock as a whole."""
        reasons = list(dict.fromkeys(errors.values()))
        more = f"; and {len(reasons) - _MOST_REASONS} more" if len(reasons) > _MOST_REASONS else ""
        return NewFailure(
            kind="quarantined",
            journey="tills",
            product_store_id=self.profile.product_store_id,
            order_no="",
            order_id="",
            store=None,
            amount=None,
            currency=None,
            reason_code="variance",
            reason=f"{counted(len(errors), 'row')} of a file of stock changes could not be applied: "
            f"{'; '.join(reasons[:_MOST_REASONS])}{more}.",
            next_step=f"Mend the rows in {self.folder}/{FOLDER}, or what they name in the order store. "
            f"Then drop the error file into {self.folder}.",
            source_file=file.name,
            occasion=file.occasion,
        )


def _pages(rows: Iterator[Row]) -> Iterator[Sequence[Row]]:
    while page := list(islice(rows, _ROWS_AT_ONCE)):
        yield page
