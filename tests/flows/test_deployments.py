"""The deployments on a real worker, as an operator runs them."""

from __future__ import annotations

import time

from sandbox.books import draw_up
from sandbox.demo import INVOICING
from sandbox.platform import Platform
from tests.fixtures_prefect import Installation
from tillbridge.invoicing.ledger import orders

STORE = "SV_STORE"


def test_the_crons_really_start_runs(planned_runs: int) -> None:
    """A deployed server plans runs by itself."""
    assert planned_runs > 0


def test_the_pipeline_runs_through_its_deployments(
    deployed: Platform, installation: Installation
) -> None:
    """Each deployment completes on a worker, and what it leaves behind is in the UI."""
    installation.seed(50)

    steps = (*INVOICING, "reconcile-inventory")
    runs = {name: deployed.run_deployment(name) for name in steps}

    assert {name: run.state for name, run in runs.items()} == dict.fromkeys(steps, "COMPLETED")
    assert draw_up(installation.far_ends).problems == ()
    names = {
        run["name"]
        for run in deployed.api("POST", "/task_runs/filter", {"limit": 200, "sort": "NAME_DESC"})
    }
    number = installation.far_ends.retail_pro.invoices()[0].order_no
    assert f"invoice-{number}" in names
    artifacts = deployed.api("POST", "/artifacts/latest/filter", {"limit": 100})
    assert {"invoicing-summary", "invoice-failures", "stock-totals", "transformed-feeds"} <= {
        artifact["key"] for artifact in artifacts
    }


def test_a_killed_worker_loses_nothing_and_doubles_nothing(
    deployed: Platform, installation: Installation
) -> None:
    """Killed in the middle of the calls; the next run finishes, and only what was in the air is parked."""
    installation.seed(100)
    deployed.run_deployment("export-completed-orders")
    deployed.run_deployment("transform-completed-orders")
    installation.far_ends.retail_pro.retail_pro.latency_ms = 500
    run_id = deployed.start_deployment("invoice-orders")
    _wait_for_invoices(installation, 10)

    deployed.kill_workers()
    installation.far_ends.retail_pro.retail_pro.latency_ms = 0
    deployed.api(
        "POST", f"/flow_runs/{run_id}/set_state", {"state": {"type": "CRASHED"}, "force": True}
    )
    deployed.start_worker()
    run = deployed.run_deployment("invoice-orders")

    assert run.state == "COMPLETED", run.message
    counts = orders.counts(installation.engine, STORE)
    assert counts["CONFIRMED"] + counts["PARKED"] == 80
    assert counts["PARKED"] <= 8
    made = [invoice.order_no for invoice in installation.far_ends.retail_pro.invoices()]
    assert len(made) == len(set(made))


def _wait_for_invoices(installation: Installation, number: int) -> None:
    give_up_at = time.monotonic() + 120
    while len(installation.far_ends.retail_pro.invoices()) < number:
        assert time.monotonic() < give_up_at, "the run did not get going"
        time.sleep(0.1)
