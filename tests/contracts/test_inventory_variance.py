"""The inventory variance: what is read of a row, when it needs a reset, and what it does to a stock."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillbridge.contracts.inventory_variance import (
    COLUMNS,
    InventoryVariance,
    Row,
    read_file,
    read_row,
)
from tillbridge.errors import RecordRejected
from tillbridge.oms.identification import flat_type
from tillbridge.oms.stock_rule import take
from tillbridge.oms.variance import apply, reset_before

amounts = st.decimals(0, 10_000, places=4)


def variance(delta: str, reason: str = "VAR_INTEGR") -> InventoryVariance:
    return InventoryVariance(
        "SV_A32", None, "UPCA", "8720110000", Decimal(delta), None, reason, None
    )


def row(**cells: str | None) -> Row:
    good = {
        "facilityId": "SV_A32",
        "idType": "UPCA",
        "idValue": "8720110000",
        "availableDelta": "-1.0",
        "varianceReasonId": "POS_SALE",
    }
    return Row(7, {**dict.fromkeys(COLUMNS), **good, **cells})


def test_a_row_is_read_as_text() -> None:
    """Ids keep their zeros, amounts their digits, and spaces around a cell mean nothing."""
    read = read_row(row(idValue=" 0042 ", availableDelta=" -1.2500 ", comments=""))
    assert (read.id_value, read.available_delta) == ("0042", Decimal("-1.25"))
    assert (read.external_facility_id, read.comments) == (None, None)


@pytest.mark.parametrize("delta", ["1,5", "1e3", "NaN", "+", "--1", "0.00001", "½"])
def test_a_change_is_a_plain_number(delta: str) -> None:
    """Anything else is refused with the row's number."""
    with pytest.raises(RecordRejected, match="row 7: /availableDelta: expected a plain decimal"):
        read_row(row(availableDelta=delta))


def test_everything_that_is_wrong_with_a_row_is_found_at_once() -> None:
    """Empty cells, overlong ones and no number."""
    with pytest.raises(RecordRejected) as problem:
        read_row(row(idType=None, comments="x" * 1001, availableDelta="one"))
    assert [found.pointer for found in problem.value.findings] == [
        "/idType",
        "/comments",
        "/availableDelta",
    ]


def test_cells_with_commas_quotes_and_line_breaks_survive_an_error_file(tmp_path: Path) -> None:
    """The rows come back as they were, also in columns that nobody knows, with the new reason only."""
    text = (
        "facilityId,idType,idValue,availableDelta,varianceReasonId,comments,Error,extra,extra\n"
        'SV_A32,UPCA,0042,-1,POS_SALE,"a ""b"", c",old,1,2\n'
        'SV_A32,UPCA,0043,-1,POS_SALE,"two\nlines",old,3,4\n'
    )
    path = tmp_path / "a.csv"
    path.write_text(text)
    file = read_file(path, "a.csv")
    assert [one.cells["comments"] for one in file.rows()] == ['a "b", c', "two\nlines"]
    again = tmp_path / "b.csv"
    again.write_bytes(file.error_csv({2: "first", 3: "second, with a comma"}))
    assert [one.cells["comments"] for one in read_file(again, "b.csv").rows()] == [
        'a "b", c',
        "two\nlines",
    ]
    assert "old" not in again.read_text()
    assert '"second, with a comma"' in again.read_text()


@pytest.mark.parametrize(
    ("file_name", "comment", "reset"),
    [
        ("InventoryVariance.csv", None, None),
        ("InventoryVariance.csv", "sale T1 line 1 2026-11-20", None),
        ("InventoryVariance.csv", "Partially completed orders after reset R-1.csv", "R-1.csv"),
        ("InventoryVariance-after-reset-R-1.csv", None, "R-1"),
    ],
)
def test_a_variance_names_the_reset_it_needs(
    file_name: str, comment: str | None, reset: str | None
) -> None:
    """In its comment or its file's name; a till's sale needs none."""
    assert reset_before(file_name, comment) == reset


@pytest.mark.parametrize(
    ("reset", "delta", "after"),
    [(10, -2, 8), (5, 0, 5), (10, 0, 10)],
)
def test_after_its_reset_a_variance_gives_what_is_really_there(
    reset: int, delta: int, after: int
) -> None:
    """HotWax's worked example: what was shipped and not told yet comes off the reset's number."""
    assert reset + apply("row 2", variance(str(delta)), Decimal(reset)).delta == after


@given(amounts, amounts)
def test_what_a_till_sold_takes_a_stock_to_zero_at_most(on_hand: Decimal, sold: Decimal) -> None:
    """What is taken and what is short are together what was sold."""
    applied = apply("row 2", variance(str(-sold), "POS_SALE"), on_hand)
    assert on_hand + applied.delta >= 0
    assert -applied.delta + applied.short == sold
    assert take(on_hand, sold).quantity == -applied.delta
    assert applied.short == 0 or on_hand + applied.delta == 0


@given(amounts, amounts)
def test_every_other_change_is_made_whole_or_not_at_all(on_hand: Decimal, lost: Decimal) -> None:
    """Zero may be reached, less may not."""
    change = variance(str(-lost), "VAR_LOST")
    if lost <= on_hand:
        assert apply("row 2", change, on_hand).delta == -lost
    else:
        with pytest.raises(RecordRejected, match="leaves 0 or more"):
            apply("row 2", change, on_hand)


@pytest.mark.parametrize(
    "name",
    ["SHOPIFY_PROD_ID", "Shopify_Prod_ID", "shopifyProductId", "Shopify Product Id"],
)
def test_id_types_have_one_meaning_under_every_spelling(name: str) -> None:
    """HotWax's own files spell them in four ways."""
    assert flat_type(name) == flat_type("SHOPIFY_PROD_ID")
    assert flat_type("sku") == flat_type("SKU") != flat_type("UPCA")
