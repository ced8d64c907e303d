"""Inventory variances applied to the stock: each row once, and never below zero."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import insert

from tests.fixtures_database import as_owner
from tests.imports import Imports, survive_kills
from tillbridge.database import import_tables, oms_tables
from tillbridge.database.engine import transaction
from tillbridge.database.ledger_tables import invoice_failure
from tillbridge.oms import data_manager_books as books
from tillbridge.oms import variances

TABLE = import_tables.inventory_variance
HEADER = (
    "facilityId,externalFacilityId,idType,idValue,availableDelta,locationSeqId,"
    "varianceReasonId,comments"
)


def row(
    delta: str = "-1",
    upc: str = "8720110000",
    reason: str = "POS_SALE",
    comment: str = "",
    shop: str = "A32-ext",
) -> str:
    return f",{shop},UPCA,{upc},{delta},TLTLTLLL01,{reason},{comment}"


def csv(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows, ""]).encode()


def test_a_row_changes_the_stock(imports: Imports) -> None:
    """Down and up, and where there was none before; what was done is kept."""
    result = imports.take(
        "variances",
        csv(row("-2.0"), row("4", reason="VAR_FOUND"), row("3", "8720110001", shop="WH-ext")),
    )
    assert dict(result.counts) == {"applied": 3, "known": 0, "failed": 0}
    assert imports.stock() == 5 - 2 + 4
    assert imports.stock("10001", "SV_WH") == 3
    kept = imports.rows(TABLE)
    assert [(one["row_number"], one["applied_delta"]) for one in kept] == [(2, -2), (3, 4), (4, 3)]
    assert (kept[0]["facility_id"], kept[0]["product_id"], kept[0]["variance_reason_id"]) == (
        "SV_A32",
        "10000",
        "POS_SALE",
    )
    (log,) = imports.rows(import_tables.data_manager_log)
    assert (log["config_id"], log["status_id"], log["total_record_count"]) == (
        "MDM_INV_VARIANCE",
        "Finished",
        3,
    )


def test_stock_may_reach_zero_and_not_less(imports: Imports) -> None:
    """What a till sold is gone, so the rest is short; any other change is refused whole."""
    result = imports.take(
        "variances",
        csv(row("-5", reason="VAR_LOST", shop="P22-ext"), row("-6", reason="VAR_LOST"), row("-7")),
    )
    assert dict(result.counts) == {"applied": 2, "known": 0, "failed": 1}
    assert (imports.stock(), imports.stock(facility_id="SV_P22")) == (0, 0)
    text = imports.error_file("variances", "a-Error.csv")
    assert "expected a change that leaves 0 or more; 5 are on hand" in text
    assert text.count("\n") == 2
    assert result.notes == ("row 4: 7 of product 10000 sold at A32-ext, 5 were on hand",)
    assert [one["applied_delta"] for one in imports.rows(TABLE)] == [-5, None, -5]


def test_one_bad_row_never_takes_another_with_it(imports: Imports) -> None:
    """Each says everything that is wrong; people hear of the file once."""
    bad = [
        row("some"),
        row(upc="1"),
        row(shop="unknown"),
        row(reason="BECAUSE"),
        ",,,,,,,a comment",
        row(shop="_NA_"),
    ]
    result = imports.take("variances", csv(*bad, row()))
    assert dict(result.counts) == {"applied": 1, "known": 0, "failed": 6}
    lines = imports.error_file("variances", "a-Error.csv").splitlines()
    assert lines[0] == f"{HEADER},error"
    for text, line in zip(
        [
            "a.csv row 2: /availableDelta: expected a plain decimal number",
            "none has it",
            "/externalFacilityId: expected the external id of a facility",
            "expected a varianceReasonId of HotWax",
            "expected a value; the cell is empty",
            "expected a facility that has stock",
        ],
        lines[1:],
        strict=True,
    ):
        assert text in line
    (told,) = imports.rows(invoice_failure)
    assert told["reason"].startswith("6 rows of a file of stock changes could not be applied")
    assert told["journey"] == "tills"


def test_an_error_file_can_be_mended_and_dropped_again(imports: Imports) -> None:
    """Its `error` column is ignored on the way in; the rows that went well are not in it."""
    imports.take("variances", csv(row(), row("some")))
    mended = imports.error_file("variances", "a-Error.csv").replace(",some,", ",-2,")
    result = imports.take("variances", mended.encode(), "a-Error")
    assert dict(result.counts) == {"applied": 1, "known": 0, "failed": 0}
    assert imports.stock() == 5 - 1 - 2


def test_the_same_file_again_changes_nothing_but_what_failed(imports: Imports) -> None:
    """Rows that were applied are known; one whose product is there by now is applied."""
    file = csv(row(), row(upc="new"))
    imports.take("variances", file)
    with as_owner(imports.engine) as owner, transaction(owner) as connection:
        connection.execute(
            insert(oms_tables.good_identification).values(
                product_id="10002", good_identification_type_id="UPCA", id_value="new"
            )
        )
    result = imports.take("variances", file, "b")
    assert dict(result.counts) == {"applied": 1, "known": 1, "failed": 0}
    assert imports.take("variances", file, "c").result == "duplicate"
    assert imports.stock() == 4


@pytest.mark.parametrize(
    ("facility", "external", "goes_to"),
    [
        ("SV_P22", "", "SV_P22"),
        ("P22-ext", "", "SV_P22"),
        ("", "P22-ext", "SV_P22"),
        ("SV_P22", "P22-ext", "SV_P22"),
        ("SV_A32", "P22-ext", None),
        ("SV_A32", "unknown", None),
    ],
)
def test_facilities_are_named_by_either_id(
    imports: Imports, facility: str, external: str, goes_to: str | None
) -> None:
    """Retail Pro writes the external id into facilityId; two names must mean the same."""
    line = f"{facility},{external},SKU,BOOT,-1,,POS_SALE,"
    imports.take("variances", csv(line))
    assert imports.rows(TABLE)[0]["facility_id"] == goes_to


def test_headers_come_in_any_order_and_case(imports: Imports) -> None:
    """And what was saved by a spreadsheet, with a byte order mark, spaces and empty rows."""
    file = (
        "\ufeffVarianceReasonId, AvailableDelta ,IDVALUE,idtype,FacilityId,Remark\r\n"
        'POS_SALE, -1 ,"8720110000",upca,SV_A32,x\r\n,,,,,\r\n\r\n'
    )
    result = imports.take("variances", file.encode())
    assert dict(result.counts) == {"applied": 1, "known": 0, "failed": 0}
    assert imports.stock() == 4


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (b"", "the file is empty"),
        (
            b"facilityId,idType\nSV_A32,UPCA\n",
            "idValue, availableDelta, varianceReasonId is missing",
        ),
        (csv(row() + ",one,more"), "as many cells in each row"),
        (HEADER.encode() + b"\nSV_A32,,UPCA,\xff\xfe,1,,POS_SALE,\n", "UTF-8"),
        (csv().replace(b"comments", b"IdType"), "idType is there several times"),
    ],
)
def test_a_file_that_is_none_is_quarantined_whole(imports: Imports, file: bytes, why: str) -> None:
    """Nothing of it is applied, and the note says why."""
    result = imports.take("variances", file)
    assert result.result == "quarantined"
    assert why in result.notes[0]
    assert imports.rows(TABLE) == []


def test_a_variance_waits_for_its_reset(imports: Imports) -> None:
    """One that names its reset is refused until that was applied; one without stands by itself."""
    comment = "Partially completed orders after reset ResetInventory-2026-11-22.csv"
    result = imports.take(
        "variances", csv(row(reason="VAR_INTEGR", comment=comment), row(reason="VAR_INTEGR"))
    )
    assert dict(result.counts) == {"applied": 1, "known": 0, "failed": 1}
    assert "expected the reset that this variance belongs to, applied first" in (
        imports.error_file("variances", "a-Error.csv")
    )


def test_a_run_that_was_killed_comes_to_the_same_end(
    imports: Imports, reference: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that failed before others brought stock have failed for good, as in one go."""
    rows = []
    for number in range(1200):
        rows += [
            row("-3", reason="VAR_LOST"),
            row("2", reason="VAR_FOUND", shop="P22-ext"),
            row("-1", "8720110001"),
        ]
        if number % 100 == 0:
            rows.append(row("1", reason="VAR_FOUND"))
    steps = [
        (variances, "lock_stock"),
        (variances, "set_stock"),
        (variances, "insert_or_update"),
        (books, "write_log"),
    ]
    survive_kills(imports, reference, "variances", csv(*rows), steps, monkeypatch)
    kept = imports.rows(TABLE)
    assert len(kept) == 3612
    changed = sum(
        (one["applied_delta"] for one in kept if one["facility_id"] == "SV_P22"), Decimal(0)
    )
    assert imports.stock(facility_id="SV_P22") == 5 + changed == 2405
