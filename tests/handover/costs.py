"""Measures what files of a kind cost: memory, rows and bytes written. It is a process of `test_costs`.

Usage: python -m tests.handover.costs KIND FOLDER

It looks for the worst file that every limit lets in: first the place in a document where many small
values cost most, then the values that cost most there.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select

from benchmarks.local_files import LocalFiles
from tests.imports import FOLDERS, PROFILE, fill_order_store, order
from tests.ingestion.baskets import rules, sale, till_profile
from tests.strategies import STORES, feed_order
from tillbridge.clients import exchange
from tillbridge.contracts import json_text
from tillbridge.database.engine import connect, transaction
from tillbridge.database.ledger_tables import invoice_failure
from tillbridge.database.upgrading import upgrade
from tillbridge.handover.inbox import Inbox
from tillbridge.ingestion.ingesting import Ingestion
from tillbridge.invoicing.feeds import FeedTransformer
from tillbridge.invoicing.intake import Intake
from tillbridge.oms.data_manager import DataManager
from tillbridge.oms.imported_orders import OrderKind
from tillbridge.oms.variance_import import VarianceImport

SIZE = 300_000
VALUES = ("0", "{}", "[]", '""', "0.1", "NaN", "null", '{"a":0}')
HEADER = "facilityId,idType,idValue,availableDelta,varianceReasonId\n"

_GOOD: dict[str, Any] = {
    "tlogs": sale(),
    "feeds": feed_order(),
    "orders": order(),
    "requests": {"OrderNo": "1"},
}
_LISTS = {
    "tlogs": ("orderProductList", "tenders", "orderProductList/0/priceAdjustments", "unknown"),
    "feeds": ("shipments", "shipments/0/shipmentItems", "payments", "orderAttributes", "unknown"),
    "orders": ("shipGroups", "shipGroups/0/items", "attributes", "identifications", "unknown"),
    "requests": ("Items", "unknown"),
}


def places(kind: str) -> Iterator[tuple[str, Callable[[str], str]]]:
    """Give the places where values may stand, each with how a file with many of a value there is made."""
    if kind == "variances":
        yield "rows", lambda value: HEADER + f"{value},,,\n".replace(",\n", ",,\n") * (SIZE // 12)
        yield "good rows", lambda value: HEADER + f'SV_A32,SKU,{value},"1",X\n' * (SIZE // 20)
        return
    yield "array", lambda value: f"[{_many(value, SIZE)}]"
    good = json_text.write(_GOOD[kind]).decode()
    few = json_text.write({**_GOOD[kind], "orderId": 1, "externalId": 1}).decode()
    yield "array, one half good", lambda value: f"[{_many(f'{good},{value}', SIZE)}]"
    yield "many with one fault", lambda value: f"[{_many(few, SIZE)},{value}]"
    for path in _LISTS[kind]:
        yield path, lambda value, path=path: f"[{_with(kind, path, _many(value, SIZE))}]"
        yield (
            f"{path}, in many",
            lambda value, path=path: f"[{_many(_with(kind, path, _many(value, 400)), SIZE)}]",
        )
    yield (
        "deep",
        lambda value: (
            "["
            + _with(kind, "unknown", '{"' + "k" * 150 + '":[' * 28 + _many(value, SIZE) + "]}" * 28)
            + "]"
        ),
    )


def _many(value: str, size: int) -> str:
    return ",".join([value] * max(1, size // (len(value) + 1)))


def _with(kind: str, path: str, values: str) -> str:
    document = json.loads(json_text.write(_GOOD[kind]))
    *parents, name = path.split("/")
    inner = document
    for part in parents:
        inner = inner[int(part) if part.isdecimal() else part]
    inner[name] = "HERE"
    return json.dumps(document).replace('"HERE"', f"[{values}]")


def take(kind: str, engine: Engine, client: Any) -> None:
    """Take what waits, as a run does."""
    if kind == "tlogs":
        profile = till_profile()
        ingestion = Ingestion(engine, client, profile, rules(profile), "run")
        for batch in ingestion.batches():
            ingestion.ingest(batch)
        return
    work: dict[str, Any] = {
        "feeds": lambda: FeedTransformer(engine, client, PROFILE, STORES).transform_feed,
        "requests": lambda: Intake(engine, client, PROFILE, "run").take_in,
        "orders": lambda: (
            DataManager(engine, client, PROFILE, FOLDERS["orders"], OrderKind()).import_file
        ),
        "variances": lambda: (
            VarianceImport(engine, client, PROFILE, FOLDERS["variances"]).apply_file
        ),
    }
    inbox = Inbox(
        engine, client, PROFILE, folder_of(kind), "run", ".csv" if kind == "variances" else ".json"
    )
    for file in inbox.waiting():
        inbox.do(file, work[kind]())


def folder_of(kind: str) -> str:
    """Say where files of a kind come in."""
    return {
        "tlogs": till_profile().tills.tlog_folder,
        "feeds": PROFILE.completed_orders_folder,
        "requests": PROFILE.order_to_invoice_folder,
    }.get(kind) or FOLDERS[kind]


def measure(kind: str, place: str, value: str, content: str, folder: Path) -> dict[str, Any]:
    """Take one file in a process of its own; gives what it cost."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        said: dict[str, Any] = {"died": True}
        try:
            said = _cost(kind, content, folder)
        finally:
            os.write(writing, json.dumps(said).encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = json.loads(pipe.read())
    os.waitpid(child, 0)
    return {"place": place, "value": value, "size": len(content), **said}


def _cost(kind: str, content: str, folder: Path) -> dict[str, Any]:
    root = folder / "exchange"
    inbox = root / folder_of(kind)
    inbox.mkdir(parents=True)
    engine = connect(f"sqlite:///{folder}/costs.db")
    upgrade(engine)
    fill_order_store(engine)
    (inbox / f"a{'.csv' if kind == 'variances' else '.json'}").write_text(content)
    size = len(content)
    del content
    before, written = _resident(), _written(folder)
    take(kind, engine, LocalFiles(root))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    with transaction(engine) as connection:
        rows = connection.scalar(select(func.count()).select_from(invoice_failure))
    return {
        "memory": peak - before,
        "rows": rows,
        "written": _written(folder) - written,
        "left": [p.name for p in inbox.glob("*.*")] + [p.name for p in inbox.glob("processing/*")],
        "size": size,
    }


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _written(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def search(kind: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Measure every place with two kinds of values, and then the worst place with every kind of value."""
    number = 0

    def one(place: str, make: Callable[[str], str], value: str) -> dict[str, Any]:
        nonlocal number
        number += 1
        own = folder / str(number)
        own.mkdir()
        return measure(kind, place, value, make(value), own)

    found = [
        (one(place, make, value), make) for place, make in places(kind) for value in VALUES[:2]
    ]
    yield from (cost for cost, _ in found)
    worst, make = max(found, key=lambda pair: pair[0].get("memory", sys.maxsize))
    for value in VALUES[2:]:
        yield one(worst["place"], make, value)


if __name__ == "__main__":
    exchange.sleep = lambda seconds: None  # type: ignore[attr-defined]
    for cost in search(sys.argv[1], Path(sys.argv[2])):
        print(json.dumps(cost), flush=True)
