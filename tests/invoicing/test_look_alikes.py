"""Numbers that only look alike are held until they are allowed; orders that look alike are told, and sent."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from tests.ledger_steps import SERVER, STORE, accept, arm, ready, request, rows, settle, state
from tillbridge.database.engine import database_now, transaction
from tillbridge.database.ledger_tables import invoice_attempt, invoice_failure, invoice_order
from tillbridge.invoicing.ledger.events import OrderKey
from tillbridge.invoicing.ledger.hands import Decision, Endpoint, Statement, resolve
from tillbridge.invoicing.ledger.look_alikes import LookAlikes
from tillbridge.invoicing.ledger.orders import Acceptance
from tillbridge.invoicing.reviewing import review_held
from tillbridge.invoicing.transform import InvoiceRequest
from tillbridge.profile import Profile
from tillbridge.reporting import reports
from tillbridge.reporting.report import FailureReport

PROFILE = Profile(product_store_id=STORE, brand="Casa")
ALLOWED = PROFILE.model_copy(update={"look_alike_numbers": "allow"})
SAID = Statement("Mara", "tried it on the test server", "two documents")


def numbers(engine: Engine) -> list[str]:
    """List what may be sent."""
    return [key.order_no for key in ready(engine)]


def failures(engine: Engine) -> list[Any]:
    """List the failures."""
    return rows(engine, select(invoice_failure).order_by(invoice_failure.c.id))


# --- numbers


@pytest.mark.parametrize(
    ("known", "number"),
    [("SV1001", "sv1001"), ("SV 1001", "SV  1001"), ("1001", "01001"), ("1001", "1001.0"),
     ("1001", "+1001")],
)  # fmt: skip
def test_a_number_that_looks_like_a_known_one_waits_until_it_is_allowed(
    engine: Engine, known: str, number: str
) -> None:
    """It is told once with both numbers; when the profile allows it, the next run lets it go."""
    accept(engine, request(known))
    for file in ("b.json", "c.json"):
        said = accept(engine, request(number), file)
        assert said == (Acceptance.HELD if file == "b.json" else Acceptance.KNOWN)
    review_held(engine, PROFILE, "run")
    assert numbers(engine) == [known]
    assert arm(engine, OrderKey(STORE, number)) is None
    [told] = failures(engine)
    assert (told.kind, told.reason_code, told.order_id) == (
        "conflict",
        "number-looks-alike",
        f"M{number}".replace("  ", " "),
    )
    one, other = number.replace(" ", "␣"), known.replace(" ", "␣")
    assert f"Number {one} (78.30 EUR) looks like {other} (78.30 EUR, READY)" in told.reason
    assert "look_alike_numbers" in told.next_step

    review_held(engine, ALLOWED, "run")
    assert numbers(engine) == sorted([known, number], key=[known, number].index)


def test_an_allowed_number_is_not_held_at_all(engine: Engine) -> None:
    """Nor is anybody told."""
    allowed = LookAlikes.from_profile(ALLOWED)
    for number in ("SV1", "sv1"):
        assert accept(engine, request(number), look_alike=allowed) == Acceptance.NEW
    assert failures(engine) == []


def test_a_person_lets_a_number_go(engine: Engine) -> None:
    """With a name and evidence, whatever the profile says; mended content does not hold it again."""
    accept(engine, request("SV1"))
    accept(engine, request("sv1"))
    key = OrderKey(STORE, "sv1")
    done = resolve(
        engine, key, Decision.SEND_AGAIN, SAID, None, Endpoint(SERVER, timedelta(0)), dry_run=False
    )
    assert done.after == "READY"
    assert accept(engine, request("sv1", content="v2"), "b.json") == Acceptance.REVISED
    assert numbers(engine) == ["SV1", "sv1"]


def test_content_that_changes_while_its_number_is_held_stays_held(engine: Engine) -> None:
    """And it is told with its new figures."""
    accept(engine, request("SV1"))
    accept(engine, request("sv1"))
    assert accept(engine, request("sv1", content="v2", total=Decimal(9))) == Acceptance.HELD
    assert numbers(engine) == ["SV1"]
    assert "9.00 EUR" in failures(engine)[-1].reason


def test_an_order_is_not_like_itself(engine: Engine) -> None:
    """A number that its own order had before does not hold the one it has now."""
    accept(engine, request("0003", order_id="M3"))
    assert accept(engine, request("3", order_id="M3")) == Acceptance.NEW
    assert numbers(engine) == ["3"]


def test_another_product_store_has_numbers_of_its_own(engine: Engine) -> None:
    """Retail Pro never compares them."""
    accept(engine, request("SV1"))
    other = request("sv1", product_store_id="OTHER", order_id="M-OTHER")
    assert accept(engine, other) == Acceptance.NEW


# --- orders


def purchase(number: str, email: str = "ana@example.com", **changes: Any) -> InvoiceRequest:
    """Give an order with a customer and lines."""
    body = {
        "OrderNo": number,
        "CustomerBilling": {"FirstName": "Ana", "Email": email},
        "Items": [{"UPC": "400", "Qty": 1, "Price": 78.3, "Tax": 0}],
    }
    return request(number, body=json.dumps(body).encode(), **changes)


def sent(engine: Engine, number: str, days_ago: int = 0) -> None:
    """Invoice an order, so many days ago."""
    accept(engine, purchase(number))
    attempt = arm(engine, OrderKey(STORE, number))
    assert attempt
    settle(engine, attempt, "CONFIRMED", erp_ref="RP-1")
    with transaction(engine) as connection:
        long_ago = database_now(connection) - timedelta(days=days_ago)
        connection.execute(update(invoice_attempt).values(armed_at=long_ago))
        connection.execute(update(invoice_order).values(accepted_at=long_ago))


def test_an_order_like_one_that_was_sent_is_told_and_sent(engine: Engine) -> None:
    """It is a notice, which says what to do and is no failure; it is told once."""
    sent(engine, "1", days_ago=6)
    assert accept(engine, purchase("2")) == Acceptance.NEW
    assert accept(engine, purchase("2"), "b.json") == Acceptance.KNOWN
    assert numbers(engine) == ["2"]
    [told] = failures(engine)
    assert (told.kind, told.reason_code, told.order_no) == ("notice", "order-looks-alike", "2")
    assert told.reason == "It has the customer, total and lines of order 1 (CONFIRMED)."
    assert "void one of the two" in told.next_step
    [opened] = reports.open_reports(engine, STORE)
    assert FailureReport(opened.failures, "UTC", "Casa").headline == "1 notice, nothing failed"


def test_an_order_like_one_that_is_about_to_be_sent_is_told(engine: Engine) -> None:
    """As when both stand in one file."""
    accept(engine, purchase("1"))
    accept(engine, purchase("2"))
    assert [one.order_no for one in failures(engine)] == ["2"]


def test_a_notice_does_not_vanish_when_its_order_is_invoiced(engine: Engine) -> None:
    """Then it matters most."""
    accept(engine, purchase("1"))
    sent(engine, "2")
    [opened] = reports.open_reports(engine, STORE)
    assert [one.reason_code for one in opened.failures] == ["order-looks-alike"]


@pytest.mark.parametrize(
    ("days_ago", "days", "other"),
    [(8, 7, purchase("2")), (0, 0, purchase("2")), (0, 7, purchase("2", "eva@example.com")),
     (0, 7, purchase("2", total=Decimal(9))), (0, 7, purchase("2", order_id="M1"))],
    ids=["too long ago", "switched off", "another customer", "another total", "the same order"],
)  # fmt: skip
def test_no_order_is_told_without_a_likeness(
    engine: Engine, days_ago: int, days: int, other: InvoiceRequest
) -> None:
    """Days, customer, total and the order itself count."""
    sent(engine, "1", days_ago)
    accept(engine, other, look_alike=LookAlikes(orders_told_days=days))
    assert "order-looks-alike" not in {one.reason_code for one in failures(engine)}
    assert state(engine, "1") == "CONFIRMED"
