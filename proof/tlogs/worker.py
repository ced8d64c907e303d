"""A process that takes TLogs in as the flow `ingest-tlogs` does, without Prefect, and may be killed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from multiprocessing.synchronize import Event

from tillbridge.clients import exchange
from tillbridge.clients.sftp import SftpClient, SftpSettings
from tillbridge.database.engine import connect
from tillbridge.ingestion.ingesting import Ingestion
from tillbridge.ingestion.reading import Rules
from tillbridge.ingestion.summary import RunSummary, sum_up
from tillbridge.profile import Profile


@dataclass(frozen=True)
class Job:
    """What one process works on; `worker` is unique to it."""

    database_url: str
    sftp: SftpSettings
    profile: Profile
    facilities: Collection[str]
    worker: str


def run(job: Job, has_begun: Event | None = None) -> RunSummary:
    """Take in all that waits; `has_begun` is set when the work begins."""
    # Nobody writes in place here, so no file has to be watched for two seconds.
    exchange.sleep = lambda seconds: None  # type: ignore[attr-defined]
    rules = Rules(job.profile.tills, job.profile.time_zone, job.facilities)
    engine = connect(job.database_url)
    try:
        with SftpClient(job.sftp) as client:
            ingestion = Ingestion(engine, client, job.profile, rules, job.worker)
            if has_begun:
                has_begun.set()
            ingestion.publish()
            return sum_up([ingestion.ingest(batch) for batch in ingestion.batches()])
    finally:
        engine.dispose()
