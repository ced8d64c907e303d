"""Kills workers of the TLog ingestion at random moments, and compares what is left with a calm run.

The far end is a real sshd, the workers are processes of their own, and the calm run has a folder and a
database to itself. Compared are the records that were handed over, the tables and the archive.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine, select

from proof.processes import processes
from proof.tlogs.worker import Job, run
from sandbox import postgresql
from sandbox.baskets import day_of
from sandbox.catalog import BRANDS
from sandbox.openssh import Sshd, make_key
from tillbridge.contracts import json_text
from tillbridge.database.engine import connect, transaction
from tillbridge.database.till_tables import till_batch, till_line, till_record, till_transaction
from tillbridge.database.upgrading import upgrade
from tillbridge.profile import Profile, TillSettings

BRAND = BRANDS[0]
_OPENS_AT = datetime(2026, 10, 1, 15, 0, tzinfo=UTC)
_ARRIVED_AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC).timestamp()
_TLOGS = "predictspring/tlog"
_GONE = {"batch_id", "number", "ingested_at"}
"""Columns that every run fills as it likes."""


@dataclass(frozen=True)
class Plan:
    """How much is taken in, by how many workers at once, and how often one of them is killed."""

    customers: int
    kills: int
    workers: int = 1
    seed: int = 1
    files_at_once: int = 6
    longest_seconds: float = 0.5


@dataclass(frozen=True)
class Left:
    """What a run left behind, without what differs from run to run."""

    records: Counter[tuple[str, str]]
    handed_over: Counter[tuple[str, str]]
    lines: list[tuple[Any, ...]]
    transactions: list[tuple[Any, ...]]
    archive: dict[str, bytes]
    elsewhere: list[str]


class Place:
    """A folder on the server and a database, for runs of their own."""

    def __init__(self, sshd: Sshd, name: str, database_url: str, files_at_once: int) -> None:
        self.root = sshd.root / name
        self.engine = connect(database_url)
        upgrade(self.engine)
        self._database_url = database_url
        self._sftp = sshd.settings(root=name, connections=2, channels_per_connection=4)
        self._profile = Profile(
            product_store_id=BRAND.product_store_id,
            brand="Proof",
            time_zone=BRAND.time_zone,
            currency=BRAND.currency,
            tills=TillSettings(files_at_once=files_at_once),
        )

    def drop(self, documents: Sequence[bytes]) -> None:
        """Let a till's documents arrive, each in a file of its own and all at the same time."""
        folder = self.root / _TLOGS
        folder.mkdir(parents=True, exist_ok=True)
        for number, document in enumerate(documents, 1):
            unfinished = folder / f".tlog-{number:05}.json"
            unfinished.write_bytes(document)
            os.utime(unfinished, (_ARRIVED_AT, _ARRIVED_AT))
            unfinished.rename(folder / f"tlog-{number:05}.json")

    def job(self, worker: str) -> Job:
        """Give the job of a worker."""
        stores = {facility.external_id for facility in BRAND.facilities}
        return Job(self._database_url, self._sftp, self._profile, stores, worker)

    def waiting(self) -> int:
        """Count the files that are not put away."""
        folder = self.root / _TLOGS
        return sum(1 for place in (folder, folder / "processing") for _ in place.glob("*.json"))

    def left(self) -> Left:
        """Read what is there now."""
        folder = self.root / _TLOGS
        return Left(
            records=_records(self.engine),
            handed_over=self._handed_over(),
            lines=_rows(self.engine, till_line),
            transactions=_rows(self.engine, till_transaction),
            archive={path.name: path.read_bytes() for path in (folder / "archive").iterdir()},
            elsewhere=sorted(
                str(path.relative_to(self.root))
                for path in folder.rglob("*")
                if path.is_file() and path.parent.name != "archive"
            ),
        )

    def _handed_over(self) -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        for kind, name in (("order", "order-import"), ("return", "return-import")):
            for path in (self.root / "hotwax" / name).glob("*.json"):
                found.update((kind, _spelled(one)) for one in json_text.read(path.read_bytes()))
        return found


def run_all() -> dict[str, Any]:
    """Do it at full size on both databases, with one worker and with three at once."""
    found = []
    with TemporaryDirectory() as folder, postgresql.cluster() as server:
        for number, (workers, database) in enumerate(
            (workers, database) for workers in (1, 3) for database in ("sqlite", "postgresql")
        ):
            state = Path(folder) / str(number)
            (state / "exchange").mkdir(parents=True)
            sshd = Sshd(state, state / "exchange", make_key(state / "client_key"))
            sshd.start()
            plan = Plan(customers=4000, kills=200, workers=workers, seed=number + 1)
            try:
                with (
                    postgresql.fresh_database(server)
                    if database == "postgresql"
                    else nullcontext(f"sqlite:///{state}/fire.db")
                ) as url:
                    found.append(under_fire(sshd, plan, url, f"sqlite:///{state}/calm.db"))
            finally:
                sshd.stop()
    return {"runs": found, "problems": [one for run in found for one in run["problems"]]}


def under_fire(sshd: Sshd, plan: Plan, database_url: str, calm_url: str) -> dict[str, Any]:
    """Take a day of two registers in under fire and in peace; `problems` is empty when all is well."""
    began = time.monotonic()
    random = Random(plan.seed)
    documents = _documents(plan)
    calm = Place(sshd, "calm", calm_url, plan.files_at_once)
    calm.drop(documents)
    run(calm.job("calm"))
    place = Place(sshd, "fire", database_url, plan.files_at_once)
    place.drop(documents)
    kills = _fire(place, plan, random)
    summary = run(place.job("last"))
    problems = _differences(calm.left(), place.left(), plan.workers)
    if summary.needs_help:
        problems.append(f"the last run needs help: {summary.message}")
    with transaction(place.engine) as connection:
        if connection.scalars(
            select(till_batch.c.batch_id).where(till_batch.c.published_at.is_(None))
        ).all():
            problems.append("a batch is not marked as published")
    before = place.left()
    place.drop(documents)
    run(place.job("again"))
    if place.left() != before:
        problems.append("dropping every file again changed something")
    for one in (calm, place):
        one.engine.dispose()
    return {
        **asdict(plan),
        "database": database_url.partition(":")[0],
        "documents": len(documents),
        "kills": kills,
        "seconds": round(time.monotonic() - began, 1),
        "problems": problems,
    }


def _documents(plan: Plan) -> list[bytes]:
    store = BRAND.facilities[0]
    each = plan.customers // 2
    baskets = [
        list(day_of(BRAND, store, plan.seed, _OPENS_AT, each, name)) for name in ("T1", "T2")
    ]
    return [json_text.write(one.document) for day in baskets for one in day]


def _fire(place: Place, plan: Plan, random: Random) -> int:
    """Start workers and kill them until the wanted number was killed at work, or none is left to do."""
    kills = started = 0
    alive: list[tuple[BaseProcess, float]] = []
    while kills < plan.kills and place.waiting():
        while len(alive) < plan.workers:
            started += 1
            has_begun = processes.Event()
            process: BaseProcess = processes.Process(
                target=run, args=(place.job(f"w{started}"), has_begun)
            )
            process.start()
            has_begun.wait(60)
            alive.append((process, time.monotonic() + random.uniform(0, plan.longest_seconds)))
        victim, dies_at = min(alive, key=lambda one: one[1])
        victim.join(max(dies_at - time.monotonic(), 0))
        kills += victim.is_alive()
        victim.kill()
        victim.join()
        alive.remove((victim, dies_at))
    for process, _ in alive:
        process.join()
    return kills


def _differences(calm: Left, fire: Left, workers: int) -> list[str]:
    """Name what differs; of several workers each line may come with another transaction of its order."""
    problems = [
        f"{name} differ from those of a calm run"
        for name in ("records", "handed_over", "lines", "archive", "elsewhere")
        if getattr(calm, name) != getattr(fire, name)
    ]
    mine, theirs = (
        (_by_order(calm), _by_order(fire))
        if workers > 1
        else (calm.transactions, fire.transactions)
    )
    if mine != theirs:
        problems.append("transactions differ from those of a calm run")
    if fire.handed_over != fire.records:
        problems.append("what was handed over is not what was recorded")
    return problems


def _by_order(left: Left) -> dict[str, Counter[str]]:
    columns = [one.name for one in till_transaction.c if one.name not in _GONE]
    sums: dict[str, Counter[str]] = {}
    for row in left.transactions:
        found = dict(zip(columns, row, strict=True))
        counts = ("sale_lines", "sales_total", "return_lines", "returns_total")
        sums.setdefault(found["order_id"], Counter()).update({name: found[name] for name in counts})
    return sums


def _records(engine: Engine) -> Counter[tuple[str, str]]:
    with transaction(engine) as connection:
        rows = connection.execute(select(till_record.c.kind, till_record.c.body)).all()
    return Counter((row.kind, _spelled(json_text.read(row.body))) for row in rows)


def _rows(engine: Engine, table: Any) -> list[tuple[Any, ...]]:
    with transaction(engine) as connection:
        rows = connection.execute(select(*(one for one in table.c if one.name not in _GONE))).all()
    return sorted((tuple(row) for row in rows), key=repr)


def _spelled(document: Any) -> str:
    return json.dumps(document, sort_keys=True, default=str)
