"""The flows on PostgreSQL with no more than a worker's rights, set up by an owner whom nothing stores."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks import OrderDatabase
from commands.config import read_config
from commands.setup import set_up
from flows.check_control_totals import check_control_totals
from flows.export_completed_orders import export_completed_orders
from flows.import_orders import import_orders
from flows.ingest_tlogs import ingest_tlogs
from flows.invoice_orders import invoice_orders
from flows.report_invoice_failures import report_invoice_failures
from flows.transform_completed_orders import transform_completed_orders
from sandbox import orders, postgresql
from sandbox.baskets import day_of
from sandbox.catalog import BRANDS
from sandbox.kinds import GOOD
from tests.fixtures_database import ROLES, as_role, give_rights
from tests.fixtures_prefect import Installation
from tests.ingestion.baskets import OPENS_AT
from tests.ingestion.places import drop
from tillbridge.contracts import json_text
from tillbridge.database.engine import connect
from tillbridge.invoicing.ledger.orders import counts

JOURNEYS = (
    ingest_tlogs,
    import_orders,
    export_completed_orders,
    transform_completed_orders,
    invoice_orders,
    report_invoice_failures,
    check_control_totals,
)


@pytest.fixture
def url(postgresql_server: str) -> Iterator[str]:
    """A database with roles and without a table; the URL is its administrator's."""
    with postgresql.fresh_database(postgresql_server) as url:
        give_rights(url)
        yield url


@pytest.mark.usefixtures("closing")
def test_the_journeys_need_no_more(installation: Installation, url: str) -> None:
    """Set-up makes the tables as the owner, whose URL no block has; then the flows do their part."""
    text = installation.config.read_text(encoding="utf-8")
    here = f'url = "{installation.far_ends.database_url}"'
    assert here in text
    there = (
        f'url = "{as_role(url, ROLES.worker)}"\n'
        f'[database_owner]\nurl = "{as_role(url, ROLES.owner)}"'
    )
    installation.config.write_text(text.replace(here, there), encoding="utf-8")

    assert set_up(read_config(installation.config), lambda text: None, overwrite=True)

    stored = OrderDatabase.load("tillbridge", _sync=True).url.get_secret_value()
    assert stored == as_role(url, ROLES.worker)
    give_rights(url)
    owner = connect(as_role(url, ROLES.owner))
    seeded = orders.seed(owner, 20, 1, 1, BRANDS[:1])
    installation.far_ends.retail_pro.put_stock(seeded.retail_pro_stock)
    baskets = day_of(BRANDS[0], BRANDS[0].facilities[0], 7, OPENS_AT, 6)
    drop(installation.far_ends.files, *(json_text.write(one.document) for one in baskets))
    installation.far_ends.retail_pro.program("reject", order_no=seeded.numbers(GOOD)[0])

    ended = {flow.name: installation.run(flow) for flow in JOURNEYS}

    told = {name: state.message for name, state in ended.items() if not state.is_completed()}
    assert told == {}
    assert counts(owner, BRANDS[0].product_store_id) == {
        "CONFIRMED": len(seeded.numbers(GOOD)) - 1,
        "REJECTED": 1,
    }
    owner.dispose()
