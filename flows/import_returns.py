"""OMS role: what tills took back, from SFTP into the order store."""

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
from tillbridge.oms.returns import ReturnKind, find_sales


@flow(name="import-returns", on_running=[cancel_waiting_runs])
def import_returns(
    profile: BlockName = profile(),
) -> State[Any]:
    """Import every waiting file of returns, each return once and by itself.

    What came back goes into the stock of the store that took it, never more than was sold. A return that
    comes before its sale is joined to it by a later run.
    """
    brand = load_brand(profile)
    rules, engine = brand.profile, brand.get_engine()
    folder = rules.tills.return_import_folder
    with brand.get_sftp_client() as client:
        inbox = Inbox(engine, client, rules, folder, str(flow_run.id), journey="tills")
        manager = DataManager(engine, client, rules, folder, ReturnKind())
        results = take_files(inbox, manager.import_file)
    joined = find_sales(engine, rules.product_store_id)
    show_files("imported-returns", "Files of returns of this run", results)
    message = (
        f"{counted(total(results, 'imported'), 'return')} imported, {total(results, 'known')} known before, "
        f"{total(results, 'failed')} failed, from {counted(len(results), 'file')}. "
        f"{joined} earlier ones joined to their sale. {stuck(results)} {inbox.notices}"
    )
    return ended(message, failed=bool(stuck(results)))
