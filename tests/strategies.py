"""Completed orders as HotWax would export them: one written by hand, believable ones, and spoiled ones."""

from __future__ import annotations

import copy
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tillbridge import money
from tillbridge.contracts.json_text import Unreadable
from tillbridge.money import places
from tillbridge.profile import Profile, StoreCodes

Document = dict[str, Any]

STORES = {
    "LIS-1": StoreCodes(invoicing_store="PTL01", store="L01"),
    "POR-2": StoreCodes(invoicing_store="PTP02", store="P02"),
    "FAO-3": StoreCodes(invoicing_store="PTF03", store="F03"),
}

PROFILE = Profile(
    product_store_id="CASA_STORE",
    brand="Casa",
    time_zone="Europe/Lisbon",
    currency="EUR",
    missing_fields={"TypeDocument": "nif"},
)


def profile(**settings: Any) -> Profile:
    """Give the profile of the tests with some settings changed."""
    return Profile.model_validate({**PROFILE.model_dump(), **settings})


def adjustment(kind: str, amount: str, seq_id: str = "_NA_") -> Document:
    """Give an adjustment as the feed writes it."""
    return {
        "orderAdjustmentTypeId": kind,
        "orderItemSeqId": seq_id,
        "amount": money.parse(f"{Decimal(amount):f}"),
        "comments": None,
    }


def feed_item(seq_id: str = "00101", **changes: Any) -> Document:
    """Give one completed item: 2 pieces at 30.00 with 13.80 tax, shipped from Lisbon."""
    return {
        "orderItemSeqId": seq_id,
        "shipGroupSeqId": "00001",
        "itemStatusId": "ITEM_COMPLETED",
        "itemQuantity": 2,
        "shippedQuantity": 2,
        "slaShipmentMethodTypeId": "STANDARD",
        "statusDatetime": "2026-03-02T11:15:00+00:00",
        "productId": "70331",
        "unitPrice": Decimal("30.00"),
        "facilityId": "101",
        "facilityExternalId": "LIS-1",
        "facilityTypeId": "RETAIL_STORE",
        "parentFacilityTypeId": "PHYSICAL_STORE",
        "goodIdentifications": [
            {"goodIdentificationTypeId": "SKU", "idValue": f"VASE-{seq_id}", "thruDate": None},
            {"goodIdentificationTypeId": "UPCA", "idValue": f"5601234{seq_id}", "thruDate": None},
        ],
        "itemAdjustments": [adjustment("SALES_TAX", "13.80", seq_id)],
        **changes,
    }


def feed_order(*items: Document, **changes: Any) -> Document:
    """Give one order that can be invoiced: an item of 73.80 and shipping of 4.50, paid by card."""
    return {
        "productStoreId": "CASA_STORE",
        "orderId": "M100231",
        "orderName": "CS#20417",
        "orderDate": "2026-03-01T18:05:09+00:00",
        "entryDate": "2026-03-01T18:05:40+00:00",
        "orderStatusId": "ORDER_COMPLETED",
        "currency": "EUR",
        "grandTotal": Decimal("78.30"),
        "salesChannel": "WEB_CHANNEL",
        "customerPartyId": "C5512",
        "customerFirstName": "Inês",
        "customerLastName": "Carvalho",
        "customerEmail": "ines@example.pt",
        "facilityId": None,
        "orderIdentifications": [
            {"orderIdentificationTypeId": "SHOPIFY_ORD_ID", "idValue": "5550001112223"},
            {"orderIdentificationTypeId": "SHOPIFY_ORD_NO", "idValue": "20417", "thruDate": None},
        ],
        "billTo": {
            "toName": "Inês Carvalho",
            "address1": "Rua do Salitre 12",
            "city": "Lisboa",
            "countryGeoCode": "PT",
            "countryGeoName": "Portugal",
            "email": None,
            "phone": "+351 210 000 000",
        },
        "orderAdjustments": [adjustment("SHIPPING_CHARGES", "4.50")],
        "orderAttributes": [{"attrName": "customerId", "attrValue": "245678901"}],
        "payments": [{"paymentMethodTypeId": "EXT_SHOP_OTHR_GTWAY", "statusId": "PAYMENT_SETTLED"}],
        "shipments": [
            {
                "trackingNumber": "CTT-881",
                "carrierPartyId": "CTT",
                "shipmentMethodTypeId": "GROUND",
                "shipTo": {
                    "toName": "Rui Matos",
                    "address1": "Avenida da Boavista 300",
                    "city": "Porto",
                    "countryGeoCode": "PT",
                    "countryGeoName": "Portugal",
                },
                "shipmentItems": list(items) or [feed_item()],
            }
        ],
        **changes,
    }


def changed(document: Document, pointer: str, value: Any) -> Document:
    """Give a copy of `document` with another value at the JSON pointer."""
    result = copy.deepcopy(document)
    *path, last = pointer.removeprefix("/").split("/")
    place: Any = result
    for step in path:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return result


def invoiced_items(document: Document) -> list[Document]:
    """List the items of an order that are not cancelled."""
    return [
        item
        for shipment in document["shipments"]
        for item in shipment["shipmentItems"]
        if item["itemStatusId"] != "ITEM_CANCELLED"
    ]


def worth(document: Document, kind: str) -> Decimal:
    """Sum the adjustments of one kind of the order and its invoiced items, worked out from the feed alone."""
    items = invoiced_items(document)
    known = {"_NA_", *(item["orderItemSeqId"] for item in items)}
    rows = [row for row in document["orderAdjustments"] if row["orderItemSeqId"] in known]
    rows += [row for item in items for row in item["itemAdjustments"]]
    return sum((row["amount"] for row in rows if row["orderAdjustmentTypeId"] == kind), Decimal(0))


def goods(document: Document) -> Decimal:
    """Sum quantity times price of the invoiced items."""
    items = invoiced_items(document)
    return sum((item["itemQuantity"] * item["unitPrice"] for item in items), Decimal(0))


@st.composite
def feed_orders(draw: Callable[..., Any], whole_quantities: bool = True) -> Document:
    """Draw an order that adds up: several items, stores, taxes and discounts, some of it cancelled."""
    currency = draw(st.sampled_from(["EUR", "USD", "JPY", "KWD", "GTQ"]))
    step = Decimal(1).scaleb(-places(currency))

    def amount(least: Decimal, most: Decimal) -> Decimal:
        return draw(st.integers(int(least / step), int(most / step))) * step

    def share_of(whole: Decimal) -> Decimal:
        # All or up to nine tenths: a tax scaled up from a price of next to nothing fits no invoice.
        most = draw(st.sampled_from([Decimal(0), whole, whole * Decimal("0.9")]))
        return most if most == whole == round(whole, places(currency)) else amount(Decimal(0), most)

    facilities = st.sampled_from(sorted(STORES))
    quantities = st.one_of(st.integers(1, 12), st.just(997)).map(Decimal)
    if not whole_quantities:
        quantities |= st.sampled_from(["0.5", "1.25", "2.375", "0.0001"]).map(Decimal)
    items = []
    for place in range(draw(st.integers(1, 5))):
        quantity = draw(quantities)
        price = amount(Decimal(0), Decimal(90 if quantity > 100 else 900))
        discount = share_of(quantity * price)
        taxes = [amount(Decimal(0), Decimal(60)) for _ in range(draw(st.integers(0, 2)))]
        seq_id = f"{place + 1:05}"
        items.append(
            feed_item(
                seq_id,
                itemQuantity=quantity,
                shippedQuantity=quantity,
                unitPrice=price,
                facilityExternalId=draw(facilities),
                statusDatetime=f"2026-03-02T{draw(st.integers(10, 20))}:15:00+00:00",
                itemAdjustments=[
                    adjustment("EXT_PROMO_ADJUSTMENT", str(-discount), seq_id),
                    *(adjustment("SALES_TAX", str(tax), seq_id) for tax in taxes),
                ],
            )
        )
    order = feed_order(*items, currency=currency, orderAdjustments=[])
    left = goods(order) + worth(order, "EXT_PROMO_ADJUSTMENT")
    discount = share_of(left)
    order["orderAdjustments"] = [
        adjustment("EXT_PROMO_ADJUSTMENT", str(-discount)),
        adjustment("SHIPPING_CHARGES", str(amount(Decimal(0), Decimal(50)))),
        adjustment("SALES_TAX", str(amount(Decimal(0), Decimal(90)))),
    ]
    if draw(st.booleans()):
        order["shipments"][0]["shipmentItems"].append(
            feed_item("00099", itemStatusId="ITEM_CANCELLED")
        )
        order["orderAdjustments"].append(adjustment("SALES_TAX", "-13.80", "00099"))
    kinds = ("EXT_PROMO_ADJUSTMENT", "SHIPPING_CHARGES", "SALES_TAX")
    total = goods(order) + sum((worth(order, kind) for kind in kinds), Decimal(0))
    order["grandTotal"] = round(total, 4)
    return order


HOSTILE: list[Any] = [
    None,
    "",
    "   ",
    "x" * 5000,
    "a\x00b",
    "\ud800",
    "\u202egnp.exe",
    "１２",  # noqa: RUF001 - full-width digits are the point
    "1_0",
    "1e5",
    "NaN",
    True,
    -1,
    0,
    10**19,
    Decimal("0.0001"),
    Decimal("-0"),
    Decimal("999999.9999"),
    Decimal("999999999999.9999"),
    Decimal("-999999999999.9999"),
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    "2026-02-30T00:00:00Z",
    "2026-03-01",
    [],
    {},
    [None],
    [[]],
    [{}],
    {"amount": 1},
    Unreadable("NaN", "a number"),
    Unreadable("grandTotal", "this member once, it stands here several times"),
]
"""Values that no exporter should write, and that some exporter will."""


def pointers(value: Any, prefix: str = "") -> list[str]:
    """List the JSON pointers of everything inside a document."""
    children: Any = ()
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = enumerate(value)
    return [
        found
        for name, child in children
        for found in (f"{prefix}/{name}", *pointers(child, f"{prefix}/{name}"))
    ]


@st.composite
def spoiled_orders(draw: Callable[..., Any]) -> Document:
    """Draw an order in which one to four values were replaced by something hostile."""
    order = draw(feed_orders(whole_quantities=False))
    for _ in range(draw(st.integers(1, 4))):
        pointer = draw(st.sampled_from(pointers(order)))
        order = changed(order, pointer, draw(st.sampled_from(HOSTILE)))
    return order
