"""How fast feeds are transformed, in how much memory, and whether both stay so as feeds grow."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from benchmarks.apart import apart, measure
from benchmarks.installation import WORK
from benchmarks.local_files import LocalFiles
from benchmarks.made import PROFILE, STORES, feed
from benchmarks.results import Table, publish
from tillbridge.clients.sftp import SftpClient
from tillbridge.contracts import json_text
from tillbridge.database.engine import connect
from tillbridge.database.upgrading import upgrade
from tillbridge.handover.taken_file import TakenFile
from tillbridge.invoicing.feeds import FeedTransformer

SIZES = (1_000, 10_000, 100_000)
_NOTES = """\
Generated feeds with the usual mixture: one order in seven cannot be invoiced and is quarantined with its
findings. Each measurement is a process of its own; "peak" is the most memory it ever held, "at rest" is
that of the same process before it read anything. Growth and multiples are of CPU time, which others on
the machine disturb least. "transform" reads the feed, maps every order, checks it
against the contract, remembers its origin in the order database (on disk, synced) and writes the file of
requests; nothing goes over SFTP. "read_array" is reading the feed with `tillbridge.contracts.json_text`
only, "json.loads" is the standard library reading the whole file into memory, with floats."""


class _Nowhere(LocalFiles):
    """Stands in for the SFTP client: what is published is dropped."""

    def put(self, path: str, source: bytes | Path) -> str:
        """Drop it."""
        return ""


def main() -> None:
    """Measure each size in processes of their own, print and write down."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    figures = []
    for size in SIZES:
        path = WORK / str(size) / "feed.json"
        path.parent.mkdir()
        feed(path, size)
        figures.append(
            {"orders": size, **{way: apart("benchmarks.transform", way, path) for way in _WAYS}}
        )
        print(figures[-1], flush=True)
        shutil.rmtree(path.parent)
    publish("transform", "What does transforming a feed cost?", _tables(figures), _NOTES, figures)


def _tables(figures: list[dict[str, Any]]) -> list[Table]:
    smallest = figures[0]["transform"]["cpu_seconds"] / figures[0]["orders"]
    growth = Table(
        "Growth",
        (
            "orders",
            "orders/s",
            "s per 1,000",
            "CPU s per 1,000",
            "against the smallest",
            "peak MB",
            "at rest MB",
        ),
        [
            (
                f"{one['orders']:,}",
                f"{one['orders'] / one['transform']['seconds']:.0f}",
                f"{1000 * one['transform']['seconds'] / one['orders']:.2f}",
                f"{1000 * one['transform']['cpu_seconds'] / one['orders']:.2f}",
                f"{one['transform']['cpu_seconds'] / one['orders'] / smallest:.2f}",
                f"{one['transform']['peak_mb']:.0f}",
                f"{one['transform']['rest_mb']:.0f}",
            )
            for one in figures
        ],
    )
    against = Table(
        "CPU time as a multiple of json.loads of the same file",
        ("orders", "json.loads", "read_array", "transform", "json.loads peak MB"),
        [
            (
                f"{one['orders']:,}",
                "1.0",
                *(
                    f"{one[way]['cpu_seconds'] / one['json.loads']['cpu_seconds']:.1f}"
                    for way in ("read_array", "transform")
                ),
                f"{one['json.loads']['peak_mb']:.0f}",
            )
            for one in figures
        ],
    )
    return [growth, against]


def _transform(path: Path) -> Callable[[], Any]:
    engine = connect(f"sqlite:///{path.parent / 'tillbridge.db'}")
    upgrade(engine)
    transformer = FeedTransformer(
        engine, cast("SftpClient", _Nowhere(path.parent)), PROFILE, STORES
    )
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    file = TakenFile(path.name, digest, datetime.now(UTC), path, occasion=path.name)
    return lambda: transformer.transform_feed(file)


def _read_array(path: Path) -> Callable[[], Any]:
    def read() -> None:
        with path.open("rb") as stream:
            for _ in json_text.read_array(stream, path.name):
                pass

    return read


def _json_loads(path: Path) -> Callable[[], Any]:
    return lambda: json.loads(path.read_bytes())


_WAYS = {"json.loads": _json_loads, "read_array": _read_array, "transform": _transform}


if __name__ == "__main__":
    measure(_WAYS, sys.argv[1], Path(sys.argv[2])) if len(sys.argv) > 1 else main()
