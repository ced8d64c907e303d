"""The task that invoices one order. Whether it may be sent is for the ledger to say, not for Prefect."""

from __future__ import annotations

from collections.abc import Callable

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from tasks.retrying import when_not_sent
from tillbridge.invoicing.ledger.events import OrderKey
from tillbridge.invoicing.sending import Outcome, Result


@task(
    task_run_name="invoice-{order_no}",
    retries=3,
    retry_delay_seconds=[2, 5, 15],
    retry_jitter_factor=0.3,
    retry_condition_fn=when_not_sent,
    cache_policy=NO_CACHE,
)
def invoice_order(order_no: str, key: OrderKey, send: Callable[[OrderKey], Outcome]) -> Outcome:
    """Send one order to Retail Pro, if the ledger allows it."""
    outcome = send(key)
    if outcome.result in {Result.REJECTED, Result.PARKED}:
        get_run_logger().warning("order %s: %s. %s", order_no, outcome.result, outcome.reason)
    return outcome
