"""TLogs of the tills to orders, returns and inventory variances for the order store."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from blocks.brand import load_brand
from blocks.loading import BlockName
from flows.parameters import profile
from tasks.artifacts import show_files, show_till_totals
from tasks.ending import ended
from tasks.files import take_files
from tasks.tlogs import ingest_all
from tasks.waiting_runs import cancel_waiting_runs
from tillbridge.handover.inbox import Inbox, stuck
from tillbridge.ingestion.ingesting import Ingestion
from tillbridge.ingestion.reading import Rules
from tillbridge.ingestion.summary import sum_up
from tillbridge.ingestion.variance_files import VarianceFiles
from tillbridge.oms.facilities import facility_external_ids


@flow(name="ingest-tlogs", on_running=[cancel_waiting_runs])
def ingest_tlogs(
    profile: BlockName = profile(),
) -> State[Any]:
    """Take every complete TLog, once, and hand on what is new in it.

    Where the OMS is order master, sales become orders and what was brought back becomes returns. Where it
    is not, what was carried out of a store only changes its stock. A sale that cannot be read goes to
    quarantine with everything that is wrong with it; the rest goes on.
    """
    brand = load_brand(profile)
    rules, engine = brand.profile, brand.get_engine()
    reading = Rules(rules.tills, rules.time_zone, facility_external_ids(engine))
    with brand.get_sftp_client() as client:
        ingestion = Ingestion(engine, client, rules, reading, str(flow_run.id))
        ingestion.publish()
        variances = VarianceFiles(client, rules, reading.facilities)
        inbox = Inbox(
            engine,
            client,
            rules,
            rules.tills.predictspring_variance_folder,
            str(flow_run.id),
            suffix=".csv",
            journey="tills",
        )
        passed_on = take_files(inbox, variances.pass_on)
        results = ingest_all(ingestion)
    summary = sum_up(results)
    show_files("ingested-tlogs", "TLogs of this run, those with problems first", summary.files)
    show_files("variance-files", "PredictSpring's inventory variances of this run", passed_on)
    show_till_totals(summary.totals)
    is_in_need = summary.needs_help or stuck(passed_on)
    remarks = (summary.message, stuck(passed_on), ingestion.notices, inbox.notices)
    return ended(" ".join(filter(None, remarks)), failed=bool(is_in_need))
