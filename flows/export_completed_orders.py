"""OMS role: newly completed orders of the order store, each once, as feeds on SFTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from prefect import flow, unmapped
from prefect.client.schemas.objects import State
from pydantic import Field

from blocks.brand import load_brand
from blocks.loading import BlockName
from flows.parameters import Time, profile, threads
from tasks.ending import ended
from tasks.files import publish_feed
from tasks.waiting_runs import cancel_waiting_runs
from tillbridge.clients.exchange import Folder
from tillbridge.counting import counted
from tillbridge.oms import feed as feeds
from tillbridge.oms.feed import ORDERS_PER_FEED, FeedSelection


@flow(name="export-completed-orders", task_runner=threads(4), on_running=[cancel_waiting_runs])
def export_completed_orders(
    profile: BlockName = profile(),
    sales_channels: list[str] = Field(
        default=[], description="Only these sales channels (HotWax enumId or enumCode); empty: all."
    ),
    excluded_sales_channels: list[str] = Field(
        default=["POS_SALES_CHANNEL"],
        description="Not these sales channels; the till has invoiced its own sales.",
    ),
    facility_ids: list[str] = Field(
        default=[], description="Only orders with an item from these facilities; empty: all."
    ),
    completed_from: Time | None = Field(
        default=None, description="Only orders completed at or after this time; empty: all."
    ),
    completed_thru: Time | None = Field(
        default=None, description="Only orders completed before this time; empty: all."
    ),
    orders_per_feed: Annotated[
        int, Field(ge=ORDERS_PER_FEED.least, le=ORDERS_PER_FEED.most)
    ] = Field(default=2500, description="Orders in one feed file at most."),
) -> State[Any]:
    """Export newly completed orders of the product store.

    Every completed order enters one feed, ever; where nothing is new, no file is written. Feeds whose
    file could not be written by an earlier run are written first.
    """
    brand = load_brand(profile)
    rules, engine = brand.profile, brand.get_engine()
    selection = FeedSelection(
        product_store_ids=[rules.product_store_id],
        sales_channels=sales_channels,
        excluded_sales_channels=excluded_sales_channels,
        facility_ids=facility_ids,
        completed_from=completed_from,
        completed_thru=completed_thru,
    )
    feeds.produce(
        engine, selection, orders_per_feed, datetime.now(UTC), rules.completed_orders_folder
    )
    waiting = feeds.unsent(engine, rules.completed_orders_folder)
    with brand.get_sftp_client() as client:
        folder = Folder(
            client,
            rules.completed_orders_folder,
            with_manifests=rules.completed_orders_manifest,
        )
        publish_feed.map(
            [feed.file_name for feed in waiting], waiting, unmapped(engine), unmapped(folder)
        ).result()
    orders = sum(feed.order_count for feed in waiting)
    return ended(f"{counted(orders, 'order')} in {counted(len(waiting), 'feed')}")
