"""Tasks that take files: one task run per file, named after it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from sqlalchemy import Engine

from tasks.retrying import when_unavailable
from tillbridge.clients.exchange import Folder
from tillbridge.clients.sftp import RemoteFile
from tillbridge.counting import counted
from tillbridge.handover.inbox import FileResult, Inbox, Work
from tillbridge.handover.taken_file import TakenFile
from tillbridge.oms import export
from tillbridge.oms.feed import Feed


@task(
    task_run_name="publish-{file_name}",
    retries=2,
    retry_delay_seconds=[5, 20],
    retry_condition_fn=when_unavailable,
    cache_policy=NO_CACHE,
)
def publish_feed(file_name: str, feed: Feed, engine: Engine, folder: Folder) -> None:
    """Write one completed-orders feed to SFTP."""
    export.publish(engine, folder, feed, datetime.now(UTC))
    get_run_logger().info("%s: %s", file_name, counted(feed.order_count, "order"))


def take_files(inbox: Inbox, work: Callable[[TakenFile], Work]) -> list[FileResult]:
    """Do the work on every waiting file, one after the other by name, so that a newer one wins."""
    return [take_file(file.name, file, inbox, work) for file in inbox.waiting()]


@task(
    task_run_name="{file_name}",
    retries=2,
    retry_delay_seconds=[5, 20],
    retry_condition_fn=when_unavailable,
    cache_policy=NO_CACHE,
)
def take_file(
    file_name: str, file: RemoteFile, inbox: Inbox, work: Callable[[TakenFile], Work]
) -> FileResult:
    """Do the work on one file and put it away."""
    result = inbox.do(file, work)
    counts = ", ".join(f"{number} {what}" for what, number in result.counts.items())
    notes = "; ".join(result.notes[:5])
    get_run_logger().info("%s: %s. %s %s", file_name, result.result, counts, notes)
    return result
