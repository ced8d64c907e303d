"""A variance that PredictSpring makes itself is passed on where the profile says so, row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from tests.ingestion.baskets import STORES, till_profile
from tillbridge.clients.sftp import SftpClient
from tillbridge.database.engine import transaction
from tillbridge.database.ledger_tables import invoice_failure
from tillbridge.handover.inbox import FileResult, Inbox
from tillbridge.ingestion.variance_files import VarianceFiles

HEADER = "ExternalFacilityId,IdType,IdValue,AvailableDelta,LocationSeqId,VarianceReasonId\n"
GOOD = "SV-A32,UPCA,8720116010000,-1,,POS_SALE\n"
SENT = {"oms_is_order_master": False, "variance_source": "predictspring"}


@pytest.fixture
def pass_on(
    engine: Engine, sftp: SftpClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Drop a file and do what a run does with it."""
    monkeypatch.setattr("tillbridge.clients.exchange.sleep", lambda seconds: None)

    def pass_on(text: str, **settings: Any) -> list[FileResult]:
        profile = till_profile(**settings)
        folder = profile.tills.predictspring_variance_folder
        place = tmp_path / "exchange" / folder
        place.mkdir(parents=True, exist_ok=True)
        (place / "InventoryVariance.csv").write_text(text)
        inbox = Inbox(engine, sftp, profile, folder, "run", suffix=".csv", journey="tills")
        files = VarianceFiles(sftp, profile, STORES)
        return [inbox.do(file, files.pass_on) for file in inbox.waiting()]

    return pass_on


def passed_on(tmp_path: Path) -> list[str]:
    """Give the rows that were handed to the order store."""
    found = (tmp_path / "exchange/hotwax/inventory-variance").glob("*.csv")
    return [row for path in found for row in path.read_text().splitlines()[1:]]


def test_good_rows_go_on_and_bad_ones_stay(pass_on: Any, tmp_path: Path, engine: Engine) -> None:
    """Each bad row is kept with its error and told of; sending the file again changes nothing."""
    bad = "SV-XXX,UPCA,1,-1,,POS_SALE\nSV-A32,UPCA,1,0,,POS_SALE\nSV-A32,UPCA,1,x,,POS_SALE\n"
    for _ in range(2):
        [result] = pass_on(HEADER + GOOD + bad, **SENT)
        assert dict(result.counts) == {"passed on": 1, "quarantined": 3}
        assert passed_on(tmp_path) == [
            ",SV-A32,UPCA,8720116010000,-1,TLTLTLLL01,POS_SALE,",
        ]
    [kept] = (tmp_path / "exchange/predictspring/inventory-variance/quarantine").glob("*.csv")
    assert "expected a change other than 0" in kept.read_text()
    with transaction(engine) as connection:
        told = connection.execute(select(invoice_failure.c.order_no)).scalars().all()
    assert sorted(set(told)) == [f"InventoryVariance.csv, row {number}" for number in (3, 4, 5)]


@pytest.mark.parametrize(
    "settings", [{}, {"oms_is_order_master": False}, {"variance_source": "predictspring"}]
)
def test_where_stock_would_move_twice_the_file_is_quarantined(
    pass_on: Any, tmp_path: Path, settings: dict[str, Any]
) -> None:
    """The report names the settings that decide it."""
    [result] = pass_on(HEADER + GOOD, **settings)
    assert result.result == "quarantined"
    assert "tills.variance_source" in result.notes[0]
    assert passed_on(tmp_path) == []


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", HEADER + '"'])
def test_a_file_that_is_no_variance_is_quarantined(pass_on: Any, tmp_path: Path, text: str) -> None:
    """Nothing of it is used."""
    [result] = pass_on(text, **SENT)
    assert result.result == "quarantined"
    assert passed_on(tmp_path) == []
