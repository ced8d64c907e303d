"""SQL of the Data Manager's books: one row for each file it took, one for each record it imported."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from tillbridge.database.engine import database_now
from tillbridge.database.import_tables import (
    data_manager_config,
    data_manager_log,
    data_manager_record,
)
from tillbridge.database.insertion import insert_or_update

ORDERS = "IMP_ORDER"
RETURNS = "IMP_RETURN"
VARIANCES = "MDM_INV_VARIANCE"
"""The configIds; HotWax has none for returns in this form."""

FINISHED = "Finished"
FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class ImportedRecord:
    """A record that was imported: the marks of its content, and where it came from.

    `arrival` names one arrival of one file; `place` counts its records from 0.
    """

    key: str
    content: Mapping[str, str]
    file_name: str
    arrival: str
    place: int


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What became of one arrival of one file."""

    config_id: str
    file_name: str
    arrival: str
    status_id: str
    total: int = 0
    failed: int = 0
    known: int = 0
    warnings: int = 0
    error_file_name: str | None = None


def lock(connection: Connection, config_id: str) -> None:
    """Keep two imports of one kind from importing the same record at the same time."""
    config = data_manager_config
    connection.execute(
        select(config.c.config_id)
        .where(config.c.config_id == config_id)
        .with_for_update(key_share=True)
    )


def imported(
    connection: Connection, config_id: str, keys: Collection[str]
) -> dict[str, ImportedRecord]:
    """Give those of the records of these keys that were imported before."""
    record = data_manager_record
    rows = connection.execute(
        select(record).where(record.c.config_id == config_id, record.c.record_key.in_(keys))
    )
    return {
        row.record_key: ImportedRecord(
            row.record_key, json.loads(row.content), row.file_name, row.arrival, row.place
        )
        for row in rows
    }


def remember(connection: Connection, config_id: str, records: Iterable[ImportedRecord]) -> None:
    """Note that records were imported; it belongs into the transaction that imports them."""
    now = database_now(connection)
    rows = [
        {
            "config_id": config_id,
            "record_key": record.key,
            "content": json.dumps(record.content, sort_keys=True),
            "file_name": record.file_name,
            "arrival": record.arrival,
            "place": record.place,
            "imported_at": now,
        }
        for record in records
    ]
    if rows:
        connection.execute(insert(data_manager_record), rows)


def write_log(connection: Connection, entry: LogEntry) -> None:
    """Write what became of a file; doing it again for the same arrival overwrites the row."""
    identity = "\0".join((entry.config_id, entry.arrival))
    insert_or_update(
        connection,
        data_manager_log,
        [
            {
                "log_id": hashlib.sha256(identity.encode()).hexdigest()[:32],
                "config_id": entry.config_id,
                "file_name": entry.file_name,
                "arrival": entry.arrival,
                "status_id": entry.status_id,
                "total_record_count": entry.total,
                "failed_record_count": entry.failed,
                "known_record_count": entry.known,
                "warning_count": entry.warnings,
                "error_file_name": entry.error_file_name,
                "created_at": database_now(connection),
            }
        ],
    )
