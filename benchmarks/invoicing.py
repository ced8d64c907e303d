"""How fast the deployed `invoice-orders` is, against empty tasks and against a bare HTTP loop."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from benchmarks.installation import WORK, Installation, installed
from benchmarks.made import PROFILE, invoice_bodies
from benchmarks.results import Table, publish, spread
from sandbox.platform import Platform
from tillbridge.clients.retail_pro_settings import RetailProSettings
from tillbridge.contracts.json_spool import ArraySpool

ORDERS = 1_000
ROUNDS = 3
LATENCY_MS = 20
AIM = 0.6
_PAGE = 200
_DRAIN_SECONDS = 300
_SETTINGS = RetailProSettings(base_url="http://127.0.0.1")
_NOTES = f"""\
{ORDERS} orders per round, {ROUNDS} rounds that alternate; Retail Pro is a stand-in in a process of its own
that waits {LATENCY_MS} ms before it works. "Tasks" is from the start of the first to the end of the last
task run of the kind, as Prefect's API tells; "whole run" is the flow run with loading blocks, taking the
file, writing the ledger and storing the answers. Empty tasks have no cache policy and the same task
runner. "Without ledger" posts the same requests with the same client in mapped tasks, and writes nothing
down: what the ledger costs is the difference. The bare loop posts the same requests with one httpx client
and as many threads as `parallel_calls` ({_SETTINGS.parallel_calls}), and keeps no ledger. The aim for
orders against empty tasks is {AIM}. Every order is written to the order database twice, each time synced
to disk, so a slow disk shows here."""


@dataclass(frozen=True)
class Round:
    """Per second: empty tasks, orders by tasks without ledger, orders as invoiced, bare calls."""

    empty: float
    unsafe: float
    orders: float
    orders_whole_run: float
    bare: float


def main() -> None:
    """Measure, print and write down."""
    with installed(LATENCY_MS) as installation:
        rounds = [_round(installation, number) for number in range(ROUNDS)]
    rates = Table(
        "Per second",
        ("", "min", "median", "max"),
        [
            ("empty tasks", *spread([one.empty for one in rounds])),
            ("bare calls", *spread([one.bare for one in rounds])),
            ("orders without ledger, tasks", *spread([one.unsafe for one in rounds])),
            ("orders, tasks", *spread([one.orders for one in rounds])),
            ("orders, whole run", *spread([one.orders_whole_run for one in rounds])),
        ],
    )
    ratios = Table(
        "Ratios",
        ("", "min", "median", "max"),
        [
            (
                "orders / orders without ledger",
                *spread([one.orders / one.unsafe for one in rounds], 2),
            ),
            ("orders / empty tasks", *spread([one.orders / one.empty for one in rounds], 2)),
            ("orders / bare calls", *spread([one.orders / one.bare for one in rounds], 2)),
        ],
    )
    figures = {
        "orders": ORDERS,
        "latency_ms": LATENCY_MS,
        "rounds": [asdict(one) for one in rounds],
    }
    question = "How fast are orders invoiced?"
    publish("invoicing", question, [ratios, rates], _NOTES, figures)


def _round(at: Installation, number: int) -> Round:
    empty, _ = _run(at.platform, "empty-tasks", {"count": ORDERS}, "nothing")
    bare = _bare_loop(at.retail_pro_url, invoice_bodies(WORK, ORDERS, 3 * number + 1))
    unsafe, _ = _run(
        at.platform,
        "bare-tasks",
        {"count": ORDERS, "seed": 3 * number + 3, "folder": str(WORK.resolve())},
        "post-",
    )
    _drop(at.files, invoice_bodies(WORK, ORDERS, 3 * number + 2), f"round-{number}.json")
    orders, whole_run = _run(at.platform, "invoice-orders", {}, "invoice-")
    result = Round(empty, unsafe, orders, whole_run, bare)
    print(f"round {number + 1}: {result}", flush=True)
    return result


def _run(
    platform: Platform, name: str, parameters: dict[str, Any], task: str
) -> tuple[float, float]:
    """Run a deployment; give its tasks per second, and the same number over the whole flow run."""
    run = platform.run_deployment(name, parameters)
    if run.state != "COMPLETED":
        raise RuntimeError(f"{name} ended {run.state}: {run.message}")
    tasks = _task_runs(platform, run.id, task)
    first = min(_moment(one["start_time"]) for one in tasks)
    last = max(_moment(one["end_time"]) for one in tasks)
    total = platform.api("GET", f"/flow_runs/{run.id}")["total_run_time"]
    return ORDERS / (last - first).total_seconds(), ORDERS / float(total)


def _task_runs(platform: Platform, run_id: str, name: str) -> list[dict[str, Any]]:
    """Wait until the server has recorded every task run of the kind, and give them."""
    give_up_at = time.monotonic() + _DRAIN_SECONDS
    while time.monotonic() < give_up_at:
        found: list[dict[str, Any]] = []
        while page := platform.api("POST", "/task_runs/filter", _filter(run_id, len(found))):
            found += page
        wanted = [one for one in found if one["name"].startswith(name) and one["end_time"]]
        if len(wanted) >= ORDERS:
            return wanted
        time.sleep(2)
    raise TimeoutError(f"Prefect has not recorded all task runs within {_DRAIN_SECONDS} s")


def _filter(run_id: str, offset: int) -> dict[str, Any]:
    return {
        "flow_runs": {"id": {"any_": [run_id]}},
        "sort": "ID_DESC",
        "limit": _PAGE,
        "offset": offset,
    }


def _bare_loop(url: str, bodies: list[bytes]) -> float:
    """Post the requests as plainly as possible; gives calls per second."""
    width = _SETTINGS.parallel_calls
    with httpx.Client(base_url=url, timeout=30) as client, ThreadPoolExecutor(width) as pool:

        def post(body: bytes) -> None:
            headers = {"Content-Type": "application/json"}
            answer = client.post(_SETTINGS.invoice_path, content=body, headers=headers)
            answer.raise_for_status()

        started = time.monotonic()
        list(pool.map(post, bodies))
        return len(bodies) / (time.monotonic() - started)


def _drop(files: Path, bodies: list[bytes], name: str) -> None:
    """Put a file of requests where `invoice-orders` looks, as a partner's SFTP client would."""
    spool = ArraySpool(WORK / name)
    for body in bodies:
        spool.add(body)
    folder = files / PROFILE.order_to_invoice_folder
    unfinished = folder / f"{name}.part"
    unfinished.write_bytes(spool.finish().read_bytes())
    unfinished.rename(folder / name)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


if __name__ == "__main__":
    main()
