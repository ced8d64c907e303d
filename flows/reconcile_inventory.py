"""OMS role: stock per facility and UPC, order store against Retail Pro."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from blocks.brand import load_brand
from blocks.loading import BlockName
from flows.parameters import profile
from tasks.artifacts import show_reconciliation
from tasks.ending import ended
from tasks.stock import read_retail_pro_stock
from tasks.waiting_runs import cancel_waiting_runs
from tillbridge.counting import counted
from tillbridge.inventory.reconciliation import reconcile
from tillbridge.inventory.stock import open_movements, order_store_stock
from tillbridge.oms.channels import channel_id
from tillbridge.oms.facilities import store_codes


@flow(name="reconcile-inventory", on_running=[cancel_waiting_runs])
def reconcile_inventory(
    profile: BlockName = profile(),
) -> State[Any]:
    """Compare the two stocks, and say what explains each difference.

    Items that wait for their invoice or for a transfer slip explain a difference, orders in doubt may;
    what is left is unexplained, and zero after a clean run.
    """
    brand = load_brand(profile)
    rules, engine = brand.profile, brand.get_engine()
    stores = store_codes(engine) | {
        facility: (codes.invoicing_store, codes.store) for facility, codes in rules.stores.items()
    }
    till_channels = {channel_id(name) for name in rules.excluded_channels}
    # Retail Pro first: what is invoiced in between is then explained, not missing.
    there = read_retail_pro_stock(brand.load_retail_pro())
    result = reconcile(
        order_store_stock(engine, stores),
        there,
        open_movements(engine, stores, till_channels),
        rules.stock_deducted_at,
    )
    show_reconciliation(result)
    totals = result.totals
    return ended(
        f"{totals.compared} compared, {totals.equal} equal, "
        f"{totals.unexplained_rows} with an unexplained difference, "
        f"{counted(totals.unexplained, 'unit')} in all"
    )
