"""Tasks of the TLog journey: one task run per batch of files."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from tasks.retrying import when_unavailable
from tillbridge.clients.sftp import RemoteFile
from tillbridge.counting import counted
from tillbridge.ingestion.ingesting import Ingestion
from tillbridge.ingestion.summary import BatchResult


def ingest_all(ingestion: Ingestion) -> list[BatchResult]:
    """Take every waiting TLog in, batch after batch."""
    return [
        ingest_batch(number, batch, ingestion)
        for number, batch in enumerate(ingestion.batches(), 1)
    ]


@task(
    task_run_name="batch-{number}",
    retries=2,
    retry_delay_seconds=[5, 20],
    retry_condition_fn=when_unavailable,
    cache_policy=NO_CACHE,
)
def ingest_batch(number: int, batch: Sequence[RemoteFile], ingestion: Ingestion) -> BatchResult:
    """Take one batch of TLogs in and hand on what is new in them."""
    result = ingestion.ingest(batch)
    get_run_logger().info(
        "Batch %s: %s; handed over %s.",
        number,
        counted(len(result.files), "file"),
        ", ".join(result.published) or "nothing",
    )
    return result
