"""Returns imported into the order store: what came back, and never more than was sold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.imports import (
    STORE,
    Imports,
    in_store,
    item,
    made_return,
    order,
    return_line,
    survive_kills,
)
from tillbridge.database import import_tables
from tillbridge.database.ledger_tables import invoice_failure
from tillbridge.oms import data_manager, returns
from tillbridge.oms import data_manager_books as books
from tillbridge.oms.order_import import order_id
from tillbridge.oms.returns import find_sales

HEADER, ITEM = import_tables.return_header, import_tables.return_item
SALE = order("T1", in_store(item(quantity=2), item(2, "8720110001")))


def test_what_came_back_is_in_stock_and_belongs_to_its_sale(imports: Imports) -> None:
    """Header, lines, adjustments and what was paid back are kept."""
    imports.take("orders", [SALE])
    result = imports.take("returns", [made_return()])
    assert dict(result.counts) == {"imported": 1, "known": 0, "failed": 0}
    assert result.notes == ()
    (header,) = imports.rows(HEADER)
    assert header["order_id"] == order_id(STORE, "T1")
    assert (header["return_total"], header["destination_facility_id"]) == (
        Decimal("22.59"),
        "SV_A32",
    )
    (line,) = imports.rows(ITEM)
    assert (line["order_item_seq_id"], line["return_quantity"], line["return_reason_id"]) == (
        "00001",
        1,
        "DOES_NOT_FIT",
    )
    assert [row["amount"] for row in imports.rows(import_tables.return_adjustment)] == [
        Decimal("2.60")
    ]
    (paid,) = imports.rows(import_tables.return_payment_preference)
    assert (paid["status_id"], paid["max_amount"]) == ("PAYMENT_REFUNDED", Decimal("22.59"))
    assert imports.stock() == 5 - 2 + 1


def test_goods_come_back_where_they_are_taken_back(imports: Imports) -> None:
    """Another shop than sold them, and one that never had any of them."""
    imports.take("orders", [SALE])
    there = {"destinationExternalFacilityId": "WH-ext"}
    imports.take("returns", [made_return("T9-R", **there)])
    assert (imports.stock(), imports.stock(facility_id="SV_WH")) == (3, 1)


def test_gift_cards_are_in_no_stock(imports: Imports) -> None:
    """A digital product comes back without moving any."""
    card = return_line(idType="SKU", idValue="GIFT")
    imports.take("returns", [made_return("T9-R", card)])
    assert imports.stock("30000") is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([return_line(quantity=3)], []),
        ([return_line(quantity=2)], [return_line()]),
        ([return_line(), return_line(2, orderItemExternalId="T9-7", quantity=2)], []),
        ([return_line(2, "8720110001", quantity=2)], []),
        ([return_line(idType="SKU", idValue="GIFT")], []),
    ],
    ids=["at once", "in two returns", "over two lines", "of the second line", "never sold"],
)
def test_never_more_comes_back_than_was_sold(
    imports: Imports, first: list[Any], second: list[Any]
) -> None:
    """The return that is too much fails whole, and moves no stock."""
    imports.take("orders", [SALE])
    result = imports.take(
        "returns", [made_return("R1", *first), *([made_return("R2", *second)] if second else [])]
    )
    assert result.counts["failed"] == 1
    back = sum(row["return_quantity"] for row in imports.rows(ITEM))
    assert imports.stock() == 3 + back
    (failed,) = imports.error_file("returns", "a-Error.json")
    assert "expected at most what was sold" in failed["json"]["error"] or (
        "expected a product of the sale" in failed["json"]["error"]
    )


def test_a_line_that_the_till_numbered_anew_belongs_to_the_item_with_its_product(
    imports: Imports,
) -> None:
    """The product decides where the external id says nothing."""
    imports.take("orders", [SALE])
    imports.take("returns", [made_return("R", return_line(7, "8720110001"))])
    (line,) = imports.rows(ITEM)
    assert line["order_item_seq_id"] == "00002"


def test_a_return_without_its_sale_is_kept_and_joined_to_it_later(imports: Imports) -> None:
    """It is a warning until then; stock comes back at once."""
    result = imports.take("returns", [made_return()])
    assert dict(result.counts) == {"imported": 1, "known": 0, "failed": 0}
    assert result.notes == ("return T9-R: its sale is not known",)
    (log,) = imports.rows(import_tables.data_manager_log)
    assert (log["config_id"], log["warning_count"]) == ("IMP_RETURN", 1)
    assert imports.stock() == 6
    assert find_sales(imports.engine, STORE) == 0
    imports.take("orders", [SALE])
    assert find_sales(imports.engine, STORE) == 1
    (header,) = imports.rows(HEADER)
    assert header["order_id"] == order_id(STORE, "T1")
    (line,) = imports.rows(ITEM)
    assert line["order_item_seq_id"] == "00001"
    result = imports.take("returns", [made_return("R2", return_line(quantity=2))], "b")
    assert result.counts["failed"] == 1


@pytest.mark.parametrize("kinds", [("orders", "returns"), ("returns", "orders")])
def test_an_exchange_whose_old_sale_nobody_knows_is_kept_without_it(
    imports: Imports, kinds: tuple[str, str]
) -> None:
    """The till names the new sale for want of the old one; that sandals came back is still true."""
    files = {
        "orders": [order("T9")],
        "returns": [made_return("R", return_line(upc="8720110001"), orderExternalId="T9")],
    }
    for kind in kinds:
        assert imports.take(kind, files[kind]).counts["imported"] == 1
    assert find_sales(imports.engine, STORE) == 0
    (header,) = imports.rows(HEADER)
    assert header["order_id"] is None
    assert (imports.stock(), imports.stock("10001")) == (4, 2)
    assert imports.rows(invoice_failure) == []


def test_returns_of_more_than_their_sale_had_stay_apart_and_are_told_once(
    imports: Imports,
) -> None:
    """Both came before the sale; one of them fits."""
    two = return_line(quantity=2)
    imports.take("returns", [made_return("R1", two), made_return("R2", two)])
    imports.take("orders", [SALE])
    assert [find_sales(imports.engine, STORE) for _ in range(3)] == [1, 0, 0]
    assert [row["order_id"] is None for row in imports.rows(HEADER)] == [False, True]
    (told,) = imports.rows(invoice_failure)
    assert "Return R2 does not fit its sale: expected at most what was sold: 2" in told["reason"]
    assert (told["kind"], told["journey"]) == ("conflict", "tills")


def test_the_same_return_again_is_known_and_another_content_a_duplicate(imports: Imports) -> None:
    """Its id decides; stock comes back once."""
    imports.take("returns", [made_return()])
    other = made_return("T9-R", return_line(quantity=2))
    result = imports.take("returns", [made_return(), other], "b")
    assert dict(result.counts) == {"imported": 0, "known": 1, "failed": 1}
    (failed,) = imports.error_file("returns", "b-Error.json")
    assert "this is a duplicate" in failed["json"]["error"]
    assert "(items)" in failed["json"]["error"]
    assert imports.stock() == 6


def test_bad_returns_fail_by_themselves(imports: Imports) -> None:
    """Unknown names, statuses of goods that are still on their way, and negative prices."""
    bad = [
        made_return("B1", destinationExternalFacilityId="unknown", productStoreId="NOWHERE"),
        made_return("B2", return_line(idValue="1")),
        made_return("B3", statusId="RETURN_REQUESTED"),
        made_return("B4", return_line(returnPrice=Decimal(-1), quantity=0)),
        made_return("B5", items=[]),
        made_return("B6", return_line(), return_line()),
    ]
    result = imports.take("returns", [*bad, made_return("G1")])
    assert dict(result.counts) == {"imported": 1, "known": 0, "failed": 6}
    failed = {
        one["json"]["returnId"]: one["json"]["error"]
        for one in imports.error_file("returns", "a-Error.json")
    }
    assert failed["B1"].count("expected") == 2
    assert "none has it" in failed["B2"]
    assert "RETURN_COMPLETED" in failed["B3"]
    assert "a price of 0 or more" in failed["B4"]
    assert "a quantity above 0" in failed["B4"]
    assert "at least one" in failed["B5"]
    assert "each id or name once" in failed["B6"]


def test_an_import_that_was_killed_comes_to_the_same_end(
    imports: Imports, reference: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it stopped: stock came back once for each return."""
    monkeypatch.setattr(data_manager, "RECORDS_AT_ONCE", 20)
    sales = [order(f"T{number}") for number in range(12)]
    made = [
        made_return(f"R{number}", return_line(quantity=1 + number % 2), orderExternalId=sale)
        for number, sale in enumerate([f"T{number}" for number in range(16)] * 2)
    ]
    for store in (imports, reference):
        store.take("orders", sales, "sales", moment=1_700_000_000)
    steps = [
        (returns, "lock_stock"),
        (returns, "set_stock"),
        (books, "remember"),
        (books, "write_log"),
    ]
    survive_kills(imports, reference, "returns", made, steps, monkeypatch)
    back = sum(row["return_quantity"] for row in imports.rows(ITEM))
    assert imports.stock() == 0 + back
