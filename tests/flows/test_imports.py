"""The flows of the OMS role that import what the tills' journey hands over."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from flows.apply_inventory_variance import apply_inventory_variance
from flows.import_orders import import_orders
from flows.import_returns import import_returns
from sandbox.catalog import BRANDS, SHOES
from tests.fixtures_prefect import Installation
from tests.imports import in_store, item, made_return, order, return_line, shipped
from tillbridge.clients.exchange import Folder
from tillbridge.contracts import json_text
from tillbridge.database import oms_tables
from tillbridge.database.engine import transaction
from tillbridge.errors import FileConflict

SHOP = BRANDS[0].facilities[0]
UPC = SHOES[0].identifications["UPCA"]
SOLD_AT = {
    "productStoreId": BRANDS[0].product_store_id,
    "originExternalFacilityId": SHOP.external_id,
}
HEADER = "externalFacilityId,idType,idValue,availableDelta,varianceReasonId"


@pytest.fixture
def store(installation: Installation) -> Installation:
    """An installation whose order store has the catalog and stock."""
    installation.seed(1)
    return installation


def drop(store: Installation, name: str, content: list[Any] | str) -> None:
    path = store.far_ends.files / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else json_text.write(content))


def stock(store: Installation) -> Decimal:
    table = oms_tables.product_facility
    with transaction(store.engine) as connection:
        quantity = connection.scalar(
            select(table.c.quantity_on_hand).where(
                table.c.facility_id == SHOP.facility_id,
                table.c.product_id == SHOES[0].product_id,
            )
        )
    assert isinstance(quantity, Decimal)
    return quantity


def statuses(store: Installation) -> dict[str, str]:
    header = oms_tables.order_header
    with transaction(store.engine) as connection:
        rows = connection.execute(
            select(header.c.external_id, header.c.status_id).where(
                header.c.external_id.is_not(None)
            )
        )
        return {row.external_id: row.status_id for row in rows}


def test_a_day_of_a_till_reaches_the_order_store(store: Installation) -> None:
    """Sales, a return and a count: orders in their states, and the stock that follows from them."""
    before = stock(store)
    line = item(upc=UPC)
    drop(
        store,
        "hotwax/order-import/a.json",
        [
            order("T1", in_store(line, shop=SHOP.external_id), **SOLD_AT),
            order("T2", shipped(line), **SOLD_AT),
            order("T3", in_store(line, shop="nowhere"), **SOLD_AT),
        ],
    )
    back = {
        "productStoreId": BRANDS[0].product_store_id,
        "destinationExternalFacilityId": SHOP.external_id,
    }
    drop(store, "hotwax/return-import/a.json", [made_return("R1", return_line(upc=UPC), **back)])
    drop(
        store,
        "hotwax/inventory-variance/a.csv",
        f"{HEADER}\n{SHOP.external_id},UPCA,{UPC},3,VAR_FOUND\n{SHOP.external_id},UPCA,1,3,VAR_FOUND\n",
    )

    runs = [store.run(flow) for flow in (import_orders, import_returns, apply_inventory_variance)]

    assert all(run.is_completed() for run in runs)
    orders, returns, rows = (run.message or "" for run in runs)
    assert orders.startswith("2 orders imported, 0 known before, 1 failed, from 1 file.")
    assert returns.startswith("1 return imported, 0 known before, 0 failed, from 1 file.")
    assert rows.startswith("1 row applied, 0 known before, 1 failed, from 1 file.")
    assert statuses(store) == {"T1": "ORDER_COMPLETED", "T2": "ORDER_APPROVED"}
    assert stock(store) == before - 1 + 1 + 3
    assert store.folder("hotwax/order-import/error") == ["a-Error.json"]
    assert store.folder("hotwax/inventory-variance/error") == ["a-Error.csv"]
    assert store.folder("hotwax/order-import/archive") == ["a.json"]


def test_a_mended_error_file_is_imported(store: Installation) -> None:
    """As it lies in `error/`, with the one member mended."""
    drop(store, "hotwax/order-import/a.json", [order("T1", in_store(shop="nowhere"), **SOLD_AT)])
    store.run(import_orders)
    failed = json.loads(
        (store.far_ends.files / "hotwax/order-import/error/a-Error.json").read_text()
    )
    failed[0]["json"]["shipGroups"] = [in_store(item(upc=UPC), shop=SHOP.external_id)]
    drop(store, "hotwax/order-import/a-Error.json", failed)
    state = store.run(import_orders)
    assert (state.message or "").startswith("1 order imported, 0 known before, 0 failed")
    assert statuses(store) == {"T1": "ORDER_COMPLETED"}


def test_nothing_to_do_is_a_completed_run(store: Installation) -> None:
    """No file, no artifact, and no failure."""
    for flow in (import_orders, import_returns, apply_inventory_variance):
        assert store.run(flow).is_completed()


def test_a_file_that_cannot_be_put_away_fails_the_run(
    store: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its orders are imported; the run says which file a person has to help."""
    drop(
        store,
        "hotwax/order-import/a.json",
        [order("T1", in_store(item(upc=UPC), shop=SHOP.external_id), **SOLD_AT)],
    )

    def refuse(folder: Folder, claimed: str) -> str:
        raise FileConflict(f"{claimed} cannot be put away; compare the two by hand")

    monkeypatch.setattr(Folder, "archive", refuse)
    state = store.run(import_orders)
    assert state.is_failed()
    assert "a.json is stuck" in (state.message or "")
    assert statuses(store) == {"T1": "ORDER_COMPLETED"}
