"""The TLog journey through its deployments: a till posts, and the order store holds what it sold."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from sandbox import till_books
from sandbox.baskets import Basket, day_of
from sandbox.catalog import BRANDS
from sandbox.demo import TILLS
from sandbox.platform import Platform, stop
from sandbox.services import TILL_TOKEN
from sandbox.till import Mischief, post_all
from tests.fixtures_prefect import Installation
from tillbridge.database.engine import connect

OPENS_AT = datetime.now(UTC) - timedelta(days=1)
HEADERS = {"authorization": f"Bearer {TILL_TOKEN}"}


@pytest.fixture
def url(deployed: Platform, installation: Installation) -> Iterator[str]:
    """A receiver that tells Prefect of TLogs."""
    far_ends = installation.far_ends
    url = f"http://127.0.0.1:{far_ends.receiver_port}"
    process = deployed.start_receiver(installation.config, url, tells_prefect=True)
    yield f"{url}/tlog"
    stop(process)


def test_a_day_of_a_store_is_in_the_order_store(
    deployed: Platform, installation: Installation, url: str
) -> None:
    """What was posted starts a run by itself; sales, returns, stock and mails come out right."""
    installation.seed(20)
    store = BRANDS[0].facilities[0]
    baskets = list(day_of(BRANDS[0], store, 7, OPENS_AT, 24))
    lost = next(one for one in baskets[1:] if one.kind == "several_tenders")
    posted: list[Basket] = [one for one in baskets if one is not lost]
    report = post_all(url, HEADERS, posted, Mischief(repeated=2, reordered=2))
    assert set(report.statuses) == {200, 201}
    _wait_for_a_run(deployed, "ingest-tlogs")

    runs = {name: deployed.run_deployment(name) for name in TILLS[:-1]}

    assert {run.state for run in runs.values()} == {"COMPLETED"}, runs
    books = till_books.draw_up(connect(installation.far_ends.database_url), report.posted, ())
    assert books.problems == ()
    assert (books.missing_reported, books.mailed) == (1, 1)
    assert lost.order_id in str(installation.far_ends.inbox.messages()[-1])


def _wait_for_a_run(platform: Platform, flow: str) -> None:
    deployment = platform.api("GET", f"/deployments/name/{flow}/{flow}")["id"]
    wanted = {
        "deployments": {"id": {"any_": [deployment]}},
        "flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}},
    }
    give_up_at = time.monotonic() + 60
    while not platform.api("POST", "/flow_runs/filter", wanted):
        assert time.monotonic() < give_up_at, "no run was started"
        time.sleep(0.5)
