"""Control totals, every night: orders handed over, the ledger, and Retail Pro's invoices."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from blocks.brand import load_brand
from blocks.loading import BlockName
from flows.parameters import profile, threads
from tasks.artifacts import show_control_totals
from tasks.ending import ended
from tasks.totals import compare_totals
from tasks.waiting_runs import cancel_waiting_runs
from tillbridge.counting import counted
from tillbridge.invoicing.control_totals import DAYS
from tillbridge.invoicing.sending import policy_of


@flow(name="check-control-totals", task_runner=threads(1), on_running=[cancel_waiting_runs])
def check_control_totals(
    profile: BlockName = profile(),
    days: Annotated[int, Field(ge=DAYS.least, le=DAYS.most)] = Field(
        default=2,
        description="Orders that changed in so many days are looked up in Retail Pro.",
    ),
) -> State[Any]:
    """Compare what was handed over, what the ledger says and what Retail Pro has; a difference fails.

    Retail Pro is asked only where the endpoint's capability is L1 or L2.
    """
    brand = load_brand(profile)
    rules, engine = brand.profile, brand.get_engine()
    endpoint = brand.load_retail_pro()
    with endpoint.get_client() as client:
        find = client.find_invoices if policy_of(endpoint).looks_up else None
        found = compare_totals(rules.product_store_id, engine, endpoint.base_url, days, find)
    show_control_totals(found)
    asked = (
        f"{found.compared} compared with Retail Pro"
        if find
        else f"Retail Pro was not asked (capability {endpoint.capability})"
    )
    if found.elsewhere:
        asked += f", {found.elsewhere} of another server not compared"
    orders = sum(total.orders for total in found.states)
    message = (
        f"{counted(orders, 'order')} in the ledger, {asked}, "
        f"{counted(len(found.differences), 'difference')}."
    )
    return ended(message, failed=bool(found.differences))
