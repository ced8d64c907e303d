"""Sales that tills made and that did not arrive: gaps in numbers, halves of exchanges, end-of-day files."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from pydantic import Field

from blocks.brand import load_brand
from blocks.loading import BlockName
from flows.parameters import profile
from tasks.artifacts import show_files, show_missing
from tasks.ending import ended
from tasks.tlogs import ingest_all
from tasks.waiting_runs import cancel_waiting_runs
from tillbridge.counting import counted
from tillbridge.ingestion.completeness import DAYS, look_for_missing, report_absent
from tillbridge.ingestion.ingesting import Ingestion
from tillbridge.ingestion.reading import Rules
from tillbridge.ingestion.summary import sum_up
from tillbridge.oms.facilities import facility_external_ids


@flow(name="find-missing-sales", on_running=[cancel_waiting_runs])
def find_missing_sales(
    profile: BlockName = profile(),
    days: Annotated[int, Field(ge=DAYS.least, le=DAYS.most)] = Field(
        default=14, description="How many days back to look."
    ),
) -> State[Any]:
    """Compare what arrived with what must have been sold, and have people told of each difference once.

    A sale that only an end-of-day file has is taken in from there.
    """
    brand = load_brand(profile)
    rules, engine = brand.profile, brand.get_engine()
    reading = Rules(rules.tills, rules.time_zone, facility_external_ids(engine))
    with brand.get_sftp_client() as client:
        ingestion = Ingestion(
            engine,
            client,
            rules,
            reading,
            str(flow_run.id),
            rules.tills.end_of_day_folder,
            is_end_of_day=True,
        )
        results = ingest_all(ingestion)
    absent = report_absent(engine, rules, results)
    found = look_for_missing(engine, rules, days)
    summary = sum_up(results)
    show_files("end-of-day-files", "End-of-day files of this run", summary.files)
    show_missing(found)
    message = (
        f"{counted(len(found.sales), 'sale')} and "
        f"{counted(len(found.halves), 'half of an exchange', 'halves of exchanges')} missing among "
        f"{counted(found.looked_at, 'transaction')} of {counted(days, 'day')}."
    )
    if summary.files:
        message += (
            f" End-of-day files: {counted(absent, 'transaction')} not in them; {summary.message}"
        )
    return ended(f"{message} {ingestion.notices}", failed=summary.needs_help)
