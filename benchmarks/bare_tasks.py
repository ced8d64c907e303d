"""A flow that posts orders in mapped tasks and keeps no ledger: what safety is measured against."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from prefect import flow, task, unmapped
from prefect.cache_policies import NO_CACHE
from prefect.futures import wait

from benchmarks.made import invoice_bodies
from blocks import RetailPro
from blocks.loading import load
from flows.parameters import threads
from tillbridge.clients.retail_pro_settings import MOST_PARALLEL_CALLS
from tillbridge.contracts.http_exchange import Exchange, Posting


@task(task_run_name="post-{number}", cache_policy=NO_CACHE)
def post(number: int, body: bytes, send: Callable[[Callable[[], Posting]], Exchange]) -> None:
    """Post one order, with the same client as `invoice-orders`."""
    exchange = send(lambda: Posting(body))
    assert exchange.status == 200, exchange.problem


@flow(name="bare-tasks", task_runner=threads(MOST_PARALLEL_CALLS))
def bare_tasks(count: int, seed: int, folder: str) -> None:
    """Post so many orders, as wide as `invoice-orders` does."""
    bodies = invoice_bodies(Path(folder), count, seed)
    with load(RetailPro, "tillbridge").get_client() as client:
        wait(list(post.map(range(count), bodies, unmapped(client.post_invoice))))
