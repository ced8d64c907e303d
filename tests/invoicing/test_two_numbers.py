"""One HotWax order under several numbers, on both databases: at most one of them is ever sent."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, delete, select, update

from tests.fixtures_database import as_owner
from tests.ledger_steps import (
    LONG,
    OVER,
    PARK,
    SERVER,
    STORE,
    accept,
    arm,
    armed,
    begin_restore,
    end_restore,
    ready,
    recover,
    request,
    rows,
    settle,
    state,
)
from tillbridge.database.engine import database_now, transaction
from tillbridge.database.ledger_tables import (
    invoice_event,
    invoice_failure,
    invoice_order,
    order_identity,
)
from tillbridge.invoicing.control_totals import check_totals
from tillbridge.invoicing.doubt_policy import DoubtPolicy
from tillbridge.invoicing.ledger import two_numbers
from tillbridge.invoicing.ledger.events import OrderKey
from tillbridge.invoicing.ledger.hands import Decision, Endpoint, Resolution, Statement, resolve
from tillbridge.invoicing.ledger.orders import Acceptance
from tillbridge.invoicing.transform import InvoiceRequest

EARLY = "OrderToInvoice-2026-11-22-03-15-00-aaaaaaaa.json"
LATE = "OrderToInvoice-2026-11-22-04-15-00-00000000.json"
SAID = Statement("Mara", "looked it up", "document search of today")
OLD, NEW = "0003", "3"
KEYED = DoubtPolicy("L3")


def numbered(number: str, **changes: Any) -> InvoiceRequest:
    """Give the order M3 under a number."""
    return request(number, **{"order_id": "M3", **changes})


def decide(
    engine: Engine,
    number: str,
    decision: Decision,
    invoice: str | None = None,
    statement: Statement = SAID,
) -> Resolution:
    """Let a person decide, without a quiet time."""
    key = OrderKey(STORE, number)
    return resolve(
        engine, key, decision, statement, invoice, Endpoint(SERVER, timedelta(0)), dry_run=False
    )


def failures(engine: Engine) -> list[Any]:
    """List the failures."""
    return rows(engine, select(invoice_failure).order_by(invoice_failure.c.id))


def sent(engine: Engine, after: str) -> None:
    """Send the order under its old number, with such an outcome."""
    accept(engine, numbered(OLD), EARLY)
    attempt = arm(engine, OrderKey(STORE, OLD), lease=OVER if after == "vanished" else LONG)
    assert attempt is not None
    if after == "vanished":
        recover(engine)
    elif after != "INFLIGHT":
        settle(engine, attempt, after, erp_ref="RP-1")  # type: ignore[arg-type]


def with_outcome(engine: Engine, outcome: str) -> None:
    """Change what an attempt came to."""
    with transaction(engine) as connection:
        connection.exec_driver_sql(f"UPDATE invoice_attempt SET outcome = '{outcome}'")  # noqa: S608


# --- what may have been sent


@pytest.mark.parametrize(
    "after", ["CONFIRMED", "UNKNOWN", "INFLIGHT", "REJECTED", "READY", "vanished"]
)
def test_an_order_that_was_sent_is_not_sent_under_another_number(
    engine: Engine, after: str
) -> None:
    """It is held and reported, with the figures of both, and nothing lets it go by itself."""
    sent(engine, after)
    assert accept(engine, numbered(NEW, content="v2"), LATE) == Acceptance.CONFLICT
    assert accept(engine, numbered(NEW, content="v2"), LATE) == Acceptance.KNOWN
    assert state(engine, NEW) == "HELD"
    assert OrderKey(STORE, NEW) not in ready(engine)
    assert arm(engine, OrderKey(STORE, NEW)) is None
    [told] = [one for one in failures(engine) if one.reason_code == "order-has-two-numbers"]
    assert (told.kind, told.order_no, told.order_id, told.amount) == (
        "conflict",
        NEW,
        "M3",
        Decimal("78.3"),
    )
    assert f"Order M3 came as {NEW} (78.30 EUR), and is known as {OLD} (78.30 EUR, " in told.reason
    assert "resolve-order" in told.next_step


def test_what_else_comes_under_a_held_number_is_told_once_each(engine: Engine) -> None:
    """Also when all of it comes again, as after a restore; nothing of it is sent."""
    sent(engine, "UNKNOWN")
    files = [
        numbered(NEW, content="v2"),
        request(NEW, content="one", order_id="M-ONE"),
        request(NEW, content="another", order_id="M-ANOTHER"),
    ]
    for _ in range(3):
        for one in files:
            accept(engine, one, LATE)
    assert [(one.reason_code, one.order_id) for one in failures(engine) if one.order_no == NEW] == [
        ("order-has-two-numbers", "M3"),
        ("number-used-twice", "M-ONE"),
        ("number-used-twice", "M-ANOTHER"),
    ]
    assert (state(engine, NEW), ready(engine)) == ("HELD", [])


def test_a_cancelled_order_stays_cancelled_under_another_number(engine: Engine) -> None:
    """A person said that it shall never be invoiced."""
    accept(engine, numbered(OLD))
    decide(engine, OLD, Decision.CANCEL)
    assert accept(engine, numbered(NEW), "b.json") == Acceptance.CONFLICT
    assert ready(engine) == []


def test_another_product_store_is_no_way_around(engine: Engine) -> None:
    """An order is what its order id says, in the whole database."""
    sent(engine, "CONFIRMED")
    other = numbered(OLD, product_store_id="OTHER")
    assert accept(engine, other, LATE) == Acceptance.CONFLICT
    assert arm(engine, OrderKey("OTHER", OLD)) is None
    [told] = failures(engine)
    assert (told.product_store_id, told.order_no) == ("OTHER", OLD)
    assert f"{OLD} of {STORE}" in told.reason


def test_a_file_without_an_order_id_tells_it_when_it_becomes_known(engine: Engine) -> None:
    """A number that another program's file brought is the order's, as soon as a feed says so."""
    settle_unnamed = request(OLD, order_id=None)
    accept(engine, settle_unnamed)
    attempt = arm(engine, OrderKey(STORE, OLD))
    assert attempt
    settle(engine, attempt, "CONFIRMED")
    assert accept(engine, numbered(OLD), EARLY) == Acceptance.INVOICED
    assert accept(engine, numbered(NEW), LATE) == Acceptance.CONFLICT


# --- what was never sent


def test_the_newer_number_takes_over_what_was_never_sent(engine: Engine) -> None:
    """The older is closed with an event, and its file never swaps the two back."""
    accept(engine, numbered(OLD), EARLY)
    assert accept(engine, numbered(NEW), LATE) == Acceptance.NEW
    assert (state(engine, OLD), state(engine, NEW)) == ("REPLACED", "READY")
    assert accept(engine, numbered(OLD), EARLY) == Acceptance.KNOWN
    assert accept(engine, numbered(OLD, content="v0"), EARLY) == Acceptance.KNOWN
    assert ready(engine) == [OrderKey(STORE, NEW)]
    assert arm(engine, OrderKey(STORE, OLD)) is None
    closed = rows(engine, select(invoice_event).where(invoice_event.c.order_no == OLD))[-1]
    assert (closed.to_state, closed.who) == ("REPLACED", "test")
    assert "goes as 3" in closed.why
    assert failures(engine) == []


def test_an_older_file_that_comes_later_does_not_take_over(engine: Engine) -> None:
    """Its number is closed as soon as it comes in."""
    accept(engine, numbered(NEW), LATE)
    assert accept(engine, numbered(OLD), EARLY) == Acceptance.KNOWN
    assert (state(engine, OLD), state(engine, NEW)) == ("REPLACED", "READY")


def test_a_number_comes_back_by_a_newer_file(engine: Engine) -> None:
    """As when the setting is taken back before anything was sent."""
    accept(engine, numbered(OLD), "OrderToInvoice-2026-11-22-02-15-00-aaaaaaaa.json")
    accept(engine, numbered(NEW), EARLY)
    assert accept(engine, numbered(OLD), LATE) == Acceptance.REVISED
    assert ready(engine) == [OrderKey(STORE, OLD)]
    assert state(engine, NEW) == "REPLACED"


def test_a_call_that_never_left_is_not_a_sending(engine: Engine) -> None:
    """Retail Pro was down: nothing was sent, so the newer number takes over."""
    sent(engine, "READY")
    with_outcome(engine, "not-sent")
    assert accept(engine, numbered(NEW), LATE) == Acceptance.NEW
    assert ready(engine) == [OrderKey(STORE, NEW)]


def test_a_closed_number_is_free_for_another_order(engine: Engine) -> None:
    """Nothing was ever sent under it."""
    accept(engine, numbered(OLD), EARLY)
    accept(engine, numbered(NEW), EARLY)
    assert (
        accept(engine, request("0003", order_id="M4"), LATE) == Acceptance.HELD
    )  # it looks like 3
    assert decide(engine, OLD, Decision.SEND_AGAIN).after == "READY"
    assert ready(engine) == [OrderKey(STORE, OLD), OrderKey(STORE, NEW)]


# --- two at once


@pytest.mark.parametrize("stores", [(STORE, STORE), (STORE, "OTHER")])
def test_two_workers_with_one_order_under_two_numbers_send_it_once(
    engine: Engine, stores: tuple[str, str]
) -> None:
    """Both take it in and try to send it at the same moment, again and again."""
    gate = threading.Barrier(2)
    won: list[OrderKey] = []

    def race(number: int, key: OrderKey, order_id: str) -> None:
        gate.wait(30)
        one = request(key.order_no, product_store_id=key.product_store_id, order_id=order_id)
        accept(engine, one, f"{number}.json")
        if arm(engine, key, f"w{number}"):
            won.append(key)

    for turn in range(15):
        keys = [OrderKey(store, f"{number}{turn:03}") for number, store in enumerate(stores, 1)]
        threads = [
            threading.Thread(target=race, args=(number, key, f"M{turn}"))
            for number, key in enumerate(keys)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(set(won) & set(keys)) == 1


def test_a_claim_asks_last_of_all_whether_it_is_the_orders_number(engine: Engine) -> None:
    """However an order came to be READY under two numbers, only one of them can be sent."""
    accept(engine, numbered(OLD), EARLY)
    accept(engine, numbered(NEW), LATE)
    with transaction(engine) as connection:
        connection.execute(update(invoice_order).values(state="READY"))
    assert ready(engine) == [OrderKey(STORE, NEW)]
    assert arm(engine, OrderKey(STORE, OLD)) is None
    assert two_numbers.hold_what_may_not_go(engine, STORE, "run") == [OrderKey(STORE, OLD)]
    assert two_numbers.hold_what_may_not_go(engine, STORE, "run") == []
    assert state(engine, OLD) == "HELD"
    assert [one.reason_code for one in failures(engine)] == ["order-has-two-numbers"]
    assert arm(engine, OrderKey(STORE, NEW)) is not None


def test_an_order_in_doubt_is_not_sent_again_with_its_key_under_a_number_it_lost(
    engine: Engine,
) -> None:
    """The key belongs to the number; Retail Pro would book a second invoice."""
    accept(engine, numbered(OLD))
    attempt = arm(engine, OrderKey(STORE, OLD), policy=KEYED)
    assert attempt
    settle(engine, attempt, "UNKNOWN", KEYED)
    with transaction(engine) as connection:
        connection.execute(update(order_identity).values(order_no=NEW))
    assert ready(engine, KEYED) == []
    assert arm(engine, OrderKey(STORE, OLD), policy=KEYED) is None


# --- a person decides


def test_a_held_order_is_cancelled(engine: Engine) -> None:
    """What is invoiced stays, the second number is over."""
    sent(engine, "CONFIRMED")
    accept(engine, numbered(NEW), LATE)
    assert decide(engine, NEW, Decision.CANCEL).after == "CANCELLED"
    assert ready(engine) == []


def test_an_invoiced_order_is_sent_again_only_when_its_invoice_is_said_to_be_void(
    engine: Engine,
) -> None:
    """A slip in the form is not enough; the evidence is in the log."""
    sent(engine, "CONFIRMED")
    accept(engine, numbered(NEW), LATE)
    refused = decide(engine, NEW, Decision.SEND_AGAIN)
    assert refused.after == "HELD"
    assert "invoiced already, as 0003 (78.30 EUR, CONFIRMED, invoice RP-1)" in refused.refusal
    void = Statement("Mara", "voided it", "credit note of today", other_is_void=True)
    assert decide(engine, NEW, Decision.SEND_AGAIN, statement=void).after == "READY"
    assert arm(engine, OrderKey(STORE, NEW)) is not None
    last = rows(engine, select(invoice_event).where(invoice_event.c.order_no == NEW))[-2]
    assert "its other invoice is void" in last.why


def test_what_may_have_been_sent_is_decided_before_the_other_number_goes(engine: Engine) -> None:
    """First the number whose outcome is unknown, then the one that is held."""
    sent(engine, "UNKNOWN")
    accept(engine, numbered(NEW), LATE)
    assert "decide about that number first" in decide(engine, NEW, Decision.SEND_AGAIN).refusal
    decide(engine, OLD, Decision.CANCEL)
    assert decide(engine, NEW, Decision.SEND_AGAIN).after == "READY"
    assert ready(engine) == [OrderKey(STORE, NEW)]


def test_a_refused_order_is_closed_when_its_other_number_is_let_go(engine: Engine) -> None:
    """Handing the refused one over again sends nothing any more."""
    sent(engine, "REJECTED")
    accept(engine, numbered(NEW), LATE)
    assert decide(engine, NEW, Decision.SEND_AGAIN).after == "READY"
    assert state(engine, OLD) == "REPLACED"
    assert accept(engine, numbered(OLD), EARLY) == Acceptance.KNOWN
    assert ready(engine) == [OrderKey(STORE, NEW)]


def test_the_first_number_may_be_let_go_instead(engine: Engine) -> None:
    """The one that was held is closed."""
    sent(engine, "UNKNOWN")
    accept(engine, numbered(NEW), LATE)
    assert decide(engine, OLD, Decision.SEND_AGAIN).after == "READY"
    assert ready(engine) == [OrderKey(STORE, OLD)]
    assert state(engine, NEW) == "REPLACED"


def test_a_late_proof_takes_the_number_back(engine: Engine) -> None:
    """The order turns out to be invoiced under the number that a person gave up."""
    accept(engine, numbered(OLD), EARLY)
    attempt = arm(engine, OrderKey(STORE, OLD), lease=OVER)
    assert attempt
    recover(engine)
    accept(engine, numbered(NEW), LATE)
    gone = Statement("Mara", "stopped it", "the machine is off", worker_is_gone=True)
    decide(engine, OLD, Decision.CANCEL, statement=gone)
    assert decide(engine, NEW, Decision.SEND_AGAIN).after == "READY"
    assert settle(engine, attempt, "CONFIRMED", erp_ref="RP-1") == "CONFIRMED"
    assert ready(engine) == []
    assert arm(engine, OrderKey(STORE, NEW)) is None
    assert two_numbers.hold_what_may_not_go(engine, STORE, "run") == [OrderKey(STORE, NEW)]


def test_a_number_that_was_another_orders_leaves_its_order_free(engine: Engine) -> None:
    """A person gave the number away; its first order comes under another one and is sent."""
    accept(engine, numbered(NEW), EARLY)
    other = request(NEW, content="other", order_id="M-OTHER")
    assert accept(engine, other, LATE) == Acceptance.CONFLICT
    decide(engine, NEW, Decision.MEND)
    assert accept(engine, other, LATE) == Acceptance.REVISED
    assert accept(engine, numbered("77"), LATE) == Acceptance.NEW
    assert ready(engine) == [OrderKey(STORE, NEW), OrderKey(STORE, "77")]


# --- after a restore


def test_after_a_restore_neither_number_goes_by_itself(engine: Engine) -> None:
    """Either may have been sent after the backup; the ledger has forgotten which."""
    with as_owner(engine) as owner, transaction(owner) as connection:
        connection.execute(delete(invoice_order))
    begin_restore(engine)
    accept(engine, numbered(NEW), LATE)
    assert accept(engine, numbered(OLD), EARLY) == Acceptance.CONFLICT
    with transaction(engine) as connection:
        now = database_now(connection)
        connection.execute(
            update(invoice_order)
            .where(invoice_order.c.order_no == NEW)
            .values(state="READY", doubts=0, sent_until=now)
        )
    end_restore(engine)
    assert ready(engine) == []
    assert arm(engine, OrderKey(STORE, NEW), policy=PARK) is None
    two_numbers.hold_what_may_not_go(engine, STORE, "run")
    assert decide(engine, NEW, Decision.INVOICED, "RP-1").after == "CONFIRMED"
    assert "invoiced already" in decide(engine, OLD, Decision.SEND_AGAIN).refusal
    assert decide(engine, OLD, Decision.CANCEL).after == "CANCELLED"


def test_where_each_number_waits_for_the_other_one_is_cancelled(engine: Engine) -> None:
    """Both came in while the ledger had forgotten what it sent; the refusal says the way out."""
    begin_restore(engine)
    accept(engine, numbered(OLD), EARLY)
    accept(engine, numbered(NEW), LATE)
    for number in (OLD, NEW):
        refusal = decide(engine, number, Decision.SEND_AGAIN).refusal
        assert "where each waits for the other, cancel the one that must not be" in refusal
    assert decide(engine, NEW, Decision.CANCEL).after == "CANCELLED"
    assert decide(engine, OLD, Decision.SEND_AGAIN).after == "READY"
    end_restore(engine)
    assert ready(engine) == [OrderKey(STORE, OLD)]


def test_an_order_with_two_invoices_is_a_difference_of_the_control_totals(engine: Engine) -> None:
    """As one that was invoiced twice before; without two there is none."""
    sent(engine, "CONFIRMED")
    accept(engine, numbered(NEW), LATE)
    assert check_totals(engine, STORE, SERVER, 1, None).differences == []
    decide(engine, NEW, Decision.INVOICED, "RP-2")
    [found] = check_totals(engine, STORE, SERVER, 1, None).differences
    assert (found.order, found.what) == ("M3", "invoiced under two numbers")


def test_an_unsent_order_is_armed_as_ever(engine: Engine) -> None:
    """The guard stops nothing else."""
    assert armed(engine).number == 1
