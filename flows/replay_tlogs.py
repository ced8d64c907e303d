"""Has TLogs read again that were archived or quarantined; what is known stays as it is."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from blocks.brand import load_brand
from blocks.loading import BlockName
from flows.parameters import Given, Name, Reason, Time, by, dry_run, profile, reason, threads
from tasks.artifacts import show_replayed
from tasks.ending import ended
from tillbridge.counting import counted
from tillbridge.handover.replaying import Selection, hand_over_again
from tillbridge.ingestion.replaying import choose


@flow(name="replay-tlogs", task_runner=threads(1))
def replay_tlogs(
    reason: Reason = reason(),
    by: Name = by(),
    orders: list[Given] = Field(
        default=[],
        description="Order ids of the till: the files that brought them.",
    ),
    files: list[Given] = Field(default=[], description="Names of files in archive or quarantine."),
    from_time: Time | None = Field(
        default=None, description="Files that came in at or after this time."
    ),
    thru_time: Time | None = Field(
        default=None, description="Files that came in before this time."
    ),
    dry_run: bool = dry_run("Only show which files would be handed over again."),
    profile: BlockName = profile(),
) -> State[Any]:
    """Put archived or quarantined TLogs back where they came in; the next run of ingest-tlogs takes them.

    What was handed to the order store before is not handed over again; refused sales are read again.
    """
    brand = load_brand(profile)
    rules, engine = brand.profile, brand.get_engine()
    selection = Selection(orders, files, from_time, thru_time)
    with brand.get_sftp_client() as sftp:
        chosen = choose(engine, sftp, rules, selection)
        if not dry_run:
            hand_over_again(engine, sftp, chosen, by, reason)
    show_replayed(chosen)
    what = "would be handed over again (dry run)" if dry_run else "handed over again"
    return ended(f"{counted(len(chosen), 'file')} {what}.", failed=not chosen)
