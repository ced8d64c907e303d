"""OMS role: orders of tills and other systems from SFTP into the order store."""

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
from tillbridge.handover.inbox import Inbox, stuck, total
from tillbridge.oms.data_manager import DataManager
from tillbridge.oms.imported_orders import OrderKind, approve_waiting


@flow(name="import-orders", on_running=[cancel_waiting_runs])
def import_orders(
    profile: BlockName = profile(),
) -> State[Any]:
    """Import every waiting file of orders, each order once and by itself.

    What was carried out of a store is completed and its stock taken; the rest is approved for brokering
    where HotWax's rule approves it. Orders that fail go into an error file that can be mended and dropped
    again.
    """
    brand = load_brand(profile)
    rules, engine = brand.profile, brand.get_engine()
    folder = rules.tills.order_import_folder
    with brand.get_sftp_client() as client:
        inbox = Inbox(engine, client, rules, folder, str(flow_run.id), journey="tills")
        manager = DataManager(engine, client, rules, folder, OrderKind())
        results = take_files(inbox, manager.import_file)
    approved = approve_waiting(engine, rules.product_store_id)
    show_files("imported-orders", "Files of orders of this run", results)
    message = (
        f"{counted(total(results, 'imported'), 'order')} imported, {total(results, 'known')} known before, "
        f"{total(results, 'failed')} failed, from {counted(len(results), 'file')}. "
        f"{counted(approved, 'waiting order')} approved. {stuck(results)} {inbox.notices}"
    )
    return ended(message, failed=bool(stuck(results)))
