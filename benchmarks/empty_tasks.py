"""A flow that maps tasks which do nothing: what Prefect alone costs, for comparison."""

from __future__ import annotations

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.futures import wait

from flows.parameters import threads
from tillbridge.clients.retail_pro_settings import MOST_PARALLEL_CALLS


@task(cache_policy=NO_CACHE)
def nothing(number: int) -> int:
    """Give the number back."""
    return number


@flow(name="empty-tasks", task_runner=threads(MOST_PARALLEL_CALLS))
def empty_tasks(count: int) -> None:
    """Run so many empty tasks, as wide as `invoice-orders` runs its own."""
    wait(list(nothing.map(range(count))))
