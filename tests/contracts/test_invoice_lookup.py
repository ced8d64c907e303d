"""How the answer to a look-up is read, and what is not taken for an answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from tillbridge.clients.retail_pro_settings import RetailProSettings
from tillbridge.contracts import json_text
from tillbridge.contracts.invoice_lookup import FoundInvoice, LookupReading, read_found
from tillbridge.errors import ConfigurationProblem, Unavailable

ROW = {
    "order_document_number": "0017",
    "document_number": 42,
    "transaction_total_amt": Decimal("89.2"),
    "items": [{"link": "a"}, {"link": "b"}],
}
SHORT = LookupReading(
    query={"order": "{order_no}"},
    rows="/data",
    order_no="/orderNo",
    reference="/invoice",
    total="/amount",
    lines="/lineCount",
)


def read(document: Any, reading: LookupReading | None = None) -> list[FoundInvoice]:
    return read_found(json_text.write(document), reading or LookupReading(), "0017")


def test_the_stock_documents_are_read() -> None:
    """Each row gives reference, total and number of lines, exactly; no row is no invoice."""
    assert read([ROW]) == [FoundInvoice("42", "0017", Decimal("89.2"), 2)]
    assert read([]) == []


def test_another_form_is_read() -> None:
    """Rows below a member, other names and a number of lines are a matter of settings."""
    row = {"orderNo": "0017", "invoice": "F1", "amount": "10.50", "lineCount": 3}
    found = read({"data": [row], "errors": None}, SHORT)
    assert found == [FoundInvoice("F1", "0017", Decimal("10.5"), 3)]


@pytest.mark.parametrize("member", ["document_number", "transaction_total_amt", "items"])
@pytest.mark.parametrize("value", [None, "", True, {}, Decimal("1.00001")])
def test_what_cannot_be_read_is_not_known(member: str, value: Any) -> None:
    """A missing or useless member is None, never a guess: nothing can be compared with it."""
    [found] = read([ROW | {member: value}])
    known = (found.reference, found.total, found.line_count)
    assert None in known or (member, value) == ("document_number", Decimal("1.00001"))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[", b'[{"order_document_number": "0017"}'])
def test_what_is_not_json_proves_nothing(body: bytes) -> None:
    """No list, no answer."""
    with pytest.raises(Unavailable, match="not JSON"):
        read_found(body, LookupReading(), "0017")


@pytest.mark.parametrize("errors", [["no index"], "down", {"code": 1}])
def test_an_error_beside_an_empty_list_proves_nothing(errors: Any) -> None:
    """An empty list with an error is not the server's word that there is no invoice."""
    with pytest.raises(Unavailable, match="/errors"):
        read({"data": [], "errors": errors}, SHORT)


@pytest.mark.parametrize(
    ("document", "reading", "said"),
    [
        ({"data": []}, None, "lookup.rows"),
        (None, None, "lookup.rows"),
        ([], SHORT, "lookup.rows"),
        ({"data": None}, SHORT, "lookup.rows"),
        ([{"document_number": 42}], None, "lookup.order_no"),
        ([ROW | {"order_document_number": None}], None, "lookup.order_no"),
        (["0017"], None, "lookup.order_no"),
        ([ROW | {"order_document_number": "17"}], None, "does not filter"),
        ([ROW | {"order_document_number": 17}], None, "does not filter"),
        ([ROW, ROW | {"order_document_number": "0018"}], None, "lookup.query"),
    ],
)
def test_a_wrong_setting_is_named(document: Any, reading: LookupReading | None, said: str) -> None:
    """Rows that are elsewhere, without their order, or of another order are no result."""
    with pytest.raises(ConfigurationProblem, match=said):
        read(document, reading)


def test_the_order_number_goes_where_it_belongs() -> None:
    """The stock query filters by it and asks page by page; another one takes it where it says."""
    asked = LookupReading().parameters("A.1-b_2", 3)
    assert asked["filter"] == "(order_document_number,eq,A.1-b_2)"
    assert (asked["page_no"], asked["page_size"]) == ("3", "100")
    assert SHORT.parameters("7", 1) == {"order": "7"}
    assert (LookupReading().has_pages, SHORT.has_pages) == (True, False)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("path", "v1/rest/document"),
        ("path", "/v1/rest/document?cols=*"),
        ("query", {"filter": "(order_document_number,eq,7)"}),
        ("rows", "data"),
        ("order_no", ""),
        ("errors", "errors"),
        ("row", "/data"),
    ],
)
def test_a_look_up_that_cannot_work_is_refused(setting: str, value: Any) -> None:
    """A slip in the settings is told by its name before anything is asked."""
    with pytest.raises(ValidationError, match=rf"(?m)^{setting}$"):
        LookupReading.model_validate({setting: value})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"capability": "L4"}, "capability"),
        ({"quiet_minutes": -1}, "quiet_minutes"),
        ({"absent_minutes": -1}, "absent_minutes"),
        ({"key_hours": 0}, "key_hours"),
        ({"key_header": "Key: x"}, "key_header"),
        ({"key_header": ""}, "key_header"),
        ({"key_header": "content-type"}, "another use"),
        ({"key_header": "x-api-key"}, "another use"),
    ],
)
def test_a_level_that_cannot_work_is_refused(settings: dict[str, Any], said: str) -> None:
    """So are times, levels and headers that make no sense."""
    with pytest.raises(ValidationError, match=said):
        RetailProSettings(base_url="http://127.0.0.1:1", **settings)
