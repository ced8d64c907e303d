"""An order belongs to the server of its first attempt, and its quiet time to the attempt, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, select, text, update

from tests.ledger_steps import (
    KEY,
    OVER,
    SERVER,
    STORE,
    accept,
    arm,
    recover,
    request,
    rows,
    settle,
    state,
)
from tillbridge.clients.retail_pro_settings import RetailProSettings
from tillbridge.contracts.invoice_lookup import FoundInvoice
from tillbridge.database.engine import connect, transaction
from tillbridge.database.ledger_tables import invoice_event, invoice_order
from tillbridge.database.upgrading import upgrade
from tillbridge.invoicing.clearing import clear_doubts
from tillbridge.invoicing.control_totals import check_totals
from tillbridge.invoicing.doubt_policy import DoubtPolicy
from tillbridge.invoicing.ledger import attempts, hands, servers
from tillbridge.invoicing.ledger.attempts import Attempt, Terms
from tillbridge.invoicing.ledger.hands import Decision, Endpoint, Resolution, Statement
from tillbridge.invoicing.outcome import NOT_SENT
from tillbridge.invoicing.sending import Outcome, Result, Sender

OTHER = "https://elsewhere.example.com"
NOW, HOUR = timedelta(0), timedelta(hours=1)
L0, L1, L2 = DoubtPolicy("L0", NOW, NOW), DoubtPolicy("L1", NOW, NOW), DoubtPolicy("L2", NOW, NOW)
L3 = DoubtPolicy("L3", NOW, NOW)
SAME = FoundInvoice("RP-1", KEY.order_no, Decimal("78.3"), 1)
SAID = Statement("Mara", "it moved house", "the same documents at the new address")


EARLIER = (
    *(
        ("READY", 0, 0),
        ("READY", 2, 0),
        ("REJECTED", 1, 0),
        ("CONFIRMED", 2, 1),
        ("INFLIGHT", 1, 0),
    ),
    *(("UNKNOWN", 1, 1), ("PARKED", 1, 1), ("READY", 2, 1), ("UNKNOWN", 0, 1)),
)
"""Orders as an earlier version left them: state, attempts, doubts."""


def attempt(engine: Engine, server: str = SERVER, policy: DoubtPolicy = L0) -> Attempt | None:
    return attempts.arm(engine, KEY, Terms("w1", server, HOUR, policy))


def tried(engine: Engine, outcome: str, policy: DoubtPolicy = L0) -> str:
    """Accept the order and send it once."""
    accept(engine, request())
    armed = attempt(engine, policy=policy)
    assert armed
    return settle(engine, armed, outcome, policy)  # type: ignore[arg-type]


def clear(engine: Engine, server: str, policy: DoubtPolicy, *found: FoundInvoice) -> list[str]:
    """Clear doubts once; gives which orders were asked about."""
    asked: list[str] = []

    def find(order_no: str) -> list[FoundInvoice]:
        asked.append(order_no)
        return list(found)

    clear_doubts(engine, find, STORE, server, policy, "run")
    return asked


def decide(engine: Engine, decision: Decision, server: str, quiet: timedelta = NOW) -> Resolution:
    return hands.resolve(engine, KEY, decision, SAID, None, Endpoint(server, quiet), dry_run=False)


@pytest.mark.parametrize("outcome", ["READY", "REJECTED"])
def test_an_order_is_not_sent_to_another_server(engine: Engine, outcome: str) -> None:
    """Not even where the first attempt is proved to have booked nothing: a person says when it moves."""
    tried(engine, outcome)
    accept(engine, request(), "z.json")
    assert state(engine) == "READY"

    assert attempts.ready(engine, STORE, OTHER, L0) == []
    assert attempt(engine, OTHER) is None
    assert attempts.ready(engine, STORE, SERVER, L0) == [KEY]
    assert attempt(engine)


def test_an_order_of_which_nothing_left_belongs_to_no_server(engine: Engine) -> None:
    """A mistyped address is corrected, and the order goes; until something may have left."""
    accept(engine, request())
    for server in (OTHER, OTHER, SERVER):
        armed = attempt(engine, server)
        assert armed
        settle(engine, armed, "READY", L0, reason_code=NOT_SENT)
    assert attempts.ready(engine, STORE, OTHER, L0) == [KEY]

    armed = attempt(engine)
    assert armed
    settle(engine, armed, "READY", L0)
    armed = attempt(engine)
    assert armed
    settle(engine, armed, "READY", L0, reason_code=NOT_SENT)
    assert attempts.ready(engine, STORE, OTHER, L0) == []
    assert attempts.ready(engine, STORE, SERVER, L0) == [KEY]


def test_an_order_in_doubt_stays_with_its_server(engine: Engine) -> None:
    """A restore forgets attempts: that none is known which left proves nothing while there is a doubt."""
    accept(engine, request())
    with transaction(engine) as connection:
        connection.execute(update(invoice_order).values(server=SERVER, doubts=1))
    armed = attempt(engine)
    assert armed
    assert settle(engine, armed, "READY", L0, reason_code=NOT_SENT) == "READY"

    assert attempts.ready(engine, STORE, OTHER, L0) == []
    assert attempts.ready(engine, STORE, SERVER, L0) == [KEY]


def test_a_key_is_not_sent_to_another_server_either(engine: Engine) -> None:
    """It would be new there."""
    assert tried(engine, "UNKNOWN", L3) == "UNKNOWN"
    assert attempts.ready(engine, STORE, OTHER, L3) == []
    assert attempt(engine, OTHER, L3) is None
    assert attempt(engine, SERVER, L3)


def test_the_run_says_where_an_order_belongs_and_what_to_do(engine: Engine) -> None:
    """With both servers, the order and the runbook's decision; nothing is posted."""
    tried(engine, "READY")
    settings = RetailProSettings(base_url=OTHER)

    def post(prepare: Callable[[], object]) -> None:
        prepare()
        raise AssertionError("it was posted")

    outcome = Sender(engine, post, settings, "run", print).send(KEY)  # type: ignore[arg-type]

    assert isinstance(outcome, Outcome)
    assert outcome.result is Result.WAITING
    for text_of in (outcome.reason, servers.why_some_wait(engine, STORE, OTHER)):
        for word in (SERVER, OTHER, "change-server", "resolve-order"):
            assert word in text_of
    assert KEY.order_no in servers.why_some_wait(engine, STORE, OTHER)
    assert servers.why_some_wait(engine, STORE, SERVER) == ""


@pytest.mark.parametrize("policy", [L1, L2])
def test_an_order_is_not_looked_up_at_another_server(engine: Engine, policy: DoubtPolicy) -> None:
    """Where it was never sent it is absent, and would be sent again."""
    tried(engine, "UNKNOWN", policy)
    for _ in range(3):
        assert clear(engine, OTHER, policy) == []
    assert state(engine) == "UNKNOWN"
    assert KEY.order_no in servers.why_some_wait(engine, STORE, OTHER)
    assert clear(engine, SERVER, policy, SAME)
    assert state(engine) == "CONFIRMED"


def test_an_invoice_of_another_server_does_not_vouch_for_this_one(engine: Engine) -> None:
    """A look-up is sound if it finds an invoice that this server certainly has."""
    tried(engine, "CONFIRMED")
    accept(engine, request("2"))
    second = attempts.arm(engine, KEY._replace(order_no="2"), Terms("w1", OTHER, HOUR, L2))
    assert second
    settle(engine, second, "UNKNOWN", L2)
    assert clear(engine, OTHER, L2) == ["2"]


def test_control_totals_leave_out_the_orders_of_another_server(engine: Engine) -> None:
    """And say how many, instead of calling each a lost invoice."""
    tried(engine, "CONFIRMED")
    found = check_totals(engine, STORE, OTHER, 2, lambda order_no: [])
    assert (found.compared, found.elsewhere, found.differences) == (0, 1, [])


def test_a_person_lets_an_order_move(engine: Engine) -> None:
    """The server has another address; the log keeps both, who said so and the evidence."""
    tried(engine, "READY")

    assert decide(engine, Decision.CHANGE_SERVER, OTHER).after == f"READY at {OTHER}"

    assert attempts.ready(engine, STORE, SERVER, L0) == []
    assert attempts.ready(engine, STORE, OTHER, L0) == [KEY]
    last = rows(engine, select(invoice_event).order_by(invoice_event.c.id))[-1]
    assert (last.from_state, last.to_state, last.who) == ("READY", "READY", "Mara")
    assert f"from {SERVER} to {OTHER}: it moved house (evidence: the same documents" in last.why


@pytest.mark.parametrize("outcome", ["UNKNOWN", "REJECTED", "CONFIRMED"])
def test_every_order_that_is_not_being_sent_can_move(engine: Engine, outcome: str) -> None:
    """It stays in its state; a dry run changes nothing, and what is there already is refused."""
    before = tried(engine, outcome)
    here = Endpoint(OTHER, NOW)
    dry = hands.resolve(engine, KEY, Decision.CHANGE_SERVER, SAID, None, here, dry_run=True)
    assert dry.refusal == ""
    assert rows(engine, select(invoice_order.c.server)) == [(SERVER,)]

    assert decide(engine, Decision.CHANGE_SERVER, OTHER).refusal == ""
    assert state(engine) == before
    assert rows(engine, select(invoice_order.c.server)) == [(OTHER,)]
    assert "no other server than" in decide(engine, Decision.CHANGE_SERVER, OTHER).refusal


def test_an_order_that_is_being_sent_or_was_never_sent_cannot_move(engine: Engine) -> None:
    """The one would have two servers, the other has none yet."""
    accept(engine, request())
    assert "no other server than" in decide(engine, Decision.CHANGE_SERVER, OTHER).refusal
    assert attempt(engine)
    assert "being sent now" in decide(engine, Decision.CHANGE_SERVER, OTHER).refusal


def test_the_quiet_time_is_that_of_the_attempt(engine: Engine) -> None:
    """A block that says zero now takes no guard away: no decision, and no look-up."""
    long = replace(L1, quiet=HOUR)
    tried(engine, "UNKNOWN", long)
    for decision in (Decision.SEND_AGAIN, Decision.MEND, Decision.CANCEL):
        assert "may still be working on it" in decide(engine, decision, SERVER, NOW).refusal
    assert clear(engine, SERVER, L1) == []
    assert state(engine) == "UNKNOWN"


def test_the_longer_quiet_time_counts(engine: Engine) -> None:
    """Whoever learnt that the server works longer raises the setting, and means what is under way too."""
    tried(engine, "UNKNOWN", L1)
    assert "may still be" in decide(engine, Decision.SEND_AGAIN, SERVER, HOUR).refusal
    assert clear(engine, SERVER, replace(L1, quiet=HOUR)) == []
    assert decide(engine, Decision.SEND_AGAIN, SERVER, NOW).after == "READY"


def test_the_quiet_time_of_a_vanished_worker_is_that_of_its_attempt(engine: Engine) -> None:
    """Whatever the run that finds it says."""
    accept(engine, request())
    assert arm(engine, KEY, lease=OVER, policy=replace(L1, quiet=HOUR))
    recover(engine, policy=L1)
    gone = replace(SAID, worker_is_gone=True)
    here = Endpoint(SERVER, NOW)
    done = hands.resolve(engine, KEY, Decision.SEND_AGAIN, gone, None, here, dry_run=False)
    assert "may still be working on it" in done.refusal


def test_a_later_shorter_quiet_time_does_not_end_an_earlier_one(engine: Engine) -> None:
    """Both requests may be worked on, the first one longer."""
    tried(engine, "UNKNOWN", replace(L3, quiet=HOUR))
    second = attempt(engine, policy=L3)
    assert second
    settle(engine, second, "UNKNOWN", L3)
    assert "may still be" in decide(engine, Decision.SEND_AGAIN, SERVER, NOW).refusal


def test_what_is_proved_ends_the_quiet_time(engine: Engine) -> None:
    """Nothing is under way that could be booked."""
    tried(engine, "REJECTED", replace(L1, quiet=HOUR))
    assert decide(engine, Decision.CANCEL, SERVER, HOUR).after == "CANCELLED"


def test_orders_of_an_earlier_version(database_url: str) -> None:
    """What may be booked nobody knows where belongs to no server; all others take the first they meet."""
    engine = connect(database_url)
    upgrade(engine, "0007")
    with transaction(engine) as connection:
        for number, (state_then, tries, doubts) in enumerate(EARLIER):
            connection.execute(
                text(
                    "INSERT INTO invoice_order (product_store_id, order_no, revision, body, body_sha256, "
                    "state, attempts, doubts, epoch, total, currency, line_count, invoicing_store, "
                    "source_file, accepted_at, changed_at) VALUES (:store, :number, 1, :body, '', :state, "
                    ":tries, :doubts, 0, 0, 'EUR', 1, 'A', 'a.json', '2026-11-22', '2026-11-22')"
                ),
                {
                    "store": STORE,
                    "number": str(number),
                    "body": b"{}",
                    "state": state_then,
                    "tries": tries,
                    "doubts": doubts,
                },
            )
    upgrade(engine)

    found = rows(engine, select(invoice_order.c.server).order_by(invoice_order.c.order_no))
    assert [row.server for row in found] == [None, None, None, None, "", "", "", "", None]
    assert attempts.ready(engine, STORE, SERVER, L0) == [
        KEY._replace(order_no="0"),
        KEY._replace(order_no="1"),
    ]
    said = servers.why_some_wait(engine, STORE, SERVER)
    assert "an earlier version did not write down" in said
    with transaction(engine) as connection:
        connection.execute(
            update(invoice_order)
            .where(invoice_order.c.order_no == "7")
            .values(order_no=KEY.order_no)
        )
    assert decide(engine, Decision.CHANGE_SERVER, SERVER).refusal == ""
    assert KEY in attempts.ready(engine, STORE, SERVER, L0)
    engine.dispose()
