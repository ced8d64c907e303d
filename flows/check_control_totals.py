"""Control totals, every night: orders handed over, the ledger, and Retail Pro's invoices."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from blocks import OrderDatabase, ProductStoreProfile, RetailPro
from blocks.loading import load
from flows.parameters import block_name, threads
from tasks.artifacts import show_control_totals
from tasks.totals import compare_totals
from tillbridge.invoicing.sending import policy_of


@flow(name="check-control-totals", task_runner=threads(1))
def check_control_totals(
    profile: str = block_name("Product Store Profile"),
    database: str = block_name("Order Database"),
    retail_pro: str = block_name("Retail Pro"),
    days: int = Field(
        default=2,
        ge=1,
        le=60,
        title="Days",
        description="Orders that changed in so many days are looked up in Retail Pro.",
    ),
) -> State[Any]:
    """Compare what was handed over, what the ledger says and what Retail Pro has; a difference fails.

    Retail Pro is asked only where the endpoint's capability is L1 or L2.
    """
    rules = load(ProductStoreProfile, profile)
    engine = load(OrderDatabase, database).get_engine()
    endpoint = load(RetailPro, retail_pro)
    with endpoint.get_client() as client:
        find = client.find_invoices if policy_of(endpoint).looks_up else None
        found = compare_totals(rules.product_store_id, engine, timedelta(days=days), find)
    show_control_totals(found)
    asked = (
        f"{found.compared} compared with Retail Pro"
        if find
        else f"Retail Pro was not asked (capability {endpoint.capability})"
    )
    orders = sum(total.orders for total in found.states)
    message = f"{orders} orders in the ledger, {asked}, {len(found.differences)} differences."
    return (Failed if found.differences else Completed)(message=message)
