"""What a person may decide about an order, on both databases, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from tests.ledger_steps import (
    KEY,
    OVER,
    SERVER,
    STORE,
    accept,
    arm,
    armed,
    ready,
    recover,
    request,
    rows,
    settle,
    state,
)
from tillbridge.database.ledger_tables import invoice_event, invoice_failure, invoice_order
from tillbridge.errors import ConfigurationProblem
from tillbridge.invoicing.ledger.hands import Decision, Endpoint, Resolution, Statement
from tillbridge.invoicing.ledger.orders import Acceptance
from tillbridge.invoicing.resolving import in_words, resolve_orders

SAID = Statement("Mara", "asked the store", "no document under this number")
NOW = timedelta(0)


GONE = replace(SAID, worker_is_gone=True)


def resolve(
    engine: Engine,
    decision: Decision,
    *invoices: str,
    quiet: timedelta = NOW,
    server: str = SERVER,
    dry_run: bool = False,
    statement: Statement = SAID,
) -> Resolution:
    """Decide about the order."""
    [done] = resolve_orders(
        engine,
        STORE,
        [KEY.order_no],
        decision,
        statement,
        invoices,
        Endpoint(server, quiet),
        dry_run=dry_run,
    )
    return done


@pytest.fixture
def parked(engine: Engine) -> Engine:
    """A ledger whose order is parked."""
    settle(engine, armed(engine), "UNKNOWN")
    return engine


@pytest.mark.parametrize(
    ("decision", "invoices", "after"),
    [
        (Decision.INVOICED, ["RP-7"], "CONFIRMED"),
        (Decision.SEND_AGAIN, [], "READY"),
        (Decision.MEND, [], "REJECTED"),
        (Decision.CANCEL, [], "CANCELLED"),
    ],
)
def test_a_parked_order_is_decided(
    parked: Engine, decision: Decision, invoices: list[str], after: str
) -> None:
    """It moves, and the log keeps who, why and on which evidence."""
    assert resolve(parked, decision, *invoices) == Resolution(KEY.order_no, "PARKED", after)
    assert state(parked) == after
    last = rows(parked, select(invoice_event).order_by(invoice_event.c.id))[-1]
    assert (last.from_state, last.to_state, last.who) == ("PARKED", after, "Mara")
    assert last.why == "asked the store (evidence: no document under this number)"


def test_a_dry_run_changes_nothing(parked: Engine) -> None:
    """It says what would become of the order."""
    before = rows(parked, select(invoice_order)), rows(parked, select(invoice_event))
    done = resolve(parked, Decision.SEND_AGAIN, dry_run=True)
    assert done == Resolution(KEY.order_no, "PARKED", "READY")
    assert in_words([done], dry_run=True) == "1 would be resolved (dry run), 0 refused."
    assert (rows(parked, select(invoice_order)), rows(parked, select(invoice_event))) == before


def test_an_order_that_is_sent_again_is_as_new(parked: Engine) -> None:
    """The evidence ended the doubt: a refusal is a refusal, and it may be replaced."""
    resolve(parked, Decision.SEND_AGAIN)
    assert ready(parked) == [KEY]
    attempt = arm(parked, KEY)
    assert attempt
    assert not attempt.doubtful
    assert settle(parked, attempt, "REJECTED") == "REJECTED"


def test_an_order_to_be_mended_takes_what_comes_next(parked: Engine) -> None:
    """Also after it was in conflict because the mended one came too early."""
    assert accept(parked, request(content="mended"), "b.json") == Acceptance.CONFLICT
    resolve(parked, Decision.MEND)
    assert accept(parked, request(content="mended"), "b.json") == Acceptance.REVISED
    attempt = arm(parked, KEY)
    assert attempt
    assert attempt.body == request(content="mended").body


def test_a_number_that_two_orders_have_can_be_given_to_the_other(engine: Engine) -> None:
    """Neither was sent meanwhile; after the decision the other one is."""
    accept(engine, request())
    other = request(content="other", order_id="M-OTHER")
    assert accept(engine, other, "b.json") == Acceptance.CONFLICT
    assert ready(engine) == []
    assert resolve(engine, Decision.MEND).after == "REJECTED"
    assert accept(engine, other, "c.json") == Acceptance.REVISED
    assert ready(engine) == [KEY]


def test_a_conflict_is_settled_in_favour_of_what_came_first(engine: Engine) -> None:
    """The order goes on with the content it had."""
    accept(engine, request())
    accept(engine, request(order_id="M-OTHER"), "b.json")
    accept(engine, request(content="other", order_id="M-OTHER"), "c.json")
    assert resolve(engine, Decision.SEND_AGAIN).refusal == ""
    assert ready(engine) == [KEY]


def test_nobody_can_know_before_the_quiet_time_is_over(parked: Engine) -> None:
    """Retail Pro may still be working on the request; only that an invoice is there can be known."""
    quiet = timedelta(minutes=15)
    for decision in (Decision.SEND_AGAIN, Decision.MEND, Decision.CANCEL):
        assert "may still be working on it until" in resolve(parked, decision, quiet=quiet).refusal
    assert resolve(parked, Decision.INVOICED, "RP-1", quiet=quiet).refusal == ""


def test_the_late_answer_of_a_vanished_worker_beats_a_persons_decision(engine: Engine) -> None:
    """The person saw no invoice because it was not there yet."""
    attempt = armed(engine, lease=OVER)
    recover(engine)
    assert "may wake up" in resolve(engine, Decision.SEND_AGAIN).refusal
    assert resolve(engine, Decision.SEND_AGAIN, statement=GONE).after == "READY"
    assert settle(engine, attempt, "CONFIRMED", erp_ref="RP-3") == "CONFIRMED"
    assert ready(engine) == []


def test_a_late_answer_without_proof_takes_the_release_back(engine: Engine) -> None:
    """The worker was alive and sent the order: again nobody knows."""
    attempt = armed(engine, lease=OVER)
    recover(engine)
    assert "may wake up" in resolve(engine, Decision.SEND_AGAIN).refusal
    assert resolve(engine, Decision.SEND_AGAIN, statement=GONE).after == "READY"
    assert settle(engine, attempt, "UNKNOWN") == "PARKED"
    assert ready(engine) == []


def test_what_cannot_be_decided_is_refused_with_the_reason(engine: Engine) -> None:
    """An order in flight, an invoiced one, one that the ledger does not have."""
    assert "no such order" in resolve(engine, Decision.CANCEL).refusal
    attempt = armed(engine)
    assert "being sent now" in resolve(engine, Decision.CANCEL).refusal
    settle(engine, attempt, "CONFIRMED", erp_ref="RP-1")
    for decision in (Decision.CANCEL, Decision.SEND_AGAIN, Decision.MEND):
        assert "RP-1" in resolve(engine, decision).refusal
    assert state(engine) == "CONFIRMED"


def test_a_cancelled_order_is_the_end(parked: Engine) -> None:
    """It is not sent, and does not come back by itself."""
    resolve(parked, Decision.CANCEL)
    assert "cannot become READY" in resolve(parked, Decision.SEND_AGAIN).refusal
    assert accept(parked, request(), "b.json") == Acceptance.KNOWN
    assert ready(parked) == []


@pytest.mark.parametrize(
    ("decision", "invoices", "statement", "missing"),
    [
        (Decision.INVOICED, [], SAID, "as many invoice numbers"),
        (Decision.CANCEL, ["RP-1"], SAID, "invoice numbers are for"),
        (Decision.CANCEL, [], Statement("Mara", "why", " "), "reason and evidence"),
        (Decision.CANCEL, [], Statement("", "because", "seen it"), "by"),
        (Decision.CANCEL, [], Statement("M" * 61, "because", "seen it"), "longer than 60"),
    ],
)
def test_a_decision_needs_its_reasons(
    parked: Engine, decision: Decision, invoices: list[str], statement: Statement, missing: str
) -> None:
    """What is missing is named, and nothing is done."""
    with pytest.raises(ConfigurationProblem, match=missing):
        resolve(parked, decision, *invoices, statement=statement)
    assert state(parked) == "PARKED"


def test_an_invoiced_order_whose_change_was_dealt_with_is_in_order_again(engine: Engine) -> None:
    """The conflict is taken off; the invoice stays."""
    settle(engine, armed(engine), "CONFIRMED", erp_ref="RP-1")
    accept(engine, request(content="changed"), "b.json")
    assert resolve(engine, Decision.INVOICED, "RP-1").after == "CONFIRMED"
    [row] = rows(engine, select(invoice_order))
    assert (row.state, row.erp_ref, row.conflict_sha256) == ("CONFIRMED", "RP-1", None)


def test_a_conflict_that_comes_back_after_a_decision_is_reported_again(engine: Engine) -> None:
    """Or it would block the order without anybody knowing; until a decision it is told once."""
    accept(engine, request())
    other = request(content="other", order_id="M-OTHER")
    for number in range(1, 3):
        for _ in range(2):
            assert accept(engine, other, "b.json") == Acceptance.CONFLICT
        assert ready(engine) == []
        assert len(rows(engine, select(invoice_failure))) == number
        resolve(engine, Decision.SEND_AGAIN)
