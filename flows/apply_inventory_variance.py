"""OMS role: changes of stock that tills and other systems report, from SFTP into the order store."""

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
from tillbridge.oms.variance_import import VarianceImport


@flow(name="apply-inventory-variance", on_running=[cancel_waiting_runs])
def apply_inventory_variance(
    profile: BlockName = profile(),
) -> State[Any]:
    """Apply every waiting file of inventory variances, each row once and by itself.

    Stock may reach zero and never less. Rows that fail go into an error file that can be mended and
    dropped again.
    """
    brand = load_brand(profile)
    rules, engine = brand.profile, brand.get_engine()
    folder = rules.tills.inventory_variance_folder
    with brand.get_sftp_client() as client:
        inbox = Inbox(
            engine, client, rules, folder, str(flow_run.id), suffix=".csv", journey="tills"
        )
        variances = VarianceImport(engine, client, rules, folder)
        results = take_files(inbox, variances.apply_file)
    show_files("applied-variances", "Files of inventory variances of this run", results)
    message = (
        f"{counted(total(results, 'applied'), 'row')} applied, {total(results, 'known')} known before, "
        f"{total(results, 'failed')} failed, from {counted(len(results), 'file')}. "
        f"{stuck(results)} {inbox.notices}"
    )
    return ended(message, failed=bool(stuck(results)))
