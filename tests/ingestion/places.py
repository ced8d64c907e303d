"""What lies where on the SFTP server, before and after a run of `ingest-tlogs`."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from tillbridge.contracts import json_text
from tillbridge.ingestion.summary import RunSummary

Run = Callable[..., RunSummary]


def drop(exchange: Path, *documents: Any, start: int = 1) -> None:
    """Put documents where TLogs come in, each in a file of its own."""
    folder = exchange / "predictspring/tlog"
    folder.mkdir(parents=True, exist_ok=True)
    for number, document in enumerate(documents, start):
        data = document if isinstance(document, bytes) else json_text.write(document)
        (folder / f"tlog-{number:05}.json").write_bytes(data)


def handed_over(exchange: Path, folder: str) -> list[dict[str, Any]]:
    """Give the records of every JSON file in a folder."""
    found: list[dict[str, Any]] = []
    for path in sorted((exchange / folder).glob("*.json")):
        found += json.loads(path.read_bytes(), parse_float=Decimal)
    return found


def variances(exchange: Path) -> Counter[tuple[str, str]]:
    """Sum the variance rows by store and UPC."""
    moves: Counter[tuple[str, str]] = Counter()
    for path in (exchange / "hotwax/inventory-variance").glob("*.csv"):
        for row in csv.DictReader(io.StringIO(path.read_text())):
            assert (row["locationSeqId"], row["varianceReasonId"]) == ("TLTLTLLL01", "POS_SALE")
            moves[row["externalFacilityId"], row["idValue"]] += int(row["availableDelta"])
    return moves


def put_away(exchange: Path, place: str) -> list[str]:
    """Name the files in a place below the TLog folder."""
    return sorted(path.name for path in (exchange / "predictspring/tlog" / place).glob("*"))
