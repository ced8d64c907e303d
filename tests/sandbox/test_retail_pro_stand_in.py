"""What the Retail Pro stand-in promises to those who test against it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.retail_pro import INVOICE_PATH, RetailProStandIn
from tests.fixtures_retail_pro import UPC, order_body

StartRetailPro = Callable[..., RetailProStandIn]


def post(retail_pro: RetailProStandIn, body: bytes) -> httpx.Response:
    """Send an order with a client that is not ours."""
    # Plain HTTP: loading certificates for every call would take most of the time.
    return httpx.post(retail_pro.base_url + INVOICE_PATH, content=body, verify=False)  # noqa: S501


def control(retail_pro: RetailProStandIn, method: str, path: str, body: Any = None) -> Any:
    """Use the control API and give what it answers."""
    answer = httpx.request(method, f"{retail_pro.base_url}/sandbox/{path}", json=body)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def without(document: dict[str, Any], path: str) -> None:
    """Take one member out of a document."""
    *parents, last = path.split("/")
    for name in parents:
        document = document[int(name) if name.isdecimal() else name]
    del document[last]


def with_value(document: dict[str, Any], path: str, value: Any) -> None:
    """Set one member of a document."""
    *parents, last = path.split("/")
    for name in parents:
        document = document[int(name) if name.isdecimal() else name]
    document[last] = value


def test_an_order_is_invoiced_and_its_stock_deducted(retail_pro: RetailProStandIn) -> None:
    """The answer echoes order and total; the invoicing store has two pieces less, if need be below zero."""
    retail_pro.put_stock({"SVA32": {UPC: 1}})
    answer = post(retail_pro, order_body()).json()
    assert answer == {
        "success": True,
        "invoiceNo": "RP0000001",
        "orderNo": "1001",
        "total": 89.2,
        "message": "invoiced",
    }
    [invoice] = retail_pro.invoices()
    assert (invoice.order_no, invoice.store, invoice.total) == ("1001", "SVA32", Decimal("89.2"))
    [stock] = retail_pro.stock()
    assert (stock.store, stock.quantity, stock.deducted) == ("SVA32", Decimal(-1), Decimal(2))


def test_stock_can_be_deducted_at_the_fulfilling_store(start_retail_pro: StartRetailPro) -> None:
    """Told so, each line is deducted at its own store."""
    retail_pro = start_retail_pro(deduct_at="line_store")
    post(retail_pro, order_body())
    assert [(row.store, row.quantity) for row in retail_pro.stock()] == [("A32", Decimal(-2))]


def test_the_journal_survives_a_restart(tmp_path: Path) -> None:
    """Requests, invoices and stock are all there when it starts again, and numbering goes on."""
    with RetailProStandIn(tmp_path) as retail_pro:
        post(retail_pro, order_body("1"))
        before = (retail_pro.requests(), retail_pro.invoices(), retail_pro.stock())
    with RetailProStandIn(tmp_path) as retail_pro:
        assert (retail_pro.requests(), retail_pro.invoices(), retail_pro.stock()) == before
        assert post(retail_pro, order_body("2")).json()["invoiceNo"] == "RP0000002"


def test_a_request_is_known_by_its_bytes(retail_pro: RetailProStandIn) -> None:
    """Each request is in the journal with its digest, also one that cannot be read."""
    for body in (order_body(), b"not json"):
        post(retail_pro, body)
    assert [(row.sha256, row.order_no) for row in retail_pro.requests()] == [
        (hashlib.sha256(order_body()).hexdigest(), "1001"),
        (hashlib.sha256(b"not json").hexdigest(), None),
    ]


def test_double_invoices_are_made_unless_told_otherwise(retail_pro: RetailProStandIn) -> None:
    """By default a second sending makes a second invoice, which is how it is found out."""
    assert [post(retail_pro, order_body()).status_code for _ in range(2)] == [200, 200]
    assert len(retail_pro.invoices("1001")) == 2
    assert retail_pro.stock()[0].deducted == 4


def test_duplicates_are_refused_when_told(retail_pro: RetailProStandIn) -> None:
    """Told so, the second sending is answered 409 with the first invoice's number."""
    control(retail_pro, "POST", "settings", {"duplicates": "refuse"})
    post(retail_pro, order_body())
    again = post(retail_pro, order_body())
    assert (again.status_code, again.json()["invoiceNo"]) == (409, "RP0000001")
    assert len(retail_pro.invoices()) == 1
    assert retail_pro.stock()[0].deducted == 2


@pytest.mark.parametrize(
    "path",
    [
        *("InvoicingStore", "OrderNo", "CreatedDate", "DeliveryType", "PaymentType", "TotalAmt"),
        *("FiscalCredit", "CustomerBilling", "CustomerShipping", "Items"),
        *(
            "CustomerBilling/FirstName",
            "CustomerShipping/NoDocument",
            "CustomerBilling/TypeDocument",
        ),
        *("Items/0/UPC", "Items/0/OrigTax", "Items/0/Qty", "Items/0/StoreOrig"),
    ],
)
def test_what_the_contract_requires_is_missed(path: str, retail_pro: RetailProStandIn) -> None:
    """An order without a required member is refused by its name and has no effect."""
    order = json.loads(order_body())
    without(order, path)
    answer = post(retail_pro, json.dumps(order).encode())
    assert (answer.status_code, answer.json()["success"]) == (400, False)
    assert path.rsplit("/", maxsplit=1)[-1] in answer.json()["message"]
    assert (retail_pro.invoices(), retail_pro.stock()) == ([], [])


@pytest.mark.parametrize(
    ("path", "good", "bad"),
    [
        ("OrderNo", "123456789", "1234567890"),
        ("InvoicingStore", "SVA32", "SVA321"),
        ("CustomerBilling/Email", "e" * 60, "e" * 61),
        ("CustomerBilling/City", "c" * 40, "c" * 41),
        ("Items/0/UPC", "1" * 19, "1" * 20),
        ("Items/0/StoreDest", "A3612", "A36123"),
        ("TotalAmt", 999_999.9999, 1_000_000),
        ("TotalDiscAmt", 10.1234, 10.12345),
        ("ShippingAmt", 0, "0"),
        ("Items/0/Qty", 1, True),
        ("DeliveryType", 1, 3),
        ("PaymentType", 2, "2"),
        ("FiscalCredit", False, ""),
        ("CreatedDate", "2026-11-22T03:15:00", "2026-11-22T03:15:00Z"),
    ],
)
def test_the_limits_of_the_contract_hold(
    path: str, good: Any, bad: Any, retail_pro: RetailProStandIn
) -> None:
    """The longest allowed value passes, the next one does not."""
    statuses = []
    for value in (good, bad):
        order = json.loads(order_body())
        with_value(order, path, value)
        statuses.append(post(retail_pro, json.dumps(order).encode()).status_code)
    assert statuses == [200, 400]


def test_a_tax_credit_invoice_needs_the_company(retail_pro: RetailProStandIn) -> None:
    """With FiscalCredit the company's three members become required."""
    answer = post(retail_pro, order_body(FiscalCredit="true", CompanyId="1", CompanyName="ADOC"))
    assert answer.status_code == 400
    assert answer.json()["message"] == "CompanyAddress is required"


def test_the_first_version_knows_no_fiscal_members(start_retail_pro: StartRetailPro) -> None:
    """Version 1 takes an order without what version 2 added."""
    order = json.loads(order_body())
    for path in ("FiscalCredit", "CustomerBilling/TypeDocument", "CustomerShipping/TypeDocument"):
        without(order, path)
    retail_pro = start_retail_pro(version=1)
    assert post(retail_pro, json.dumps(order).encode()).status_code == 200


def test_a_number_that_json_does_not_have_is_refused(retail_pro: RetailProStandIn) -> None:
    """NaN makes the body unreadable."""
    body = order_body().replace(b'"TotalAmt":89.2', b'"TotalAmt":NaN')
    assert post(retail_pro, body).status_code == 400


@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize(
    "kind", ["status", "hang", "drop", "cut", "drip", "wrong_order", "not_json"]
)
def test_a_fault_makes_the_invoice_or_not_as_told(
    kind: str, commit: bool, retail_pro: RetailProStandIn
) -> None:
    """Every fault comes with and without the invoice, and only once where told once."""
    fault = {"kind": kind, "commit": commit, "seconds": 0.02, "status": 500}
    control(retail_pro, "POST", "faults", {"fault": fault, "order_no": "1001", "times": 1})

    try:
        answer = post(retail_pro, order_body())
    except httpx.RemoteProtocolError:
        assert kind in {"drop", "cut"}
    else:
        confirmed = answer.status_code == 200 and b'"orderNo": "1001"' in answer.content
        assert confirmed is (commit and kind in {"hang", "drip"})
    assert len(retail_pro.invoices()) == commit
    assert post(retail_pro, order_body("1002")).json()["success"] is True
    assert post(retail_pro, order_body()).json()["success"] is True


def test_a_late_invoice_is_made_after_the_client_left(retail_pro: RetailProStandIn) -> None:
    """The invoice comes into being although nobody waits for the answer any more."""
    retail_pro.program("late", seconds=0.3)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(retail_pro.base_url + INVOICE_PATH, content=order_body(), timeout=0.1)
    assert retail_pro.invoices() == []
    for _ in range(200):
        if retail_pro.invoices():
            break
        time.sleep(0.05)
    assert len(retail_pro.invoices()) == 1


@pytest.mark.parametrize("status", [200, 422])
def test_a_rejection_says_why(status: int, retail_pro: RetailProStandIn) -> None:
    """A rejection carries its message in the status it was given and makes no invoice."""
    retail_pro.program("reject", message="store is closed", status=status)
    answer = post(retail_pro, order_body())
    assert (answer.status_code, answer.json()) == (
        status,
        {"success": False, "message": "store is closed"},
    )
    assert retail_pro.invoices() == []


def test_too_many_requests_names_the_wait(retail_pro: RetailProStandIn) -> None:
    """A 429 has the Retry-After it was given."""
    retail_pro.program("status", status=429, retry_after="7", times=1)
    assert post(retail_pro, order_body()).headers["Retry-After"] == "7"
    assert post(retail_pro, order_body()).status_code == 200


def test_a_rate_meets_the_same_orders_every_time(retail_pro: RetailProStandIn) -> None:
    """A share of orders fails, the same ones for the same seed, until the rules are dropped."""
    retail_pro.program("status", rate=0.3, seed=7, status=503)

    def failed() -> set[int]:
        return {n for n in range(60) if post(retail_pro, order_body(str(n))).status_code == 503}

    chosen = failed()
    assert 5 < len(chosen) < 35
    assert failed() == chosen
    control(retail_pro, "DELETE", "faults")
    assert failed() == set()


def test_a_rule_with_a_slip_is_explained(retail_pro: RetailProStandIn) -> None:
    """A misspelt rule is refused in words."""
    answer = httpx.post(
        f"{retail_pro.base_url}/sandbox/faults", json={"fault": {"kind": "explode"}}
    )
    assert answer.status_code == 400
    assert "fault.kind" in answer.text


def test_the_order_query_finds_every_invoice(retail_pro: RetailProStandIn) -> None:
    """The query by order number gives the invoices of that order, and an empty list for others."""

    def found(order_no: str) -> list[tuple[str, float]]:
        answer = httpx.get(
            f"{retail_pro.base_url}/v1/rest/document",
            params={"filter": f"(order_document_number,eq,{order_no})"},
        )
        return [(row["document_number"], row["transaction_total_amt"]) for row in answer.json()]

    post(retail_pro, order_body("1"))
    post(retail_pro, order_body("2"))
    assert found("2") == [("RP0000002", 89.2)]
    assert found("3") == []


def test_another_program_reads_the_journal(start_retail_pro: StartRetailPro) -> None:
    """The control API works without a login and shows what was done, also the refused call."""
    retail_pro = start_retail_pro(credential_mode="bearer")
    control(retail_pro, "POST", "stock", {"SVA32": {UPC: "2.5"}})
    assert post(retail_pro, order_body()).status_code == 401
    assert control(retail_pro, "GET", "invoices") == []
    assert control(retail_pro, "GET", "requests")[0]["note"] == "unauthorized"
    assert control(retail_pro, "GET", "stock") == [
        {"store": "SVA32", "upc": UPC, "quantity": "2.5", "deducted": "0"}
    ]
