"""What an exchange with Retail Pro proves, for every row of the classification and both kinds of attempt."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillbridge.contracts.http_exchange import Exchange
from tillbridge.contracts.invoice_answer import AnswerReading
from tillbridge.invoicing.outcome import Sent, Verdict, judge

READING = AnswerReading()
GOOD = {"success": True, "invoiceNo": "F-77", "orderNo": "20417", "total": 78.3}
REFUSAL = {"success": False, "message": "UPC unknown", "orderNo": "20417"}
FIRST, DOUBTFUL = False, True


def sent(doubtful: bool = FIRST) -> Sent:
    """Order 20417 of 78.30, at its first attempt unless said otherwise."""
    return Sent("20417", Decimal("78.3"), doubtful)


def answered(status: int, body: Any = None, **facts: Any) -> Exchange:
    """Give an exchange that was answered, with a body that is JSON unless it is bytes."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Exchange("answered", status=status, body=data, body_complete=True, **facts)


def cut(status: int, body: bytes) -> Exchange:
    """Give an exchange whose answer stopped in the middle."""
    return Exchange("answered", status=status, body=body, problem="cut")


ROWS: list[tuple[str, Exchange, str, str, bool]] = [
    # name, exchange, state at a first attempt, state after doubt, whether the run stops
    ("not sent", Exchange("not_sent", problem="refused"), "READY", "READY", False),
    ("bad certificate", Exchange("not_sent", configuration=True), "READY", "READY", True),
    ("no answer", Exchange("sent_no_answer", problem="deadline"), "UNKNOWN", "UNKNOWN", False),
    ("answered without status", Exchange("answered"), "UNKNOWN", "UNKNOWN", False),
    ("200 good", answered(200, GOOD), "CONFIRMED", "CONFIRMED", False),
    ("201 good", answered(201, GOOD), "CONFIRMED", "CONFIRMED", False),
    ("200 refusal", answered(200, REFUSAL), "REJECTED", "UNKNOWN", False),
    ("200 refusal of another order", answered(200, REFUSAL | {"orderNo": "9"}), "UNKNOWN", "UNKNOWN", False),
    ("200 for another order", answered(200, GOOD | {"orderNo": "20418"}), "UNKNOWN", "UNKNOWN", False),
    ("200 without order", answered(200, GOOD | {"orderNo": None}), "UNKNOWN", "UNKNOWN", False),
    ("200 with another total", answered(200, GOOD | {"total": 78.31}), "UNKNOWN", "UNKNOWN", False),
    ("200 without total", answered(200, GOOD | {"total": None}), "UNKNOWN", "UNKNOWN", False),
    ("200 unclear", answered(200, {"status": "queued"}), "UNKNOWN", "UNKNOWN", False),
    ("200 one is not true", answered(200, GOOD | {"success": 1}), "UNKNOWN", "UNKNOWN", False),
    ("200 twice success", answered(200, b'{"success":false,"success":true}'), "UNKNOWN", "UNKNOWN", False),
    ("200 not JSON", answered(200, b"<html>ok</html>"), "UNKNOWN", "UNKNOWN", False),
    ("200 empty", answered(200, b""), "UNKNOWN", "UNKNOWN", False),
    ("200 UTF-16", answered(200, json.dumps(GOOD).encode("utf-16")), "UNKNOWN", "UNKNOWN", False),
    ("200 cut", cut(200, json.dumps(GOOD).encode()), "UNKNOWN", "UNKNOWN", False),
    ("202", answered(202, GOOD), "UNKNOWN", "UNKNOWN", False),
    ("204", answered(204, b""), "UNKNOWN", "UNKNOWN", False),
    *((f"{code}", answered(code), "UNKNOWN", "UNKNOWN", True) for code in (300, 301, 302, 303, 304)),
    *((f"{code}", answered(code), "READY", "READY", True) for code in (307, 308)),
    *((f"{code}", answered(code, REFUSAL), "REJECTED", "UNKNOWN", False) for code in (400, 413, 422)),
    ("400 cut", cut(400, b'{"succ'), "REJECTED", "UNKNOWN", False),
    ("400 for another order", answered(400, REFUSAL | {"orderNo": "9"}), "UNKNOWN", "UNKNOWN", False),
    ("400 that says it was made", answered(400, GOOD), "UNKNOWN", "UNKNOWN", False),
    *(
        (f"{code}", answered(code), "READY", "READY", True)
        for code in (401, 403, 404, 405, 415)
    ),
    ("409", answered(409, {"invoiceNo": "F-12"}), "UNKNOWN", "UNKNOWN", False),
    ("409 silent", answered(409, b""), "UNKNOWN", "UNKNOWN", False),
    ("429", answered(429, retry_after=30.0), "READY", "READY", False),
    *(
        (f"{code}", answered(code, b"oops"), "UNKNOWN", "UNKNOWN", False)
        for code in (101, 402, 408, 418, 425, 500, 502, 503, 504, 599)
    ),
    ("500 that says it was made", answered(500, GOOD), "UNKNOWN", "UNKNOWN", False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("exchange", "state", "halts"),
    [pytest.param(row[1], row[2], row[4], id=row[0]) for row in ROWS],
)
def test_a_first_attempt(exchange: Exchange, state: str, halts: bool) -> None:
    """Only a proof confirms, rejects or frees an order; a wrong setting stops the run."""
    verdict = judge(exchange, sent(), READING)
    assert (verdict.state, verdict.halt) == (state, halts)
    assert verdict.reason_code
    assert verdict.reason
    assert verdict.next_step


@pytest.mark.parametrize(
    ("exchange", "state"), [pytest.param(row[1], row[3], id=row[0]) for row in ROWS]
)
def test_an_attempt_after_doubt(exchange: Exchange, state: str) -> None:
    """A refusal proves nothing about an earlier attempt that may have been booked."""
    assert judge(exchange, sent(DOUBTFUL), READING).state == state


@given(
    st.sampled_from(["not_sent", "sent_no_answer", "answered"]),
    st.none() | st.integers(100, 599),
    st.binary() | st.sampled_from([json.dumps(GOOD).encode(), b"null", b"[]", b"NaN", b"1", b'""']),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_every_answer_has_a_verdict(
    stage: Any, status: int | None, body: bytes, complete: bool, doubtful: bool, unapplied: bool
) -> None:
    """No answer brings the rule down, and only a whole 2xx with both echoes confirms."""
    exchange = Exchange(stage, status=status, body=body, body_complete=complete)
    verdict = judge(exchange, sent(doubtful), READING, too_many_is_unapplied=unapplied)
    if verdict.state == "CONFIRMED":
        assert stage == "answered"
        assert status in range(200, 300)
        assert status != 202
        assert complete
        assert body == json.dumps(GOOD).encode()
    if verdict.state == "REJECTED":
        assert not doubtful
    if verdict.state == "READY":
        assert stage == "not_sent" or status in {307, 308, 401, 403, 404, 405, 415, 429}
        assert status != 429 or unapplied or stage == "not_sent"


def test_an_order_that_was_never_armed_stays_ready() -> None:
    """When the client gave up before it asked for the order, nothing was sent, whatever it met."""
    verdict = judge(answered(401), None, READING)
    assert (verdict.state, verdict.reason_code) == ("READY", "not-sent")


def test_a_wait_that_was_asked_for_is_kept() -> None:
    """The seconds of Retry-After reach the ledger."""
    assert judge(answered(429, retry_after=30.0), sent(), READING).retry_after == 30.0
    not_sent = Exchange("not_sent", retry_after=5.0, problem="quiet")
    assert judge(not_sent, sent(), READING).retry_after == 5.0


def test_too_many_calls_prove_nothing_where_the_block_says_so() -> None:
    """An endpoint whose 429 may come after the booking is configured so."""
    assert judge(answered(429), sent(), READING, too_many_is_unapplied=False).state == "UNKNOWN"


def test_the_reference_and_the_message_reach_people() -> None:
    """The invoice number is kept; a refusal says what Retail Pro said, a conflict which invoice it has."""
    assert judge(answered(200, GOOD), sent(), READING).erp_ref == "F-77"
    assert "UPC unknown" in judge(answered(422, REFUSAL), sent(), READING).reason
    assert "UPC unknown" in judge(answered(200, REFUSAL), sent(), READING).reason
    assert "F-12" in judge(answered(409, {"invoiceNo": "F-12"}), sent(), READING).reason
    assert (
        "certificate" in judge(Exchange("not_sent", problem="certificate"), sent(), READING).reason
    )


def test_an_echo_that_is_not_promised_is_not_asked_for() -> None:
    """With empty pointers for the echoes a plain success confirms."""
    reading = AnswerReading(order_no="", total="")
    assert judge(answered(200, {"success": True}), sent(), reading).state == "CONFIRMED"


def test_unknown_outcomes_tell_people_to_look_first() -> None:
    """Nothing that might be booked is ever said to be sent again by itself."""
    for _, exchange, state, _, _ in ROWS:
        verdict: Verdict = judge(exchange, sent(), READING)
        assert (state == "UNKNOWN") == ("Look the order up" in verdict.next_step)
