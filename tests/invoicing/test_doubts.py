"""Orders in doubt on both databases: what each capability level does about them, and what it never does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, select, update

from tests.ledger_steps import (
    KEY,
    LONG,
    OVER,
    SERVER,
    STORE,
    accept,
    arm,
    armed,
    events,
    ready,
    recover,
    request,
    rows,
    settle,
    state,
)
from tillbridge.contracts.invoice_lookup import FoundInvoice
from tillbridge.database.engine import transaction
from tillbridge.database.ledger_tables import invoice_failure, invoice_order
from tillbridge.errors import ConfigurationProblem, Finding, RecordRejected, Unavailable
from tillbridge.invoicing.clearing import Cleared, clear_doubts
from tillbridge.invoicing.doubt_policy import MOST_DOUBTS, DoubtPolicy
from tillbridge.invoicing.ledger.attempts import Attempt
from tillbridge.invoicing.ledger.events import OrderKey

NOW = timedelta(0)
L1 = DoubtPolicy("L1", NOW, NOW)
L2 = DoubtPolicy("L2", NOW, NOW)
L3 = DoubtPolicy("L3", NOW, NOW)
SAME = FoundInvoice("RP-1", "20417", Decimal("78.3"), 1)


class Server:
    """A Retail Pro that can be asked; the order `known` was invoiced before."""

    def __init__(self, *found: FoundInvoice, sound: bool = True) -> None:
        self.invoices = {"known": [replace(SAME, order_no="known")] if sound else []}
        self.invoices[KEY.order_no] = list(found)
        self.asked: list[str] = []

    def find(self, order_no: str) -> list[FoundInvoice]:
        """Answer a look-up."""
        self.asked.append(order_no)
        return self.invoices.get(order_no, [])


@pytest.fixture
def known(engine: Engine) -> Engine:
    """A ledger with an order that is certainly invoiced."""
    settle(engine, armed(engine, "known"), "CONFIRMED", erp_ref="RP-0")
    return engine


def doubt(engine: Engine, policy: DoubtPolicy) -> Attempt:
    """Send the order, and get no answer."""
    accept(engine, request())
    attempt = arm(engine, KEY, policy=policy)
    assert attempt
    settle(engine, attempt, "UNKNOWN", policy)
    return attempt


def clear(
    engine: Engine, find: Callable[[str], list[FoundInvoice]], policy: DoubtPolicy
) -> Cleared:
    """Clear doubts once."""
    return clear_doubts(engine, find, STORE, SERVER, policy, "run")


def reasons(engine: Engine) -> list[tuple[str, str]]:
    """List what is reported."""
    return [(row.kind, row.reason_code) for row in rows(engine, select(invoice_failure))]


@pytest.mark.parametrize("policy", [L1, L2])
def test_an_invoice_that_is_found_is_adopted(known: Engine, policy: DoubtPolicy) -> None:
    """With amount and lines as sent, the order is confirmed under the invoice's number."""
    doubt(known, policy)
    assert state(known) == "UNKNOWN"
    assert ready(known, policy) == []

    assert clear(known, Server(SAME).find, policy).counts == {"CONFIRMED": 1}

    [row] = rows(known, select(invoice_order).where(invoice_order.c.order_no == KEY.order_no))
    assert (row.state, row.erp_ref) == ("CONFIRMED", "RP-1")
    assert reasons(known) == []


@pytest.mark.parametrize(
    "found",
    [
        [replace(SAME, total=Decimal("78.31"))],
        [replace(SAME, line_count=2)],
        [replace(SAME, total=None)],
        [SAME, replace(SAME, reference="RP-2")],
    ],
)
@pytest.mark.parametrize("policy", [L1, L2])
def test_another_invoice_is_not_adopted(
    known: Engine, policy: DoubtPolicy, found: list[FoundInvoice]
) -> None:
    """Another amount, other lines or a second invoice are for a person, and nothing is sent again."""
    doubt(known, policy)
    clear(known, Server(*found).find, policy)
    assert state(known) == "PARKED"
    assert reasons(known) == [("conflict", "found-different")]


def test_level_1_parks_what_is_not_found(known: Engine) -> None:
    """It never sends again by itself."""
    doubt(known, L1)
    assert clear(known, Server().find, L1).counts == {"PARKED": 1}
    assert reasons(known) == [("parked", "absent")]


def test_level_2_sends_again_after_two_look_ups(known: Engine) -> None:
    """Absent twice, with a known invoice found in the same session: the order goes again."""
    doubt(known, L2)
    server = Server()
    assert clear(known, server.find, L2).counts == {"UNKNOWN": 1}
    assert clear(known, server.find, L2).counts == {"READY": 1}
    assert server.asked == ["known", KEY.order_no] * 2
    again = arm(known, KEY, policy=L2)
    assert again is not None
    assert again.doubtful
    # What a second attempt is refused says nothing about the first.
    assert settle(known, again, "REJECTED", L2) == "UNKNOWN"


def test_level_2_trusts_no_server_that_misses_a_known_invoice(known: Engine) -> None:
    """Absent is worth nothing from a server that does not find what is there."""
    doubt(known, L2)
    for _ in range(4):
        clear(known, Server(sound=False).find, L2)
    assert state(known) == "UNKNOWN"


def test_level_2_needs_an_invoice_to_trust_a_server(engine: Engine) -> None:
    """Before the first invoice nothing can be checked, so nothing is sent again."""
    doubt(engine, L2)
    for _ in range(4):
        clear(engine, Server().find, L2)
    assert state(engine) == "UNKNOWN"


def test_level_2_waits_between_the_look_ups(known: Engine) -> None:
    """Two answers in the same second are one answer."""
    slow = replace(L2, absent=timedelta(minutes=5))
    doubt(known, slow)
    server = Server()
    for _ in range(3):
        clear(known, server.find, slow)
    assert server.asked.count(KEY.order_no) == 1
    assert state(known) == "UNKNOWN"


@pytest.mark.parametrize("level", [L1, L2])
def test_nothing_is_looked_up_in_the_quiet_time(known: Engine, level: DoubtPolicy) -> None:
    """A request may still be under way; to ask now would prove nothing."""
    quiet = replace(level, quiet=timedelta(minutes=15))
    doubt(known, quiet)
    server = Server()
    clear(known, server.find, quiet)
    assert server.asked == []
    assert state(known) == "UNKNOWN"


def test_a_vanished_worker_is_never_taken_for_dead(known: Engine) -> None:
    """It may wake up and send, so its absent order is parked, and its late answer is believed."""
    accept(known, request())
    attempt = arm(known, KEY, lease=OVER, policy=L2)
    assert attempt
    recover(known, policy=L2)
    assert state(known) == "UNKNOWN"
    for _ in range(2):
        clear(known, Server().find, L2)
    assert state(known) == "PARKED"
    assert settle(known, attempt, "CONFIRMED", L2, erp_ref="RP-9") == "CONFIRMED"


def test_a_late_answer_starts_the_quiet_time_anew(known: Engine) -> None:
    """The worker was alive after all, so the order was sent later than was thought."""
    slow = replace(L2, quiet=timedelta(minutes=15))
    accept(known, request())
    attempt = arm(known, KEY, lease=OVER, policy=slow)
    assert attempt
    recover(known, policy=L2)
    settle(known, attempt, "UNKNOWN", slow)
    server = Server()
    clear(known, server.find, slow)
    assert server.asked == []


def test_a_late_answer_shortens_no_quiet_time(engine: Engine) -> None:
    """What an older attempt comes to says nothing about the one that is in flight now."""
    accept(engine, request())
    lost = arm(engine, KEY, lease=OVER, policy=L3)
    assert lost
    recover(engine, policy=L3)
    arm(engine, KEY, lease=LONG, policy=L3)
    column = select(invoice_order.c.sent_until)
    [before] = rows(engine, column)

    settle(engine, lost, "UNKNOWN", L3)

    assert rows(engine, column) == [before]


def test_an_order_is_not_sent_for_ever(known: Engine) -> None:
    """After three doubtful sendings a person looks."""
    server = Server()
    doubt(known, L2)
    for _ in range(MOST_DOUBTS - 1):
        clear(known, server.find, L2)
        clear(known, server.find, L2)
        attempt = arm(known, KEY, policy=L2)
        assert attempt
        settle(known, attempt, "UNKNOWN", L2)
    clear(known, server.find, L2)
    clear(known, server.find, L2)
    assert state(known) == "PARKED"


@pytest.mark.parametrize("level", [L1, L2])
def test_a_server_that_cannot_be_asked_keeps_orders_in_doubt_for_a_day(
    known: Engine, level: DoubtPolicy
) -> None:
    """They wait, the run says why, and after a day they are parked."""
    doubt(known, level)

    def find(order_no: str) -> list[FoundInvoice]:
        raise Unavailable("HTTP 503")

    cleared = clear(known, find, level)
    assert "HTTP 503" in cleared.problem
    assert state(known) == "UNKNOWN"
    age(known, timedelta(hours=25))
    assert clear(known, find, level).parked == [KEY]
    assert state(known) == "PARKED"


def test_a_wrong_look_up_setting_is_a_problem_of_the_run(known: Engine) -> None:
    """No order is parked for it."""
    doubt(known, L1)

    def find(order_no: str) -> list[FoundInvoice]:
        raise ConfigurationProblem("check lookup.rows")

    assert "check lookup.rows" in clear(known, find, L1).problem
    assert state(known) == "UNKNOWN"


def test_a_number_that_cannot_be_asked_for_is_parked(known: Engine) -> None:
    """And the others are looked up."""
    doubt(known, L2)

    def find(order_no: str) -> list[FoundInvoice]:
        raise RecordRejected(order_no, (Finding("/OrderNo", order_no, "plain characters"),))

    clear(known, find, L2)
    assert reasons(known) == [("parked", "no-look-up")]


def test_level_3_sends_the_same_bytes_with_the_same_key(engine: Engine) -> None:
    """It goes from UNKNOWN straight into the air, never through READY."""
    first = doubt(engine, L3)
    assert ready(engine, L3) == [KEY]
    again = arm(engine, KEY, policy=L3)
    assert again
    assert (again.idempotency_key, again.body) == (first.idempotency_key, first.body)
    assert settle(engine, again, "CONFIRMED", L3) == "CONFIRMED"
    assert events(engine)[2:] == [
        ("INFLIGHT", "UNKNOWN"),
        ("UNKNOWN", "INFLIGHT"),
        ("INFLIGHT", "CONFIRMED"),
    ]


def test_a_key_belongs_to_one_content(engine: Engine) -> None:
    """A mended order is a new invoice to the server; the same number of another store is another."""
    first = armed(engine)
    settle(engine, first, "REJECTED")
    accept(engine, request(content="mended"), "b.json")
    mended = arm(engine, KEY, policy=L3)
    accept(engine, request(product_store_id="OTHER", order_id="M-OTHER"))
    other = arm(engine, OrderKey("OTHER", KEY.order_no), policy=L3)
    assert mended
    assert other
    assert len({one.idempotency_key for one in (first, mended, other)}) == 3


@pytest.mark.parametrize("level", ["L0", "L1", "L2"])
def test_without_keys_an_order_in_doubt_is_not_sent(engine: Engine, level: str) -> None:
    """Also when the endpoint had keys before."""
    doubt(engine, L3)
    policy = replace(L2, level=level)  # type: ignore[arg-type]
    assert ready(engine, policy) == []
    assert arm(engine, KEY, policy=policy) is None


def test_a_request_without_key_is_not_repeated_with_one(engine: Engine) -> None:
    """The server could not know that it is the same."""
    doubt(engine, L1)
    assert ready(engine, L3) == []
    assert arm(engine, KEY, policy=L3) is None
    assert clear(engine, Server().find, L3).parked == [KEY]


def test_one_request_without_key_spoils_the_keys_of_the_others(known: Engine) -> None:
    """The level was raised after the first sending; what came of that one no key can say."""
    doubt(known, L2)
    for _ in range(2):
        clear(known, Server().find, L2)
    keyed = arm(known, KEY, policy=L3)
    assert keyed
    settle(known, keyed, "UNKNOWN", L3)
    assert ready(known, L3) == []
    assert arm(known, KEY, policy=L3) is None


def test_a_key_is_not_used_after_its_life(engine: Engine) -> None:
    """A server forgets keys; then the same request is a second invoice."""
    doubt(engine, L3)
    age(engine, timedelta(hours=24))
    assert ready(engine, L3) == []
    assert arm(engine, KEY, policy=L3) is None
    assert clear(engine, Server().find, L3).parked == [KEY]


def test_a_lowered_level_waits_out_the_quiet_time_too(known: Engine) -> None:
    """Whatever level made the doubt, the last sending may still be worked on."""
    doubt(known, L3)
    slow = replace(L2, quiet=timedelta(minutes=15))
    server = Server()
    clear(known, server.find, slow)
    assert server.asked == []
    age(known, timedelta(minutes=16))
    clear(known, server.find, slow)
    assert server.asked == ["known", KEY.order_no]


def test_a_key_has_to_live_until_the_last_request_was_applied(engine: Engine) -> None:
    """A repeat near the end of its life might be applied after it."""
    slow = replace(L3, quiet=timedelta(minutes=15))
    doubt(engine, slow)
    age(engine, timedelta(hours=23, minutes=50))
    assert arm(engine, KEY, policy=slow) is None


def test_a_repeat_that_was_not_sent_leaves_the_order_in_doubt(engine: Engine) -> None:
    """That the second did not go proves nothing about the first."""
    doubt(engine, L3)
    again = arm(engine, KEY, policy=L3)
    assert again
    assert settle(engine, again, "READY", L3) == "UNKNOWN"
    assert ready(engine, L3) == [KEY]


def test_level_0_parks_what_an_earlier_level_left_in_doubt(engine: Engine) -> None:
    """Whoever lowers the level finds these orders in the report."""
    doubt(engine, L2)
    assert clear(engine, Server().find, DoubtPolicy("L0")).parked == [KEY]
    assert reasons(engine) == [("parked", "code-UNKNOWN")]


def test_two_invoices_are_reported(engine: Engine) -> None:
    """Should it ever happen, nobody has to find it by chance."""
    accept(engine, request())
    lost = arm(engine, KEY, lease=OVER)
    assert lost
    recover(engine)
    with transaction(engine) as connection:
        connection.execute(update(invoice_order).values(state="READY", doubts=0))
    second = arm(engine, KEY, lease=LONG)
    assert second
    settle(engine, second, "CONFIRMED", erp_ref="RP-2")
    settle(engine, lost, "CONFIRMED", erp_ref="RP-1")
    assert ("conflict", "invoiced-twice") in reasons(engine)


def test_an_answer_that_is_written_down_twice_counts_once(engine: Engine) -> None:
    """A commit whose answer was lost is tried again."""
    doubt_once = doubt(engine, L2)
    settle(engine, doubt_once, "UNKNOWN", L2)
    [row] = rows(engine, select(invoice_order.c.doubts))
    assert row.doubts == 1


def age(engine: Engine, by: timedelta) -> None:
    """Make every doubt older."""
    column = invoice_order.c
    [row] = rows(engine, select(invoice_order).where(column.order_no == KEY.order_no))
    times = ("unknown_since", "keyed_since", "sent_until")
    older = {name: getattr(row, name) - by for name in times if getattr(row, name)}
    with transaction(engine) as connection:
        connection.execute(update(invoice_order).values(**older))
