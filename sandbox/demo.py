"""`make demo`: both journeys on loopback, from completed orders and tills to books that balance."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Annotated

import psutil
from cyclopts import App, Parameter

from sandbox import orders, till_books
from sandbox.baskets import Basket, day_of
from sandbox.books import Books, draw_up
from sandbox.catalog import BRANDS
from sandbox.kinds import GOOD
from sandbox.platform import Platform
from sandbox.services import TILL_TOKEN, Sandbox
from sandbox.till import Mischief, TillReport, post_all
from sandbox.till_books import TillBooks
from tillbridge.database.engine import connect

INVOICING = (
    "export-completed-orders",
    "transform-completed-orders",
    "invoice-orders",
    "report-invoice-failures",
)
TILLS = (
    "ingest-tlogs",
    "import-orders",
    "import-returns",
    "find-missing-sales",
    "report-till-failures",
    "reconcile-inventory",
)

_CUSTOMERS = 30
_NOTE = "running"

app = App(name="demo", help="Run the main job on loopback and check the books.")


@app.default
def main(
    *,
    state: Annotated[Path, Parameter(help="Folder that is emptied and used.")] = Path(".demo"),
    count: Annotated[int, Parameter(help="Orders to seed.")] = 200,
    keep: Annotated[bool, Parameter(help="Leave everything running until Ctrl-C.")] = False,
) -> None:
    """Set everything up, run the pipeline through its deployments, and check the books."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    started = time.monotonic()
    shutil.rmtree(state, ignore_errors=True)
    platform = Platform(state / "platform")
    with Sandbox(state / "sandbox") as far_ends:
        try:
            baskets = _till_day()
            config = _set_up(platform, far_ends, count, baskets)
            for name in INVOICING:
                _run(platform, name)
            report = _sell(platform, far_ends, config, baskets)
            for name in TILLS:
                _run(platform, name)
            books = draw_up(far_ends)
            tills = till_books.draw_up(
                connect(far_ends.database_url), report.posted, report.corrupted
            )
            _show(books, tills, far_ends, platform, time.monotonic() - started)
            if keep:
                _wait_for_interrupt(state / _NOTE)
        finally:
            platform.stop()
    balance = books.balance and not tills.problems
    print(json.dumps({**books.as_dict(), "tills": tills.as_dict(), "balance": balance}))
    if not balance:
        sys.exit(1)


@app.command
def down(
    *, state: Annotated[Path, Parameter(help="Folder that `--keep` used.")] = Path(".demo")
) -> None:
    """Stop what `--keep` left running."""
    note = state / _NOTE
    if not note.exists():
        print("Nothing is running.")
        return
    pid, started_at = note.read_text().split()
    try:
        process = psutil.Process(int(pid))
        if str(process.create_time()) != started_at:
            raise psutil.NoSuchProcess(int(pid))
        process.terminate()
        process.wait(60)
        print("Stopped.")
    except psutil.NoSuchProcess:
        print("It had stopped already.")
    note.unlink(missing_ok=True)


def _till_day() -> dict[str, list[Basket]]:
    """Give what one register in each of two stores posts on the day before, by store.

    In the first store one post is lost.
    """
    opens_at = datetime.now(UTC).replace(hour=15, minute=0, second=0, microsecond=0) - timedelta(1)
    brand = BRANDS[0]
    posted = {
        store.external_id: list(day_of(brand, store, 1, opens_at, _CUSTOMERS))
        for store in brand.facilities[:2]
    }
    first = posted[brand.facilities[0].external_id]
    first.remove(next(one for one in first[1:] if one.kind == "several_tenders"))
    return posted


def _set_up(
    platform: Platform, far_ends: Sandbox, count: int, baskets: Mapping[str, list[Basket]]
) -> Path:
    config = far_ends.state / "tillbridge.toml"
    config.write_text(far_ends.config(), encoding="utf-8")
    with _step("Prefect server"):
        platform.start()
    with _step("tillbridge setup"):
        platform.run("tillbridge", "setup", "--config", str(config))
    with _step("tillbridge deploy"):
        platform.deploy()
    with _step(f"seed {count} orders, start a worker"):
        platform.start_worker()
        _seed(far_ends, count, baskets)
    return config


def _seed(far_ends: Sandbox, count: int, baskets: Mapping[str, list[Basket]]) -> None:
    """Fill the order store and Retail Pro's stock, and choose the orders that go wrong.

    Retail Pro knows what the tills will have sold.
    """
    seeded = orders.seed(connect(far_ends.database_url), count, seed=1, brands=BRANDS[:1])
    codes = {store.external_id: store.invoicing_store_code for store in BRANDS[0].facilities}
    for (store, upc), pieces in till_books.moves(chain(*baskets.values())).items():
        seeded.retail_pro_stock[codes[store]][upc] += pieces
    far_ends.retail_pro.put_stock(seeded.retail_pro_stock)
    numbers = iter(seeded.numbers(GOOD)[::5])
    program = far_ends.retail_pro.program
    for _ in range(5):
        program("reject", order_no=next(numbers), message="The customer is blocked in Retail Pro")
    for _ in range(2):
        program("drop", order_no=next(numbers), commit=True)
        program("drop", order_no=next(numbers), commit=False)
        program("status", order_no=next(numbers), status=503, commit=True)
        program("not_json", order_no=next(numbers), commit=True)
        program("wrong_order", order_no=next(numbers), commit=True)
        program("status", order_no=next(numbers), status=429, retry_after="1", times=1)


def _sell(
    platform: Platform, far_ends: Sandbox, config: Path, baskets: Mapping[str, list[Basket]]
) -> TillReport:
    """Let the tills of both stores post their day; some posts come twice or out of order."""
    url = f"http://127.0.0.1:{far_ends.receiver_port}"
    headers = {"authorization": f"Bearer {TILL_TOKEN}"}
    both = TillReport()
    with _step("tillbridge-receiver"):
        platform.start_receiver(config, url, tells_prefect=False)
    with _step(f"the tills of {len(baskets)} stores post a day"):
        for number, day in enumerate(baskets.values()):
            mischief = Mischief(repeated=2, reordered=3)
            both.add(post_all(f"{url}/tlog", headers, day, mischief, seed=number))
    answers = ", ".join(f"{many} times {code}" for code, many in Counter(both.statuses).items())
    print(f"      {len(both.posted)} documents: {answers}; one post was lost", flush=True)
    return both


def _run(platform: Platform, name: str) -> None:
    with _step(name):
        run = platform.run_deployment(name)
    print(f"      {run.message}", flush=True)
    if run.state != "COMPLETED":
        sys.exit(f"{name} ended {run.state}: {run.message}")


def _show(
    books: Books, tills: TillBooks, far_ends: Sandbox, platform: Platform, seconds: float
) -> None:
    print()
    for name, value in [*books.as_dict().items(), *tills.as_dict().items()]:
        if name != "problems":
            print(f"  {name.replace('_', ' '):22} {value}")
    for problem in (*books.problems, *tills.problems):
        print(f"  DOES NOT AGREE: {problem}")
    print(f"\n  The mail     {far_ends.state / 'mail'}")
    print(f"  The files    {far_ends.files}")
    print(f"  Prefect UI   {platform.ui_url} (while it runs: make up)")
    print(f"  Took         {seconds:.0f} s\n", flush=True)


def _wait_for_interrupt(note: Path) -> None:
    """Keep running until Ctrl-C or `down`, which finds this process by the note."""
    note.write_text(f"{os.getpid()} {psutil.Process().create_time()}")
    print("  Everything is left running. Stop it with Ctrl-C or `make down`.", flush=True)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
    note.unlink(missing_ok=True)


@contextmanager
def _step(what: str) -> Iterator[None]:
    """Say what is going on and how long it took."""
    started = time.monotonic()
    print(f"  ... {what}", end="", flush=True)
    yield
    print(f"  {time.monotonic() - started:.1f} s", flush=True)


if __name__ == "__main__":
    app()
