"""Hands files over again that were archived or quarantined; the ledger keeps anything from being twice."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import AwareDatetime, Field

from blocks import OrderDatabase, ProductStoreProfile, SftpServer
from blocks.loading import load
from flows.parameters import block_name, by, dry_run, reason, threads
from tasks.artifacts import show_replayed
from tillbridge.handover.replaying import Selection, hand_over_again
from tillbridge.invoicing.replaying import choose


@flow(name="replay-orders", task_runner=threads(1))
def replay_orders(
    reason: str = reason(),
    by: str = by(),
    orders: list[str] = Field(
        default=[],
        description="Order numbers or HotWax order ids: the files that brought them last.",
    ),
    files: list[str] = Field(default=[], description="Names of files in archive or quarantine."),
    from_time: AwareDatetime | None = Field(
        default=None, description="Files that came in at or after this time."
    ),
    thru_time: AwareDatetime | None = Field(
        default=None, description="Files that came in before this time."
    ),
    dry_run: bool = dry_run("Only show which files would be handed over again."),
    profile: str = block_name("Product Store Profile"),
    database: str = block_name("Order Database"),
    sftp_server: str = block_name("SFTP Server"),
) -> State[Any]:
    """Put archived or quarantined files back where they came in; the next runs take them.

    Orders that are invoiced or in doubt stay as they are; refused and quarantined ones are tried again.
    """
    rules = load(ProductStoreProfile, profile)
    engine = load(OrderDatabase, database).get_engine()
    selection = Selection(orders, files, from_time, thru_time)
    if selection.is_empty:
        return Failed(message="Choose orders, files or a time; nothing was chosen.")
    with load(SftpServer, sftp_server).get_client() as sftp:
        chosen = choose(engine, sftp, rules, selection)
        if not dry_run:
            hand_over_again(engine, sftp, chosen, by, reason)
    show_replayed(chosen)
    what = "would be handed over again (dry run)" if dry_run else "handed over again"
    return (Completed if chosen else Failed)(message=f"{len(chosen)} files {what}.")
