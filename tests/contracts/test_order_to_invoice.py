"""The Order to Invoice request, both versions, against every published rule."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import pytest

from sandbox.retail_pro_contract import problems_of
from tests.strategies import Document, changed
from tillbridge.contracts import json_text, order_to_invoice
from tillbridge.contracts.order_to_invoice import OrderToInvoiceV1, OrderToInvoiceV2

Version = Literal[1, 2]


def customer(version: Version) -> Document:
    """Give a customer with every member."""
    members = {
        "FirstName": "Inês",
        "LastName": "Carvalho",
        "Email": "ines@example.pt",
        "Address1": "Rua do Salitre 12",
        "Address2": "3.º Esq.",
        "City": "Lisboa",
        "Country": "Portugal",
        "NoDocument": "245678901",
        "Phone": "+351 210 000 000",
    }
    return members | ({"TypeDocument": "nif"} if version == 2 else {})


def request(version: Version) -> Document:
    """Give a request with every member."""
    members = {
        "InvoicingStore": "PTL01",
        "OrderNo": "20417",
        "CreatedDate": "2026-03-01T18:05:09",
        "DeliveryType": 1,
        "PaymentType": 2,
        "TotalAmt": Decimal("78.3"),
        "TotalDiscAmt": Decimal("1.5"),
        "ShippingAmt": Decimal("4.5"),
        "CustomerBilling": customer(version),
        "CustomerShipping": customer(version),
        "Items": [
            {
                "UPC": "5601234000015",
                "OrigPrice": Decimal(30),
                "OrigTax": Decimal("6.9"),
                "Price": Decimal("29.25"),
                "Tax": Decimal("6.73"),
                "Qty": 2,
                "StoreOrig": "L01",
                "StoreDest": "L02",
            }
        ],
    }
    fiscal = {
        "FiscalCredit": "true",
        "CompanyId": "PT509000001",
        "CompanyName": "Faianças do Sul",
        "CompanyAddress": "Estrada 125",
    }
    return members | (fiscal if version == 2 else {})


def without(document: Document, pointer: str) -> Document:
    """Give a copy without a member."""
    *_, name = pointer.split("/")
    result = changed(document, pointer, None)
    place: Any = result
    for step in pointer.split("/")[1:-1]:
        place = place[int(step)] if isinstance(place, list) else place[step]
    del place[name]
    return result


def problems(document: Document, version: Version) -> dict[str, str]:
    """Give expectation by pointer; the far end's own reading has to agree that there is a fault."""
    found = order_to_invoice.check(document, version)
    if not isinstance(found, tuple):
        assert problems_of(json_text.read(json_text.write(document)), version) == []
        return {}
    return {finding.pointer: finding.expected for finding in found}


LENGTHS = {
    "/InvoicingStore": 5,
    "/OrderNo": 9,
    **{
        f"/{role}/{name}": longest
        for role in ("CustomerBilling", "CustomerShipping")
        for name, longest in {
            "FirstName": 30,
            "LastName": 30,
            "Email": 60,
            "Address1": 40,
            "Address2": 40,
            "City": 40,
            "Country": 40,
            "NoDocument": 20,
        }.items()
    },
    "/Items/0/UPC": 19,
    "/Items/0/StoreOrig": 5,
    "/Items/0/StoreDest": 5,
}
LENGTHS_OF_2 = {
    "/CompanyId": 20,
    "/CompanyName": 30,
    "/CompanyAddress": 80,
    "/CustomerBilling/TypeDocument": 40,
    "/CustomerShipping/TypeDocument": 40,
}
OPTIONAL = {
    "/TotalDiscAmt",
    "/ShippingAmt",
    "/Items/0/StoreDest",
    *(
        f"/Customer{role}/{name}"
        for role in ("Billing", "Shipping")
        for name in ("Address2", "City", "Country", "Phone")
    ),
}  # fmt: skip
AMOUNTS = ["/TotalAmt", "/TotalDiscAmt", "/ShippingAmt"] + [
    f"/Items/0/{name}" for name in ("OrigPrice", "OrigTax", "Price", "Tax", "Qty")
]


def members(document: Any, prefix: str = "") -> list[str]:
    """List the pointers of all members."""
    found = []
    for name, value in document.items():
        found.append(f"{prefix}/{name}")
        if isinstance(value, dict):
            found += members(value, f"{prefix}/{name}")
    return found + ([] if prefix else members(document["Items"][0], "/Items/0"))


@pytest.mark.parametrize("version", [1, 2])
def test_a_whole_request_is_written_as_it_was_read(version: Version) -> None:
    """No member is renamed, dropped or made up."""
    checked = order_to_invoice.check(request(version), version)
    assert isinstance(checked, OrderToInvoiceV1 if version == 1 else OrderToInvoiceV2)
    written = json_text.read(json_text.write(order_to_invoice.write(checked)))
    assert written == json_text.read(json_text.write(request(version)))


@pytest.mark.parametrize(
    ("version", "pointer", "longest"),
    [(version, *rule) for version in (1, 2) for rule in LENGTHS.items()]
    + [(2, *rule) for rule in LENGTHS_OF_2.items()],
)
def test_every_length_is_held(version: Version, pointer: str, longest: int) -> None:
    """The longest text passes, one character more is refused with limit and length."""
    assert problems(changed(request(version), pointer, "x" * longest), version) == {}
    found = problems(changed(request(version), pointer, "x" * (longest + 1)), version)
    assert list(found) == [pointer]
    assert f"at most {longest} characters, this has {longest + 1}" in found[pointer]


@pytest.mark.parametrize(
    ("version", "pointer"),
    [(version, pointer) for version in (1, 2) for pointer in members(request(version))],  # type: ignore[arg-type]
)
def test_every_required_member_is_required(version: Version, pointer: str) -> None:
    """Without it the request is refused at its place; an optional one may be absent or empty."""
    found = problems(without(request(version), pointer), version)
    assert list(found) == ([] if pointer in OPTIONAL else [pointer])
    if pointer not in OPTIONAL and not pointer.startswith("/Company"):
        assert "needs a value" in found[pointer]


@pytest.mark.parametrize("blank", ["", "   "])
@pytest.mark.parametrize("pointer", [*LENGTHS, *LENGTHS_OF_2])
def test_a_blank_is_no_value(pointer: str, blank: str) -> None:
    """A required text of spaces is as good as none."""
    found = problems(changed(request(2), pointer, blank), 2)
    assert list(found) == ([] if pointer in OPTIONAL else [pointer])


@pytest.mark.parametrize("pointer", AMOUNTS)
def test_every_amount_is_of_ten_digits_with_four_decimals(pointer: str) -> None:
    """Ten digits, four of them decimals, never negative, never a float or a word."""
    for good in (Decimal("999999.9999"), Decimal("0.0001"), 7):
        assert problems(changed(request(2), pointer, good), 2) == {}
    for bad in (Decimal(1_000_000), Decimal("0.00001"), Decimal(-1), 1.5, "x", True, "1e2", [1]):
        assert list(problems(changed(request(2), pointer, bad), 2)) == [pointer]
    assert bool(problems(changed(request(2), pointer, 0), 2)) == pointer.endswith("Qty")


@pytest.mark.parametrize("pointer", ["/DeliveryType", "/PaymentType"])
@pytest.mark.parametrize("value", [0, 3, "1", None, True, Decimal("1.5")])
def test_delivery_and_payment_are_one_or_two(pointer: str, value: Any) -> None:
    """Nothing else is known."""
    assert list(problems(changed(request(1), pointer, value), 1)) == [pointer]


@pytest.mark.parametrize(
    "value", ["2026-03-01T18:05:09Z", "2026-03-01T18:05:09.5", "1.3.2026", 1772388309, None]
)
def test_the_date_has_no_zone_and_no_fraction(value: Any) -> None:
    """It is the store's own time, to the second."""
    assert list(problems(changed(request(1), "/CreatedDate", value), 1)) == ["/CreatedDate"]


@pytest.mark.parametrize("year", ["0007", "1999", "9999"])
def test_every_year_has_four_digits(year: str) -> None:
    """Even an absurd date keeps its shape."""
    date = f"{year}-03-01T18:05:09"
    checked = order_to_invoice.check(changed(request(1), "/CreatedDate", date), 1)
    assert not isinstance(checked, tuple)
    assert order_to_invoice.write(checked)["CreatedDate"] == date


@pytest.mark.parametrize("value", ["true", "false", True, False])
def test_a_fiscal_credit_is_text_or_a_boolean(value: Any) -> None:
    """Both forms are passed on as they are."""
    checked = order_to_invoice.check(changed(request(2), "/FiscalCredit", value), 2)
    assert not isinstance(checked, tuple)
    assert order_to_invoice.write(checked)["FiscalCredit"] is value


@pytest.mark.parametrize("value", ["", "yes", "True", 1, 0, None, []])
def test_nothing_else_is_a_fiscal_credit(value: Any) -> None:
    """No other word is taken for yes or no."""
    assert list(problems(changed(request(2), "/FiscalCredit", value), 2)) == ["/FiscalCredit"]


@pytest.mark.parametrize("wanted", ["false", False])
def test_without_a_fiscal_credit_no_company_is_needed(wanted: Any) -> None:
    """The company belongs to the tax credit."""
    document = changed(request(2), "/FiscalCredit", wanted)
    for name in ("CompanyId", "CompanyName", "CompanyAddress"):
        document = without(document, f"/{name}")
    assert problems(document, 2) == {}


@pytest.mark.parametrize(
    ("number", "good"),
    [
        ("20417", True),
        ("A-1 b", True),
        (" 1", False),
        ("1\n", False),
        ("1\x00", False),
        ("ñ", False),
    ],
)
@pytest.mark.parametrize("pointer", ["/OrderNo", "/InvoicingStore", "/Items/0/StoreOrig"])
def test_numbers_of_orders_and_codes_of_stores_are_visible_keys(
    pointer: str, number: str, good: bool
) -> None:
    """They tell orders and stores apart, in the ledger and for people."""
    assert (problems(changed(request(1), pointer, number), 1) == {}) is good


def test_unknown_members_and_other_spellings_are_refused() -> None:
    """A misspelt member is not silently left out; its name is a value, which no pointer and no mail shows."""
    for name in ("Extra", "order_no", "orderNo", "ines@example.pt"):
        found = order_to_invoice.check(request(1) | {name: "x"}, 1)
        assert isinstance(found, tuple)
        assert [(one.pointer, one.value) for one in found] == [("", name)]
        assert name not in found[0].expected
    inside = changed(request(1), "/CustomerBilling", {**request(1)["CustomerBilling"], "Fax": "1"})
    assert list(problems(inside, 1)) == ["/CustomerBilling"]
    assert problems(request(2), 1)


def test_a_request_without_lines_is_refused() -> None:
    """And one bad line is one finding, not two."""
    assert list(problems(changed(request(1), "/Items", []), 1)) == ["/Items"]
    assert list(problems(changed(request(1), "/Items/0/Qty", 0), 1)) == ["/Items/0/Qty"]


def test_json_that_cannot_be_trusted_is_named() -> None:
    """A duplicate member or NaN in a file from elsewhere says what it is."""
    text = json_text.write(request(1)).decode()
    text = text.replace('"TotalAmt":78.3', '"TotalAmt":1,"TotalAmt":78.3')
    text = text.replace('"Qty":2', '"Qty":NaN')
    found = order_to_invoice.check(json_text.read(text.encode()), 1)
    assert isinstance(found, tuple)
    assert {(one.pointer, one.value) for one in found} == {
        ("/TotalAmt", "TotalAmt"),
        ("/Items/0/Qty", "NaN"),
    }
    assert any("several times" in one.expected for one in found)
