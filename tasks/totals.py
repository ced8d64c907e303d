"""The task that adds up the control totals; asking Retail Pro may have to be repeated."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy import Engine

from tasks.retrying import when_unavailable
from tillbridge.invoicing.clearing import Find
from tillbridge.invoicing.control_totals import ControlTotals, check_totals


@task(
    task_run_name="compare-totals-{product_store_id}",
    retries=2,
    retry_delay_seconds=[10, 60],
    retry_condition_fn=when_unavailable,
    cache_policy=NO_CACHE,
)
def compare_totals(
    product_store_id: str, engine: Engine, server: str, days: int, find: Find | None
) -> ControlTotals:
    """Compare the totals of a product store."""
    return check_totals(engine, product_store_id, server, days, find)
