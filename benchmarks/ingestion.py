"""What taking TLogs in costs, in time and memory, and whether it stays so as there are more."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.apart import apart, measure
from benchmarks.installation import WORK
from benchmarks.local_files import LocalFiles
from benchmarks.results import Table, publish
from sandbox.baskets import day_of
from sandbox.catalog import BRANDS
from tillbridge.clients import exchange
from tillbridge.contracts import json_text
from tillbridge.contracts.customer_order import read_customer_order
from tillbridge.database.engine import connect
from tillbridge.database.upgrading import upgrade
from tillbridge.ingestion.ingesting import Ingestion
from tillbridge.ingestion.reading import Rules, read_transaction
from tillbridge.ingestion.records import records
from tillbridge.ingestion.revision import News
from tillbridge.ingestion.summary import sum_up
from tillbridge.profile import Profile

SIZES = (1_000, 10_000, 100_000)
_BYTES = 8_000
_BRAND = BRANDS[0]
_PROFILE = Profile(
    product_store_id=_BRAND.product_store_id, brand="Bench", time_zone=_BRAND.time_zone
)
_RULES = Rules(_PROFILE.tills, _PROFILE.time_zone, {one.external_id for one in _BRAND.facilities})
_ARRIVED_AT = datetime(2026, 11, 22, tzinfo=UTC)
_NOTES = f"""\
Generated TLogs of all kinds, filled up to about {_BYTES:,} bytes each with members that are not read, one file
each. Each measurement is a process of its own; "peak" is the most memory it ever held, "at rest" is that of
the same process before it read anything. "json.loads" parses the bytes of every file with the standard
library, with floats. "map" goes from the bytes to the bytes of import orders and returns: it parses without
loss, checks the contract and the till's arithmetic, and maps. "ingest" is a whole run of ingest-tlogs without
the network: claim, fetch, map, one database transaction per 500 files (on disk, synced), files for the order
store, archive. Growth and multiples are of CPU time, which others on the machine disturb least."""


def main() -> None:
    """Measure each size in processes of their own, print and write down."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    figures = []
    for size in SIZES:
        root = WORK / str(size)
        _fill(root / _PROFILE.tills.tlog_folder, size)
        figures.append(
            {"tlogs": size, **{way: apart("benchmarks.ingestion", way, root) for way in _WAYS}}
        )
        print(figures[-1], flush=True)
        shutil.rmtree(root)
    publish("ingestion", "What does taking TLogs in cost?", _tables(figures), _NOTES, figures)


def _fill(folder: Path, size: int) -> None:
    folder.mkdir(parents=True)
    opens_at = datetime(2026, 11, 20, 13, tzinfo=UTC)
    written = number = 0
    while written < size:
        number += 1
        for basket in day_of(_BRAND, _BRAND.facilities[0], number, opens_at, 200, f"T{number}-"):
            if written == size:
                break
            body = json_text.write(basket.document)
            filler = {"orderActivityLog": "x" * max(_BYTES - len(body), 0)}
            body = json_text.write({**basket.document, **filler})
            (folder / f"tlog-{written:06}.json").write_bytes(body)
            written += 1


def _tables(figures: list[dict[str, Any]]) -> list[Table]:
    smallest = figures[0]["ingest"]["cpu_seconds"] / figures[0]["tlogs"]
    growth = Table(
        "Growth of ingest",
        ("TLogs", "TLogs/s", "CPU s per 1,000", "against the smallest", "peak MB", "at rest MB"),
        [
            (
                f"{one['tlogs']:,}",
                f"{one['tlogs'] / one['ingest']['seconds']:.0f}",
                f"{1000 * one['ingest']['cpu_seconds'] / one['tlogs']:.2f}",
                f"{one['ingest']['cpu_seconds'] / one['tlogs'] / smallest:.2f}",
                f"{one['ingest']['peak_mb']:.0f}",
                f"{one['ingest']['rest_mb']:.0f}",
            )
            for one in figures
        ],
    )
    against = Table(
        "CPU time as a multiple of json.loads of the same bytes",
        ("TLogs", "json.loads", "map", "ingest", "map, TLogs/s"),
        [
            (
                f"{one['tlogs']:,}",
                "1.0",
                *(
                    f"{one[way]['cpu_seconds'] / one['json.loads']['cpu_seconds']:.1f}"
                    for way in ("map", "ingest")
                ),
                f"{one['tlogs'] / one['map']['seconds']:.0f}",
            )
            for one in figures
        ],
    )
    return [growth, against]


def _each(root: Path, work: Callable[[bytes], object]) -> Callable[[], None]:
    """Do the work on the bytes of every file."""

    def run() -> None:
        for path in sorted((root / _PROFILE.tills.tlog_folder).iterdir()):
            work(path.read_bytes())

    return run


def _map(data: bytes) -> object:
    order = read_customer_order(json_text.read(data))
    made = read_transaction(order, _RULES, _ARRIVED_AT).transaction
    return list(records(made, News(made.sales, made.returns), 0, _ARRIVED_AT, _PROFILE))


def _ingest(root: Path) -> Callable[[], None]:
    engine = connect(f"sqlite:///{root / 'tillbridge.db'}")
    upgrade(engine)
    exchange.sleep = lambda seconds: None
    ingestion = Ingestion(engine, LocalFiles(root), _PROFILE, _RULES, "bench")  # type: ignore[arg-type]

    def run() -> None:
        summary = sum_up([ingestion.ingest(batch) for batch in ingestion.batches()])
        assert not summary.needs_help, summary.message

    return run


_WAYS: dict[str, Callable[[Path], Callable[[], None]]] = {
    "json.loads": lambda root: _each(root, json.loads),
    "map": lambda root: _each(root, _map),
    "ingest": _ingest,
}
"""The ways to deal with TLogs, by name; ingest is the last, because it moves them."""


if __name__ == "__main__":
    measure(_WAYS, sys.argv[1], Path(sys.argv[2])) if len(sys.argv) > 1 else main()
