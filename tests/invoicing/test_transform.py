"""How a completed order becomes an Order to Invoice request, and how it is refused."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.retail_pro_contract import problems_of
from tests.strategies import (
    PROFILE,
    STORES,
    Document,
    adjustment,
    changed,
    feed_item,
    feed_order,
    feed_orders,
    goods,
    profile,
    spoiled_orders,
    worth,
)
from tillbridge.contracts import json_text
from tillbridge.contracts.completed_orders import read_order
from tillbridge.errors import RecordRejected
from tillbridge.invoicing.transform import InvoiceRequest, NotInvoiced, transform
from tillbridge.profile import Profile

ITEM = "/shipments/0/shipmentItems/0"
often = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)


def invoice(document: Any, by: Profile = PROFILE) -> InvoiceRequest:
    """Transform an order that has to be invoiced without a warning."""
    request, warnings = transform(read_order(document, 0), by, STORES)
    assert isinstance(request, InvoiceRequest)
    assert not warnings
    return request


def body(document: Any, by: Profile = PROFILE) -> Document:
    """Give the members of the request that an order becomes."""
    members: Document = json_text.read(invoice(document, by).body)
    return members


def findings(document: Any, by: Profile = PROFILE) -> list[tuple[str, str | None, str]]:
    """Give what is wrong with an order that has to be refused: pointer, value and expectation."""
    with pytest.raises(RecordRejected) as refused:
        transform(read_order(document, 0), by, STORES)
    return [(found.pointer, found.value, found.expected) for found in refused.value.findings]


def line_sum(members: Document, name: str) -> Decimal:
    """Sum quantity times a member over the lines of a request."""
    return sum((Decimal(line["Qty"]) * line[name] for line in members["Items"]), Decimal(0))


def test_an_order_becomes_the_request_with_its_identity_beside_it() -> None:
    """What the ledger needs to know agrees with the bytes that are posted."""
    request = invoice(feed_order())
    members = json_text.read(request.body)
    assert request.order_no == members["OrderNo"] == "20417"
    assert request.total == members["TotalAmt"] == Decimal("78.3")
    assert request.invoicing_store == members["InvoicingStore"] == "PTL01"
    assert request.line_count == len(members["Items"]) == 1
    assert (request.product_store_id, request.order_id) == ("CASA_STORE", "M100231")
    assert request.currency == "EUR"


@often
@given(feed_orders())
def test_the_lines_of_every_order_sum_to_its_goods_and_its_tax(document: Document) -> None:
    """Prices sum to goods after discount and taxes to the order's tax, to the last decimal."""
    members = body(document, profile(time_zone="America/Santiago"))
    discount = worth(document, "EXT_PROMO_ADJUSTMENT")
    assert line_sum(members, "Price") == goods(document) + discount
    assert line_sum(members, "OrigPrice") == goods(document)
    assert line_sum(members, "Tax") == worth(document, "SALES_TAX")
    assert members["TotalDiscAmt"] == -discount
    assert members["ShippingAmt"] == worth(document, "SHIPPING_CHARGES")
    assert (
        line_sum(members, "Price") + line_sum(members, "Tax") + members["ShippingAmt"]
        == members["TotalAmt"]
        == document["grandTotal"]
    )


@often
@given(feed_orders(), st.sampled_from([1, 2]))
def test_every_request_keeps_to_the_published_contract(document: Document, version: int) -> None:
    """A second reading of the field table, the far end's, finds nothing wrong with a request."""
    members = body(document, profile(request_version=version))
    assert problems_of(members, version) == []


@often
@given(feed_orders())
def test_the_same_order_gives_the_same_bytes(document: Document) -> None:
    """The order of the members, nulls and unknown members of the feed do not change the request."""
    shuffled = dict(reversed(document.items())) | {
        "somethingNew": {"a": [1]},
        "customerPhone": None,
    }
    assert invoice(shuffled).body == invoice(document).body


@settings(often, max_examples=500)
@given(
    spoiled_orders(),
    st.sampled_from(
        [
            PROFILE,
            profile(request_version=1, original_tax="same", amount_mismatch="warn"),
            profile(
                total_amount="without_shipping",
                amount_mismatch="warn",
                mixed_delivery_type=2,
                missing_payment_type=1,
                fiscal_credit_form="boolean",
            ),
        ]
    ),
)
def test_a_spoiled_order_is_invoiced_or_refused_with_findings(
    document: Document, by: Profile
) -> None:
    """Nothing an exporter writes brings the run down: it gives a sound request or findings to read."""
    refused, result = None, None
    try:
        result, _ = transform(read_order(document, 0), by, STORES)
    except RecordRejected as problem:
        refused = problem
    if refused:
        assert refused.findings
        assert all(found.expected for found in refused.findings)
        report = [(found.pointer, found.value, found.expected) for found in refused.findings]
        assert json_text.read(json_text.write_readable(report))
    if isinstance(result, InvoiceRequest):
        assert problems_of(json_text.read(result.body), by.request_version) == []


@pytest.mark.parametrize(
    ("pointer", "value", "found", "words"),
    [
        ("/productStoreId", "OTHER", "/productStoreId", "CASA_STORE"),
        ("/orderStatusId", "ORDER_APPROVED", "/orderStatusId", "ORDER_COMPLETED"),
        ("/orderDate", None, "/orderDate", "CreatedDate"),
        ("/orderDate", "0001-01-01T00:00:00+14:00", "/orderDate", "between the years"),
        ("/currency", None, "/currency", "ISO 4217"),
        ("/currency", "eur", "/currency", "ISO 4217"),
        ("/grandTotal", None, "/grandTotal", "TotalAmt"),
        ("/grandTotal", Decimal("78.31"), "/grandTotal", "78.30 EUR"),
        ("/orderIdentifications", [], "/orderIdentifications", "SHOPIFY_ORD_NO"),
        ("/orderIdentifications/1/thruDate", "2026-03-02T00:00:00Z", "/orderIdentifications", "SHOP"),
        ("/orderIdentifications/1/idValue", "1234567890", None, "OrderNo: Order to Invoice takes at most 9"),
        ("/orderIdentifications/1/idValue", "20 417 ", None, "OrderNo: expected printable ASCII"),
        ("/orderIdentifications/1/idValue", "20\t417", None, "OrderNo: expected printable ASCII"),
        ("/orderIdentifications/1/idValue", "２0417", None, "OrderNo: expected printable ASCII"),  # noqa: RUF001
        ("/payments", [], "/payments", "missing_payment_type"),
        ("/shipments", [], "/shipments", "at least one item"),
        ("/shipments", None, "/shipments", "at least one item"),
        ("/customerFirstName", "x" * 31, None, "FirstName: Order to Invoice takes at most 30"),
        ("/customerLastName", None, None, "CustomerBilling.LastName: Order to Invoice needs"),
        ("/customerLastName", "  ", None, "CustomerBilling.LastName: Order to Invoice needs"),
        ("/customerEmail", "x" * 61, None, "CustomerBilling.Email: Order to Invoice takes at most 60"),
        ("/billTo/email", "x" * 61, None, "CustomerBilling.Email: Order to Invoice takes at most 60"),
        ("/billTo/address1", "x" * 41, None, "CustomerBilling.Address1: Order to Invoice takes at most 40"),
        ("/billTo/address1", None, None, "CustomerBilling.Address1: Order to Invoice needs"),
        ("/billTo/address2", "x" * 41, None, "CustomerBilling.Address2: Order to Invoice takes at most 40"),
        ("/billTo/city", "x" * 41, None, "CustomerBilling.City: Order to Invoice takes at most 40"),
        ("/billTo/countryGeoName", "x" * 41, None, "Country: Order to Invoice takes at most 40"),
        ("/shipments/0/shipTo/toName", "Rui " + "x" * 31, None, "LastName: Order to Invoice takes"),
        ("/shipments/0/shipTo/toName", "x" * 31 + " Matos", None, "FirstName: Order to Invoice takes"),
        ("/shipments/0/shipTo/address1", None, None, "CustomerShipping.Address1: Order to Invoice needs"),
        ("/shipments/0/shipTo/city", "x" * 41, None, "CustomerShipping.City: Order to Invoice takes"),
        ("/orderAttributes", [], None, "needs a value here; it comes from the order attribute customerId"),
        ("/orderAttributes/0/attrValue", "1" * 21, None, "NoDocument: Order to Invoice takes at most 20"),
        ("/orderAdjustments/0/amount", None, None, "an amount"),
        ("/orderAdjustments/0/amount", Decimal(1_000_000), None, "at most 999999.9999"),
        (f"{ITEM}/itemStatusId", "ITEM_APPROVED", None, "ITEM_COMPLETED"),
        (f"{ITEM}/itemQuantity", 0, None, "Qty"),
        (f"{ITEM}/itemQuantity", None, None, "Qty"),
        (f"{ITEM}/shippedQuantity", 1, None, "itemQuantity of 2"),
        (f"{ITEM}/unitPrice", None, None, "OrigPrice"),
        (f"{ITEM}/unitPrice", Decimal("-0.01"), None, "OrigPrice"),
        (f"{ITEM}/unitPrice", Decimal(1_000_000), None, "at most 999999.9999"),
        (f"{ITEM}/statusDatetime", None, None, "which store is invoiced"),
        (f"{ITEM}/facilityExternalId", "EVO-9", None, "profile's stores"),
        (f"{ITEM}/facilityExternalId", None, None, "profile's stores"),
        (f"{ITEM}/facilityExternalId", "_NA_", None, "digital"),
        (f"{ITEM}/goodIdentifications", [], None, "UPC"),
        (f"{ITEM}/goodIdentifications/1/idValue", "5" * 20, None, "UPC: Order to Invoice takes at"),
        (f"{ITEM}/itemAdjustments/0/amount", None, None, "an amount"),
    ],
)  # fmt: skip
def test_each_defect_alone_is_found(
    pointer: str, value: Any, found: str | None, words: str
) -> None:
    """A defect is found at its place in the feed order, with its value and what was expected."""
    given_findings = findings(changed(feed_order(), pointer, value))
    at, shown, _ = next(one for one in given_findings if words in one[2])
    assert at == (found or pointer)
    assert not isinstance(value, str) or at != pointer or (shown or "")[:10] in value
    # What follows from a defect is not told as a defect of its own; only the totals it spoils are.
    spoiled = {"/grandTotal", "/orderAdjustments", f"{ITEM}/shippedQuantity"}
    assert {place for place, _, _ in given_findings} <= {at, *spoiled}


def test_several_defects_are_found_at_once() -> None:
    """An order that is wrong in many places comes back once, with all of it."""
    document = feed_order(
        feed_item("1", goodIdentifications=[], itemAdjustments=[]),
        feed_item("2", facilityExternalId="EVO-9", unitPrice=None),
        feed_item("2", itemStatusId="ITEM_HOLD"),
        currency="euro",
        orderDate=None,
        payments=[],
        orderAttributes=[{"attrName": "taxCredit", "attrValue": "maybe"}],
        customerEmail=None,
        orderAdjustments=[
            adjustment("SHIPPING_CHARGES", "-3"),
            adjustment("EXT_PROMO_ADJUSTMENT", "-500"),
        ],
    )
    items = "/shipments/0/shipmentItems"
    assert {pointer for pointer, _, _ in findings(document)} == {
        "/currency",
        "/orderDate",
        "/payments",
        "/orderAttributes/0/attrValue",
        "/orderAttributes",
        "/billTo/email",
        "/shipments/0/shipTo/email",
        "/orderAdjustments",
        f"{items}/1/facilityExternalId",
        f"{items}/1/unitPrice",
        f"{items}/2/itemStatusId",
        f"{items}/2/orderItemSeqId",
        f"{items}/0/goodIdentifications",
    }


def test_a_negative_shipping_amount_is_found_beside_a_discount_that_is_too_large() -> None:
    """Two defects of one list are both told."""
    document = feed_order(
        grandTotal=Decimal("-29.2"),
        orderAdjustments=[
            adjustment("SHIPPING_CHARGES", "-3"),
            adjustment("EXT_PROMO_ADJUSTMENT", "-100"),
        ],
    )
    told = " ".join(expected for _, _, expected in findings(document))
    assert "order discounts between 0" in told
    assert "ShippingAmt" in told
    assert "TotalAmt" in told


def test_a_defect_shared_by_billing_and_shipping_or_by_split_lines_is_told_once() -> None:
    """The reader of the feed order has one place to mend, so there is one finding."""
    pickup = feed_order(customerLastName="x" * 31)
    pickup["shipments"][0]["shipTo"] = None
    assert [pointer for pointer, _, _ in findings(pickup)] == ["/customerLastName"]
    split = feed_order(
        feed_item(
            itemQuantity=3,
            shippedQuantity=3,
            itemAdjustments=[adjustment("EXT_PROMO_ADJUSTMENT", "-10.00", "00101")],
            goodIdentifications=[{"goodIdentificationTypeId": "UPCA", "idValue": "5" * 20}],
        ),
        grandTotal=Decimal("84.50"),
    )
    assert len(findings(split)) == 1


@pytest.mark.parametrize(
    ("zone", "at", "local"),
    [
        ("Europe/London", "2026-03-29T00:59:59Z", "2026-03-29T00:59:59"),
        ("Europe/London", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00"),
        ("Europe/London", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00"),
        ("Europe/London", "2026-10-25T01:30:00Z", "2026-10-25T01:30:00"),
        ("America/Chicago", "2026-03-08T07:59:59Z", "2026-03-08T01:59:59"),
        ("America/Chicago", "2026-03-08T08:00:00Z", "2026-03-08T03:00:00"),
        ("Australia/Lord_Howe", "2026-10-03T15:29:59Z", "2026-10-04T01:59:59"),
        ("Australia/Lord_Howe", "2026-10-03T15:30:00Z", "2026-10-04T02:30:00"),
        ("America/El_Salvador", "2026-01-01T02:00:00.999+01:00", "2025-12-31T19:00:00"),
    ],
)
def test_created_date_is_the_time_on_the_stores_wall(zone: str, at: str, local: str) -> None:
    """The order's time becomes the store's local time, on the nights when clocks change too."""
    assert body(feed_order(orderDate=at), profile(time_zone=zone))["CreatedDate"] == local


@pytest.mark.parametrize(("location", "store"), [("last", "PTP02"), ("first", "PTL01")])
def test_the_profile_says_which_store_of_two_is_invoiced(location: str, store: str) -> None:
    """Header and lines use their own store codes; each line names the store it left."""
    document = feed_order(
        feed_item("00101"),
        feed_item("00102", facilityExternalId="POR-2", statusDatetime="2026-03-02T11:15:01Z"),
        grandTotal=Decimal("152.10"),
    )
    members = body(document, profile(invoicing_location=location))
    assert members["InvoicingStore"] == store
    assert [line["StoreOrig"] for line in members["Items"]] == ["L01", "P02"]
    assert all("StoreDest" not in line for line in members["Items"])


def test_an_excluded_channel_is_left_out_and_not_refused() -> None:
    """What the till has invoiced is no failure, whatever else is wrong with it."""
    result, warnings = transform(
        read_order(feed_order(salesChannel="POS_CHANNEL", payments=[]), 0), PROFILE, STORES
    )
    assert isinstance(result, NotInvoiced)
    assert "POS_CHANNEL" in result.reason
    assert not warnings


def test_a_total_that_does_not_add_up_can_be_a_warning() -> None:
    """With amount_mismatch = warn the order is invoiced as it says, and both figures are told."""
    by = profile(amount_mismatch="warn")
    request, warnings = transform(read_order(feed_order(grandTotal=Decimal(80)), 0), by, STORES)
    assert isinstance(request, InvoiceRequest)
    assert request.total == 80
    [warning] = warnings
    assert "78.30 EUR" in warning.expected
    assert "80.00 EUR" in warning.expected


def test_the_total_is_held_to_the_currencys_decimals() -> None:
    """Half a yen is refused, however well it adds up."""
    document = feed_order(
        feed_item(unitPrice=Decimal("30.25"), itemAdjustments=[]),
        currency="JPY",
        grandTotal=Decimal("60.5"),
        orderAdjustments=[],
    )
    assert findings(document) == [("/grandTotal", "60.5", "expected at most 0 decimals for JPY")]


@pytest.mark.parametrize(
    ("payments", "kind"),
    [
        (["EXT_SHOP_CASH_ON_DEL"], 2),
        (["CREDIT_CARD", "GIFT_CARD"], 1),
        (["CREDIT_CARD", "EXT_SHOP_CASH_ON_DEL"], None),
    ],
)
def test_payment_type_comes_from_the_payments(payments: list[str], kind: int | None) -> None:
    """Cash on delivery is 2, the rest 1; both at once cannot be written and is refused."""
    document = feed_order(payments=[{"paymentMethodTypeId": one} for one in payments])
    if kind:
        assert body(document)["PaymentType"] == kind
    else:
        assert findings(document)[0][0] == "/payments"


def test_a_cancelled_payment_does_not_count() -> None:
    """A card that was given up for cash on delivery leaves cash on delivery."""
    payments = [
        {"paymentMethodTypeId": "CREDIT_CARD", "statusId": "PAYMENT_CANCELLED"},
        {"paymentMethodTypeId": "EXT_SHOP_CASH_ON_DEL", "statusId": "PAYMENT_NOT_RECEIVED"},
    ]
    assert body(feed_order(payments=payments))["PaymentType"] == 2


def test_pickup_and_delivery_in_one_order_need_a_decision() -> None:
    """Without one the order is refused; with one it is invoiced that way."""
    document = feed_order(
        feed_item("1"),
        feed_item("2", slaShipmentMethodTypeId="STOREPICKUP"),
        grandTotal=Decimal("152.10"),
    )
    assert [pointer for pointer, _, _ in findings(document)] == ["/shipments"]
    members = body(document, profile(mixed_delivery_type=1))
    assert members["DeliveryType"] == 1
    assert [line["StoreDest"] for line in members["Items"]] == ["L01", "L01"]


def test_order_number_and_upc_come_from_where_the_profile_says() -> None:
    """Number source, strip pattern and the order of the product ids are the brand's."""
    document = changed(
        feed_order(), "/orderIdentifications/1/orderIdentificationTypeId", "SHOPIFY_ORD_NAME"
    )
    document = changed(document, "/orderIdentifications/1/idValue", "CS#20417")
    by = profile(
        order_number_source="SHOPIFY_ORD_NAME",
        order_number_strip="^[A-Z]+#",
        upc_sources=["ERP_ID", "SKU"],
    )
    members = body(document, by)
    assert members["OrderNo"] == "20417"
    assert members["Items"][0]["UPC"] == "VASE-00101"


def test_missing_fields_stand_in_only_where_the_order_says_nothing() -> None:
    """A default never replaces a value, and a blank is no value."""
    by = profile(
        missing_fields={
            "Email": "none@example.pt",
            "LastName": "-",
            "NoDocument": "999",
            "TypeDocument": "nif",
            "Address1": "-",
        }
    )
    document = feed_order(
        customerEmail=" ",
        customerLastName=None,
        orderAttributes=[{"attrName": "customerId", "attrValue": " "}],
    )
    members = body(document, by)
    assert members["CustomerBilling"]["Email"] == "none@example.pt"
    assert members["CustomerBilling"]["LastName"] == "-"
    assert members["CustomerBilling"]["NoDocument"] == "999"
    assert members["CustomerBilling"]["Address1"] == "Rua do Salitre 12"
    assert members["CustomerShipping"]["LastName"] == "Matos"


@pytest.mark.parametrize("company", ["companyId", "companyName", "companyAddress"])
def test_a_fiscal_credit_needs_the_whole_company(company: str) -> None:
    """Each missing company member is found by the name of the order attribute it comes from."""
    names = {"companyId", "companyName", "companyAddress"} - {company}
    attributes = [{"attrName": "customerId", "attrValue": "1"}]
    attributes += [{"attrName": "taxCredit", "attrValue": "Y"}]
    attributes += [{"attrName": name, "attrValue": "Cais 4"} for name in sorted(names)]
    [(pointer, _, expected)] = findings(feed_order(orderAttributes=attributes))
    assert pointer == "/orderAttributes"
    assert f"order attribute {company}" in expected


def test_a_part_of_a_piece_is_invoiced_where_its_price_is_exact() -> None:
    """Half a metre at 0.01 with its share of a discount sums exactly, or is refused with a reason."""
    cloth = {"itemQuantity": Decimal("0.5"), "shippedQuantity": None, "itemAdjustments": []}
    document = feed_order(
        feed_item("1", **cloth, unitPrice=Decimal("0.01")),
        feed_item("2", **cloth, unitPrice=Decimal("0.01")),
        grandTotal=Decimal("1.00"),
        orderAdjustments=[
            adjustment("EXT_PROMO_ADJUSTMENT", "-0.01"),
            adjustment("SALES_TAX", "1"),
        ],
    )
    members = body(document)
    assert (line_sum(members, "Price"), line_sum(members, "Tax")) == (0, 1)
    thirds = feed_order(
        feed_item("1", **{**cloth, "itemQuantity": Decimal("0.3")}, unitPrice=Decimal("10")),
        grandTotal=Decimal("4.00"),
        orderAdjustments=[adjustment("SALES_TAX", "1")],
    )
    [(pointer, _, expected)] = findings(thirds)
    assert pointer == ITEM
    assert "exact price of one unit" in expected


def two_facilities() -> Document:
    """Two parcels from two stores, one item with a promotion, shipping, the tax on the order."""
    order = feed_order(
        feed_item("00101", itemAdjustments=[]),
        feed_item(
            "00102",
            facilityExternalId="POR-2",
            itemQuantity=1,
            shippedQuantity=1,
            unitPrice=Decimal("119.90"),
            statusDatetime="2026-03-02T16:40:00+00:00",
            itemAdjustments=[adjustment("EXT_PROMO_ADJUSTMENT", "-19.90", "00102")],
        ),
        grandTotal=Decimal("201.30"),
    )
    order["orderAdjustments"].append(adjustment("SALES_TAX", "36.80"))
    return order


def pickup() -> Document:
    """A pickup: no ship-to, the store hands it over."""
    order = feed_order(
        feed_item(slaShipmentMethodTypeId="STOREPICKUP", facilityExternalId="FAO-3"),
        orderAdjustments=[],
        grandTotal=Decimal("73.80"),
    )
    order["shipments"][0]["shipTo"] = None
    return order


def uneven_discount() -> Document:
    """10.00 off three pieces and one: neither divides evenly."""
    return feed_order(
        feed_item("00101", itemQuantity=3, shippedQuantity=3, itemAdjustments=[]),
        feed_item(
            "00102",
            itemQuantity=1,
            shippedQuantity=1,
            unitPrice=Decimal("45.50"),
            itemAdjustments=[],
        ),
        orderAdjustments=[
            adjustment("EXT_PROMO_ADJUSTMENT", "-10.00"),
            adjustment("SALES_TAX", "28.87"),
        ],
        grandTotal=Decimal("154.37"),
    )


def cancelled_item() -> Document:
    """An item was cancelled; HotWax left its tax and the negative of it behind."""
    order = feed_order(feed_item(), feed_item("00102", itemStatusId="ITEM_CANCELLED"))
    order["orderAdjustments"].append(adjustment("SALES_TAX", "-13.80", "00102"))
    return order


def cash_on_delivery() -> Document:
    """Paid at the door, billed to the address it is sent to."""
    return feed_order(
        payments=[{"paymentMethodTypeId": "EXT_SHOP_CASH_ON_DEL", "statusId": None}],
        billTo=None,
        customerFirstName=None,
        customerLastName=None,
    )


def fiscal_credit() -> Document:
    """A company wants a tax-credit invoice."""
    said = {
        "customerId": "245678901",
        "documentType": "nipc",
        "taxCredit": "true",
        "companyId": "PT509000001",
        "companyName": "Faianças do Sul Lda",
        "companyAddress": "Estrada Nacional 125, km 88, Almancil",
    }
    return feed_order(
        orderAttributes=[{"attrName": name, "attrValue": value} for name, value in said.items()]
    )


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    "make",
    [two_facilities, pickup, uneven_discount, cancelled_item, cash_on_delivery, fiscal_credit],
)
def test_the_request_is_the_one_that_was_looked_at(
    make: Callable[[], Document], version: int, golden: Callable[[str, str], None]
) -> None:
    """Whole requests, in both versions, stay as they were approved."""
    members = body(make(), profile(request_version=version))
    text = json_text.write_readable(members).decode()
    golden(f"order_to_invoice/{make.__name__}.v{version}.json", text)
