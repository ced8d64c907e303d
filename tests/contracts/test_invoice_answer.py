"""Reading Retail Pro's answer by settings: what it says, and nothing it does not say."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillbridge.contracts import json_text
from tillbridge.contracts.invoice_answer import AnswerReading, InvoiceAnswer, read_answer

NESTED = AnswerReading(
    success="/data/0/state~1code",
    success_values=["OK", 1],
    rejected_values=["ERR"],
    reference="/data/0/sid",
    message="/errors/0/~0text",
    order_no="/data/0/ref",
    total="",
)


def read(document: Any, reading: AnswerReading | None = None) -> InvoiceAnswer:
    """Read an answer that is JSON."""
    answer = read_answer(json_text.write(document), reading or AnswerReading())
    assert answer is not None
    return answer


def test_the_standard_reading() -> None:
    """Flag, reference, message and echoes stand at the root."""
    answer = read(
        {"success": True, "invoiceNo": 88, "message": "ok", "orderNo": "20417", "total": 78.3}
        | {"total": Decimal("78.30")}
    )
    assert answer == InvoiceAnswer(True, "88", "ok", "20417", Decimal("78.3"))


def test_a_reading_may_point_anywhere() -> None:
    """Pointers go through lists and names with / and ~; an empty pointer reads nothing."""
    said = {"data": [{"state/code": "OK", "sid": "S1", "ref": "20417"}], "total": 5}
    assert read(said, NESTED) == InvoiceAnswer(True, "S1", None, "20417", None)
    refused = {"data": [{"state/code": "ERR"}], "errors": [{"~text": "no UPC"}]}
    assert read(refused, NESTED) == InvoiceAnswer(False, None, "no UPC", None, None)


@pytest.mark.parametrize(
    ("flag", "made"),
    [
        (True, True),
        ("true", True),
        (False, False),
        ("false", False),
        (1, None),
        (0, None),
        ("TRUE", None),
        (None, None),
        ("", None),
        ([True], None),
        ({}, None),
    ],
)
def test_only_the_listed_values_say_yes_or_no(flag: Any, made: bool | None) -> None:
    """One is not true, and silence is neither."""
    assert read({"success": flag}).made is made


def test_a_flag_that_stands_twice_says_nothing() -> None:
    """Neither of two contradicting values is believed."""
    answer = read_answer(b'{"success": true, "success": false}', AnswerReading())
    assert answer is not None
    assert answer.made is None


@pytest.mark.parametrize("total", ["x", True, [], "78,3", "7.83e1", "78.30001"])
def test_a_total_that_is_no_amount_is_not_read(total: Any) -> None:
    """It cannot confirm anything."""
    assert read({"total": total}).total is None


def test_a_total_may_be_text() -> None:
    """Digits are digits."""
    assert read({"total": "78.30"}).total == Decimal("78.3")


@pytest.mark.parametrize("pointer", ["/a/5", "/a/x", "/a/0/b", "/b/c", "/s/0", "/a/-1", "/a/²"])
def test_a_pointer_into_nowhere_reads_nothing(pointer: str) -> None:
    """No shape of answer is an error."""
    assert read({"a": [1], "b": None, "s": "text"}, AnswerReading(success=pointer)).made is None


@pytest.mark.parametrize("body", [b"", b"OK", b"<html/>", b"\xff\xfe{\x00}\x00", b"[" * 100_000])
def test_what_is_no_json_is_no_answer(body: bytes) -> None:
    """The rules decide what that means."""
    assert read_answer(body, AnswerReading()) is None


@given(st.binary(max_size=80) | st.sampled_from([b"null", b"[]", b"[[]]", b'"x"', b"1", b"NaN"]))
def test_any_body_can_be_read(body: bytes) -> None:
    """Nothing Retail Pro says brings the reader down."""
    answer = read_answer(body, NESTED)
    assert answer is None or answer.made in {True, False, None}
