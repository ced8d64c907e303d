"""Completed-orders feeds to files of Retail Pro's Order to Invoice requests."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from blocks.brand import load_brand
from blocks.loading import BlockName
from flows.parameters import profile
from tasks.artifacts import show_files
from tasks.ending import ended
from tasks.files import take_files
from tasks.waiting_runs import cancel_waiting_runs
from tillbridge.counting import counted
from tillbridge.handover.inbox import Inbox, stuck
from tillbridge.invoicing.feeds import FeedTransformer
from tillbridge.oms.facilities import store_codes
from tillbridge.profile import StoreCodes


@flow(name="transform-completed-orders", on_running=[cancel_waiting_runs])
def transform_completed_orders(
    profile: BlockName = profile(),
) -> State[Any]:
    """Turn every waiting feed into a file of Order to Invoice requests.

    An order that cannot be mapped goes to quarantine with everything that is wrong with it; the rest of
    its feed goes on.
    """
    brand = load_brand(profile)
    rules, engine = brand.profile, brand.get_engine()
    facilities = {
        facility: StoreCodes(invoicing_store=header, store=line)
        for facility, (header, line) in store_codes(engine).items()
    }
    with brand.get_sftp_client() as client:
        inbox = Inbox(engine, client, rules, rules.completed_orders_folder, str(flow_run.id))
        transformer = FeedTransformer(engine, client, rules, facilities | rules.stores)
        results = take_files(inbox, transformer.transform_feed)
    show_files("transformed-feeds", "Completed-orders feeds of this run", results)
    transformed = sum(result.counts.get("transformed", 0) for result in results)
    quarantined = sum(result.counts.get("quarantined", 0) for result in results)
    duplicates = sum(result.result == "duplicate" for result in results)
    message = (
        f"{counted(transformed, 'order')} transformed, {quarantined} quarantined, "
        f"from {counted(len(results), 'feed')}, "
        f"{duplicates} of them known before. {stuck(results)} {inbox.notices}"
    )
    return ended(message, failed=bool(stuck(results)))
