"""Orders imported into the order store, as HotWax's Data Manager does it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, update

from tests.fixtures_database import as_owner
from tests.imports import STORE, Imports, in_store, item, order, shipped, survive_kills
from tillbridge.clients.exchange import Folder
from tillbridge.contracts import json_text
from tillbridge.database import import_tables, oms_tables
from tillbridge.database.engine import transaction
from tillbridge.database.ledger_tables import invoice_failure
from tillbridge.handover import inbox
from tillbridge.handover.taken_file import TakenFile
from tillbridge.oms import data_manager, feed, imported_orders
from tillbridge.oms import data_manager_books as books
from tillbridge.oms.facilities import receive_stock
from tillbridge.oms.feed import FeedSelection
from tillbridge.oms.fulfilment import complete_items
from tillbridge.oms.imported_orders import approve_waiting
from tillbridge.oms.order import Address, Order, Shipment
from tillbridge.oms.order_import import order_id
from tillbridge.oms.reading import read_orders

HEADER = oms_tables.order_header


def stored(imports: Imports, external_id: str = "T1") -> Order:
    with transaction(imports.engine) as connection:
        return read_orders(connection, [order_id(STORE, external_id)])[0]


def logs(imports: Imports) -> list[tuple[Any, ...]]:
    names = ("status_id", "total_record_count", "failed_record_count", "known_record_count")
    return [
        tuple(row[name] for name in (*names, "warning_count"))
        for row in imports.rows(import_tables.data_manager_log)
    ]


def test_what_was_carried_out_is_completed_and_leaves_the_stock(imports: Imports) -> None:
    """The order is whole in the store: completed, paid, with its customer, and one boot less."""
    result = imports.take("orders", [order()])
    assert dict(result.counts) == {"imported": 1, "known": 0, "failed": 0}
    found = stored(imports)
    assert found.status_id == "ORDER_COMPLETED"
    assert found.items[0].status_id == "ITEM_COMPLETED"
    assert (found.items[0].product_id, found.items[0].unit_price) == ("10000", Decimal("19.99"))
    assert found.ship_groups[0].facility_id == "SV_A32"
    assert (found.external_id, found.origin_facility_id) == ("T1", "SV_A32")
    assert (found.grand_total, found.payments[0].amount) == (Decimal("22.59"), Decimal("22.59"))
    assert found.bill_to == Address(address1="Calle 1", email="n@x.org")
    assert found.identifications == {"POS_ORDER_ID": "T1"}
    assert imports.stock() == 4
    (header,) = imports.rows(oms_tables.order_header)
    assert header["completed_at"] == found.order_at == found.items[0].status_at
    assert logs(imports) == [("Finished", 1, 0, 0, 0)]


def test_what_is_to_be_shipped_is_approved_and_waits_in_the_brokering_queue(
    imports: Imports,
) -> None:
    """No stock moves before it is brokered."""
    imports.take("orders", [order("T1", shipped())])
    found = stored(imports)
    assert (found.status_id, found.items[0].status_id) == ("ORDER_APPROVED", "ITEM_APPROVED")
    assert (found.ship_groups[0].facility_id, imports.stock()) == ("_NA_", 5)
    assert found.ship_to == Address(to_name="Noor Haddad", address1="Calle 8", city="Santa Ana")


def test_a_mixed_cart_is_one_order_of_two_ship_groups(imports: Imports) -> None:
    """What was carried out is done, the rest is open, and so is the order."""
    cart = order("T1", in_store(), shipped(item(2, "8720110001"), seq_id="00002"))
    imports.take("orders", [cart])
    found = stored(imports)
    assert found.status_id == "ORDER_APPROVED"
    assert [one.status_id for one in found.items] == ["ITEM_COMPLETED", "ITEM_APPROVED"]
    assert (imports.stock(), imports.stock("10001")) == (4, 1)


def test_the_till_may_have_sold_more_than_there_was(imports: Imports) -> None:
    """The order is completed, the stock is zero and not less, and the rest is a warning."""
    sale = order("T1", in_store(item(quantity=3), item(2, quantity=4)))
    result = imports.take("orders", [sale, order("T2", in_store(shop="P22-ext"))])
    assert stored(imports).status_id == "ORDER_COMPLETED"
    assert (imports.stock(), imports.stock(facility_id="SV_P22")) == (0, 4)
    issued = [
        (row["quantity"], row["short_quantity"])
        for row in imports.rows(import_tables.item_issuance)
    ]
    assert issued == [(3, 0), (2, 2), (1, 0)]
    assert logs(imports) == [("Finished", 2, 0, 0, 1)]
    assert "4 of product 10000 sold at A32-ext, 2 were on hand" in result.notes[0]


@pytest.mark.parametrize(
    ("group", "left"),
    [
        (in_store(item(idType="SKU", idValue="GIFT")), 5),
        ({**in_store(), "externalId": "WH-ext"}, 5),
        (in_store(item(statusId="ITEM_CANCELLED"), item(2)), 4),
    ],
    ids=["a gift card", "not in a shop", "cancelled"],
)
def test_stock_is_taken_only_of_goods_that_left_a_shop(
    imports: Imports, group: dict[str, Any], left: int
) -> None:
    """Digital goods, warehouses and cancelled lines cost no shop anything."""
    imports.take("orders", [order("T1", group)])
    assert stored(imports).status_id == "ORDER_COMPLETED"
    assert imports.stock() == left


def test_an_order_of_nothing_but_cancelled_lines_is_cancelled(imports: Imports) -> None:
    """HotWax's rule says so, and the cancelled quantity is kept."""
    imports.take("orders", [order("T1", in_store(item(statusId="ITEM_CANCELLED", quantity=2)))])
    assert stored(imports).status_id == "ORDER_CANCELLED"
    (row,) = imports.rows(oms_tables.order_item)
    assert row["cancel_quantity"] == 2


def test_one_bad_order_never_takes_another_with_it(imports: Imports) -> None:
    """Each failed order says everything that is wrong, in an error file and to people."""
    bad = [
        order("B1", productStoreId="NOWHERE"),
        order("B2", in_store(item(idValue="1"), item(2, idType="SKU", idValue="TWICE"))),
        order("B3", {**in_store(), "externalId": "unknown"}),
        order("B4", statusId="SHIPPED", grandTotal="a lot"),
        order("B5", in_store(item(quantity=-1, unitPrice=Decimal("0.00001")))),
        {name: value for name, value in order("B6").items() if name != "shipGroups"},
        order("B7", in_store(item(statusId="ITEM_CREATED"))),
        order("B8", shipped(), statusId="ORDER_COMPLETED"),
        order("B9", in_store(item(), item())),
        17,
    ]
    result = imports.take("orders", [order("G1"), *bad, order("G2")])
    assert dict(result.counts) == {"imported": 2, "known": 0, "failed": 10}
    assert [row["external_id"] for row in imports.rows(oms_tables.order_header)] == ["G1", "G2"]
    errors = [one["json"] for one in imports.error_file("orders", "a-Error.json")]
    assert [one.get("externalId") for one in errors] == [f"B{n}" for n in range(1, 10)] + [None]
    for text, one in zip(
        [
            "/productStoreId: expected a product store",
            "2 products have it",
            "/shipGroups/0/facilityId: expected the external id of a facility",
            "/grandTotal: expected a plain decimal number",
            "/quantity: expected a quantity above 0; /shipGroups/0/items/0/unitPrice: expected a plain",
            "/shipGroups: expected a value; the member is missing",
            "expected ITEM_COMPLETED or ITEM_CANCELLED; what is POS_COMPLETED was carried",
            "/statusId: expected ORDER_CREATED, which follows",
            "expected each id or name once",
            "expected an object",
        ],
        errors,
        strict=True,
    ):
        assert text in one["error"], one["error"]
    failures = imports.rows(invoice_failure)
    assert len(failures) == 10
    assert {(row["kind"], row["journey"]) for row in failures} == {("quarantined", "tills")}
    assert {row["order_no"] for row in failures} == {f"B{n}" for n in range(1, 10)} | {""}
    assert logs(imports) == [("Finished", 12, 10, 0, 0)]


def test_an_error_file_can_be_mended_and_dropped_again(imports: Imports) -> None:
    """Its wrapping and its reasons are no obstacle, and it holds only what failed."""
    imports.take("orders", [order("G1"), order("B1", grandTotal="a lot"), order("B2")])
    (failed,) = imports.error_file("orders", "a-Error.json")
    failed["json"]["grandTotal"] = 22.59
    result = imports.take("orders", [failed], "a-Error")
    assert dict(result.counts) == {"imported": 1, "known": 0, "failed": 0}
    assert stored(imports, "B1").grand_total == Decimal("22.59")


def test_an_error_file_works_unmended_once_the_order_store_has_what_it_names(
    imports: Imports,
) -> None:
    """Also the very file that failed may simply come again."""
    files = [order("G1"), order("B1", productStoreId="NEW")]
    imports.take("orders", files)
    with as_owner(imports.engine) as owner, transaction(owner) as connection:
        connection.execute(
            insert(oms_tables.product_store).values(product_store_id="NEW", store_name="New")
        )
    again = imports.take("orders", files, "b")
    assert dict(again.counts) == {"imported": 1, "known": 1, "failed": 0}
    assert imports.take("orders", files, "c").result == "duplicate"


def test_the_same_order_again_is_known_and_left_alone(imports: Imports) -> None:
    """Under other names for its members, in another file, and after it has moved on."""
    imports.take("orders", [order("T1", shipped())])
    with transaction(imports.engine) as connection:
        connection.execute(update(oms_tables.order_header).values(status_id="ORDER_HOLD"))
    again = order("T1", shipped(), orderDate="2026-11-20T16:15:00Z", grandTotal=Decimal("22.590"))
    again["orderAttributes"] = again.pop("attributes")
    result = imports.take("orders", [again, again], "b")
    assert dict(result.counts) == {"imported": 0, "known": 2, "failed": 0}
    assert stored(imports).status_id == "ORDER_HOLD"


def test_the_same_order_with_other_content_is_a_duplicate(imports: Imports) -> None:
    """Nothing is changed, and the failure says what kind of content differs."""
    imports.take("orders", [order("T1")])
    other = order("T1", in_store(item(quantity=2)), customerPhone="555 0100")
    result = imports.take("orders", [other], "b")
    assert dict(result.counts) == {"imported": 0, "known": 0, "failed": 1}
    (failed,) = imports.error_file("orders", "b-Error.json")
    assert (
        "this is a duplicate: it was imported from a.json with other content"
        in (failed["json"]["error"])
    )
    assert "(customer, ship groups or items)" in failed["json"]["error"]
    assert "555" not in failed["json"]["error"]
    assert (stored(imports).items[0].quantity, imports.stock()) == (1, 4)


def test_two_product_stores_may_number_their_orders_alike(imports: Imports) -> None:
    """They are two orders; the id of each can be worked out from both names."""
    with as_owner(imports.engine) as owner, transaction(owner) as connection:
        connection.execute(
            insert(oms_tables.product_store).values(product_store_id="GT", store_name="GT")
        )
    result = imports.take("orders", [order("T1"), order("T1", productStoreId="GT")])
    assert result.counts["imported"] == 2
    assert {row["order_id"] for row in imports.rows(oms_tables.order_header)} == {
        order_id(STORE, "T1"),
        order_id("GT", "T1"),
    }
    assert order_id("GT", "x" * 60) != order_id("GT", "x" * 59 + "y")


UNPAID = {"paymentMethodTypeId": "CARD", "statusId": "PAYMENT_NOT_RECEIVED", "maxAmount": 1}
ON_DELIVERY = {**UNPAID, "paymentMethodTypeId": "EXT_SHOP_CASH_ON_DEL"}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "ORDER_APPROVED"),
        ({"statusId": "ORDER_HOLD"}, "ORDER_APPROVED"),
        ({"autoApprove": "N"}, "ORDER_CREATED"),
        ({"paymentPreferences": [UNPAID]}, "ORDER_CREATED"),
        ({"paymentPreferences": [ON_DELIVERY]}, "ORDER_APPROVED"),
        ({"orderPaymentPref": [ON_DELIVERY, UNPAID], "paymentPreferences": None}, "ORDER_CREATED"),
        ({"statusId": "ORDER_APPROVED", "autoApprove": "N"}, "ORDER_APPROVED"),
    ],
)
def test_orders_are_approved_by_hotwaxs_rule(
    imports: Imports, changes: dict[str, Any], status: str
) -> None:
    """A payment that is not there keeps an order waiting, cash on delivery does not."""
    imports.take("orders", [order("T1", shipped(), **changes)])
    found = stored(imports)
    assert found.status_id == status
    assert found.items[0].status_id == status.replace("ORDER", "ITEM")


def test_a_store_can_switch_approval_off_and_payments_out_of_the_rule(imports: Imports) -> None:
    """What waits is approved by a later run, when the settings let it through."""
    store = oms_tables.product_store
    with as_owner(imports.engine) as owner, transaction(owner) as connection:
        connection.execute(update(store).values(auto_approve_order="N"))
    imports.take("orders", [order("T1", shipped()), order("T2", paymentPreferences=[UNPAID])])
    unpaid = order("T3", shipped(), paymentPreferences=[UNPAID])
    imports.take("orders", [unpaid, order("T4", shipped(), autoApprove="N")], "b")
    assert approve_waiting(imports.engine, STORE) == 0
    with as_owner(imports.engine) as owner, transaction(owner) as connection:
        connection.execute(update(store).values(auto_approve_order="Y"))
    assert approve_waiting(imports.engine, STORE) == 1
    with as_owner(imports.engine) as owner, transaction(owner) as connection:
        connection.execute(
            insert(import_tables.product_store_setting).values(
                product_store_id=STORE,
                setting_type_enum_id="APPR_WO_PMNT_CHK",
                setting_value="Y",
            )
        )
    assert approve_waiting(imports.engine, STORE) == 1
    statuses = {row["external_id"]: row["status_id"] for row in imports.rows(HEADER)}
    assert statuses == {
        "T1": "ORDER_APPROVED",
        "T2": "ORDER_COMPLETED",
        "T3": "ORDER_APPROVED",
        "T4": "ORDER_CREATED",
    }
    assert stored(imports, "T3").items[0].status_id == "ITEM_APPROVED"


def test_a_file_that_is_cut_off_is_used_not_at_all(imports: Imports) -> None:
    """It goes to quarantine whole, the log says Failed, and people hear of it as of the tills' journey."""
    result = imports.take("orders", b'[{"externalId": "T1"},\n{"externalId"')
    assert result.result == "quarantined"
    assert imports.rows(HEADER) == []
    assert logs(imports) == [("Failed", 0, 0, 0, 0)]
    (told,) = imports.rows(invoice_failure)
    assert told["journey"] == "tills"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"shipGroups": [{**in_store(), "externalId": None}]}, "by its id or external id"),
        ({"shipGroups": [{**in_store(), "facilityId": "SV_P22"}]}, "name the same facility"),
        ({"originFacilityId": "nowhere"}, "a facilityId of the order store"),
        ({"shipGroups": [in_store(item(productId="1"))]}, "a productId of the order store"),
        (
            {"shipGroups": [in_store(item(idType="productId", idValue="1"))]},
            "a productId of the order store",
        ),
        ({"shipGroups": [in_store(item(idType=None))]}, "productId, sku, or idType and idValue"),
        ({"shipGroups": [in_store(item(sku="none"))]}, "items/0/sku: expected the SKU of one"),
        (
            {"adjustments": [{"type": "FEE", "amount": 1, "orderItemSeqId": "9"}]},
            "expected an item of the order, or _NA_",
        ),
        (
            {"attributes": [{"attrName": "a", "attrValue": "1"}, {"attrName": "a"}]},
            "each id or name once",
        ),
        (
            {
                "shipGroups": [
                    shipped(item(1)),
                    {**shipped(item(2), seq_id="2"), "shipTo": {"email": {"infoString": "x@y"}}},
                ]
            },
            "one shipTo for all ship groups",
        ),
    ],
)
def test_what_cannot_be_placed_fails(
    imports: Imports, changes: dict[str, Any], expected: str
) -> None:
    """Names that lead nowhere or to two things, and what the order store could not keep."""
    result = imports.take("orders", [order("T1", **changes)])
    assert result.counts["failed"] == 1
    (failed,) = imports.error_file("orders", "a-Error.json")
    assert expected in failed["json"]["error"]


def test_products_and_facilities_are_named_in_every_way(imports: Imports) -> None:
    """By HotWax's ids as well as by those of other systems."""
    lines = [
        item(1, idType=None, productId="10000"),
        item(2, idType=None, sku="BOOT"),
        item(3, idType="productId", idValue="10000"),
        item(4, idType="upca"),
    ]
    group = {**in_store(*lines), "facilityId": "SV_A32"}
    imports.take("orders", [order("T1", group)])
    assert {one.product_id for one in stored(imports).items} == {"10000"}
    assert imports.stock() == 1


def test_adjustments_are_where_they_belong(imports: Imports) -> None:
    """Of the order, of an item named by the order, and of an item that wants them on the order."""
    line = item(adjustments=[{"type": "FEE", "amount": 2, "setShipGroup": "N"}])
    imports.take(
        "orders",
        [
            order(
                "T1",
                in_store(line),
                adjustments=[
                    {"type": "SHIPPING_CHARGES", "amount": 5, "orderItemSeqId": "_NA_"},
                    {"type": "EXT_PROMO_ADJUSTMENT", "amount": -1, "orderItemSeqId": "00001"},
                ],
            )
        ],
    )
    found = stored(imports)
    assert {(one.type_id, one.amount) for one in found.adjustments} == {
        ("FEE", 2),
        ("SHIPPING_CHARGES", 5),
    }
    assert [(one.type_id, one.amount) for one in found.items[0].adjustments] == [
        ("EXT_PROMO_ADJUSTMENT", -1)
    ]


def test_what_was_shipped_elsewhere_is_completed_without_stock(imports: Imports) -> None:
    """An order that another system has finished is kept as finished; ids that are missing are given."""
    line = {
        name: value
        for name, value in item().items()
        if name not in {"orderItemSeqId", "externalId"}
    }
    group = {**in_store(line, line), "shipmentMethodTypeId": "STANDARD", "shipGroupSeqId": None}
    imports.take("orders", [order("T1", group, orderStatusDatetime="2026-11-21T00:00:00Z")])
    found = stored(imports)
    assert found.status_id == "ORDER_COMPLETED"
    assert [one.order_item_seq_id for one in found.items] == ["00001", "00002"]
    assert found.items[0].status_at == datetime(2026, 11, 21, tzinfo=UTC)
    assert imports.stock() == 5


def test_two_error_files_of_one_name_stand_side_by_side(imports: Imports) -> None:
    """A file of the same name with other failures does not overwrite what nobody has mended yet."""
    for name in ("B1", "B2", "B2"):
        imports.take("orders", [order(name, productStoreId="NOWHERE")])
    found = sorted((imports.root / "hotwax/order-import/error").iterdir())
    assert [path.name.partition("-Error")[0] for path in found] == ["a", "a"]
    assert {json_text.read(path.read_bytes())[0]["json"]["externalId"] for path in found} == {
        "B1",
        "B2",
    }


def test_what_only_the_database_refuses_costs_no_other_order(imports: Imports) -> None:
    """An order that is there under another id is refused by itself, the rest of its page goes on."""
    imports.take("orders", [order("T1")])
    with transaction(imports.engine) as connection:
        connection.execute(update(HEADER).values(external_id="T2"))
    result = imports.take("orders", [order("T2"), order("T3"), order("T4")], "b")
    assert dict(result.counts) == {"imported": 2, "known": 0, "failed": 1}
    (failed,) = imports.error_file("orders", "b-Error.json")
    assert "expected a record that the database takes" in failed["json"]["error"]


def test_two_imports_at_once_import_each_order_once(imports: Imports) -> None:
    """Whoever comes second knows the orders already; stock is taken once."""
    documents = [order(f"T{number}", in_store(shop="P22-ext")) for number in range(250)]
    files = []
    for name in ("a", "b"):
        path = imports.root / name / "file"
        path.parent.mkdir(parents=True)
        path.write_bytes(json_text.write(documents))
        files.append(TakenFile(f"{name}.json", name, datetime.now(UTC), path, name))
    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(imports.work("orders"), files))
    assert sum(work.counts["imported"] for work in done) == 250
    assert sum(work.counts["known"] for work in done) == 250
    assert len(imports.rows(import_tables.item_issuance)) == 250
    assert imports.stock(facility_id="SV_P22") == 0


POS = "POS_SALES_CHANNEL"


def complete_the_shipped_part(imports: Imports) -> None:
    with as_owner(imports.engine) as owner, transaction(owner) as connection:
        receive_stock(connection, {("SV_WH", "10001"): Decimal(1)})
        shipment = Shipment("S1", "SV_WH")
        complete_items(connection, order_id(STORE, "T1"), ["00002"], datetime.now(UTC), shipment)


@pytest.mark.parametrize(
    "selection",
    [
        FeedSelection(),
        FeedSelection(excluded_sales_channels=[POS]),
        FeedSelection(sales_channels=["WEB_CHANNEL"]),
    ],
)
def test_no_till_sale_enters_a_feed_to_be_invoiced(
    imports: Imports, selection: FeedSelection
) -> None:
    """Neither what was carried out, nor the rest of a mixed cart: the till has invoiced the whole."""
    cart = order("T1", in_store(), shipped(item(2, "8720110001"), seq_id="00002"))
    imports.take("orders", [cart, order("T2")])
    complete_the_shipped_part(imports)
    assert stored(imports).status_id == "ORDER_COMPLETED"
    assert feed.produce(imports.engine, selection, 2500, datetime.now(UTC)) == []


def test_a_feed_of_the_tills_channel_holds_what_was_shipped_of_a_cart(imports: Imports) -> None:
    """It moves stock between stores, so the boot that was carried out has no place in it."""
    cart = order("T1", in_store(), shipped(item(2, "8720110001"), seq_id="00002"))
    imports.take("orders", [cart, order("T2")])
    selection = FeedSelection(sales_channels=["POS_CHANNEL"])
    assert feed.produce(imports.engine, selection, 2500, datetime.now(UTC)) == []
    complete_the_shipped_part(imports)
    (made,) = feed.produce(imports.engine, selection, 2500, datetime.now(UTC))
    (document,) = feed.documents(imports.engine, made.feed_id)
    (shipment,) = document["shipments"]
    assert [one["orderItemSeqId"] for one in shipment["shipmentItems"]] == ["00002"]
    assert shipment["shipmentItems"][0]["facilityExternalId"] == "WH-ext"


def many(count: int) -> list[Any]:
    """Give orders of all kinds: good, bad, short, mixed, and the same twice."""
    made: list[Any] = []
    for number in range(count):
        name = f"T{number:05}"
        match number % 5:
            case 0:
                made.append(order(name))
            case 1:
                made.append(order(name, shipped()))
            case 2:
                made.append(order(name, in_store(), shipped(item(2), seq_id="00002")))
            case 3:
                made.append(order(name, in_store(shop="nowhere")))
            case _:
                made.append(order(name, in_store(item(quantity=2), shop="P22-ext")))
    return [*made, made[0], order("T00001", shipped(item(quantity=9)))]


def test_an_import_that_was_killed_comes_to_the_same_end(
    imports: Imports, reference: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it stopped: tables, counts and failures are those of an import in one go."""
    steps = [
        (imported_orders, "write_orders"),
        (imported_orders, "issue"),
        (imported_orders, "short_items"),
        (books, "remember"),
        (books, "write_log"),
        (data_manager, "publish_error_file"),
        (inbox.files, "mark_taken"),
        (Folder, "archive"),
    ]
    monkeypatch.setattr(data_manager, "RECORDS_AT_ONCE", 20)
    survive_kills(imports, reference, "orders", many(45), steps, monkeypatch)
    assert logs(imports) == [("Finished", 47, 10, 1, 20)]
    assert (imports.stock(), imports.stock(facility_id="SV_P22")) == (0, 0)
    assert len(imports.rows(invoice_failure)) == 10
