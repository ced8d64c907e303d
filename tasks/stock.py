"""Reads Retail Pro's stock. What it says is compared in `tillbridge.inventory.reconciliation`."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from blocks import RetailPro
from tasks.retrying import when_unavailable
from tillbridge.inventory.reconciliation import StoreStock


@task(
    retries=3,
    retry_delay_seconds=[5, 20, 60],
    retry_condition_fn=when_unavailable,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def read_retail_pro_stock(endpoint: RetailPro) -> list[StoreStock]:
    """Read the stock of every store, in Retail Pro's own store codes."""
    with endpoint.get_client() as client:
        return [(row.store, row.upc, row.quantity) for row in client.read_stock()]
