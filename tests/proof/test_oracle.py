"""The oracle bites: each thing that must never be is found where it is, and nothing where all is well."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from proof.crashes import oracle
from proof.crashes.evidence import Attempt, Evidence, Failure, Mail, Order
from proof.crashes.oracle import HandedOver
from sandbox.journal import Invoice, Received
from sandbox.retail_pro import RetailProStandIn
from tests.fixtures_retail_pro import order_body
from tillbridge.clients.retail_pro import RetailProClient
from tillbridge.contracts.http_exchange import Posting
from tillbridge.contracts.invoice_answer import AnswerReading
from tillbridge.invoicing.outcome import Sent, judge

START = datetime(2026, 11, 22, 3, tzinfo=UTC)
RUN, KILLED = "run-1", "run-2"
GIVEN = HandedOver(
    sent={"1": Decimal(10), "2": Decimal(20)}, files={"in/a.json": "f1"}, unusable=0, bodies={}
)


def order(number: str, state: str, total: int) -> Order:
    ref = f"RP{number}" if state == "CONFIRMED" else None
    return Order(number, state, Decimal(total), ref, START, START, f"M{number}")


def attempt(number: str, *, ended: bool = True, owner: str = RUN) -> Attempt:
    end = START + timedelta(seconds=2) if ended else None
    status, answer = (200, "a" + number) if ended else (None, None)
    return Attempt(number, 1, owner, "b" + number, START, end, status, answer)


def request(number: str, **changes: Any) -> Received:
    one = Received(
        id=int(number),
        received_at=(START + timedelta(seconds=1)).isoformat(),
        sha256="b" + number,
        bytes=100,
        order_no=number,
        note=None,
        key=None,
        made=True,
        status=200,
        proves="invoiced",
        delivered=True,
        answer_sha256="a" + number,
    )
    return replace(one, **changes)


def invoice(number: str, total: int) -> Invoice:
    return Invoice(f"RP{number}", number, "SVA32", Decimal(total), [], int(number), "")


def well() -> Evidence:
    """Order 1 is invoiced; order 2 was sent, its answer was lost, and it is parked and mailed."""
    steps = [(None, "READY"), ("READY", "INFLIGHT")]
    return Evidence(
        orders={"1": order("1", "CONFIRMED", 10), "2": order("2", "PARKED", 20)},
        attempts={"1": [attempt("1")], "2": [attempt("2", ended=False, owner=KILLED)]},
        steps={
            "1": [*steps, ("INFLIGHT", "CONFIRMED")],
            "2": [*steps, ("INFLIGHT", "UNKNOWN"), ("UNKNOWN", "PARKED")],
        },
        landed={"1": [START + timedelta(seconds=2)], "2": [START + timedelta(seconds=3)]},
        requests={"1": [request("1")], "2": [request("2")]},
        invoices={"1": [invoice("1", 10)], "2": [invoice("2", 20)]},
        failures=[Failure("parked", "2", "report-1", START)],
        mails=[Mail("<report-1@brand.example>", ("2",))],
        responses=[("1", 1)],
        files={"in/archive/a.json": "f1"},
        exported=[],
        unsent_feeds=0,
    )


def problems(found: Evidence) -> str:
    """Say everything that the oracle finds."""
    return "\n".join(oracle.always(found, GIVEN, {KILLED}) + oracle.in_the_end(found, GIVEN, "L0"))


def test_it_finds_nothing_where_all_is_well() -> None:
    """An order that nobody can know about is parked, and that is as it should be."""
    assert problems(well()) == ""
    assert oracle.doubts(well()).reached == {"2"}


def with_order(number: str, one: Order) -> Callable[[Evidence], Evidence]:
    return lambda found: replace(found, orders={**found.orders, number: one})


WRONG: dict[str, tuple[Callable[[Evidence], Evidence], str]] = {
    "doubled": (
        lambda found: replace(found, invoices={"1": [invoice("1", 10)] * 2}),
        "1 invoiced more than once: 1",
    ),
    "invoiced under two numbers": (
        lambda found: replace(
            found,
            orders={number: replace(one, order_id="M1") for number, one in found.orders.items()},
            invoices={"1": [invoice("1", 10)], "2": [invoice("2", 20)]},
        ),
        "1 invoiced under two numbers: M1",
    ),
    "lost": (lambda found: replace(found, orders={"1": found.orders["1"]}), "1 lost: 2"),
    "confirmed without an invoice": (
        lambda found: replace(found, invoices={}),
        "1 confirmed without its invoice: 1",
    ),
    "another amount": (
        lambda found: replace(found, invoices={"1": [invoice("1", 11)]}),
        "1 confirmed with another amount",
    ),
    "rejected but invoiced": (
        with_order("2", order("2", "REJECTED", 20)),
        "1 rejected, but invoiced: 2",
    ),
    "in doubt but sent again": (
        with_order("2", order("2", "READY", 20)),
        "1 in doubt, but not parked: 2",
    ),
    "parked without need": (
        with_order("1", order("1", "PARKED", 10)),
        "1 parked, though its outcome is known: 1",
    ),
    "left open by a living worker": (
        lambda found: replace(found, attempts={"2": [attempt("2", ended=False)]}),
        "1 left open by a worker that was not killed: 2",
    ),
    "sent before it was written down": (
        lambda found: replace(found, attempts={"2": found.attempts["2"]}),
        "1 on the wire without an attempt written down before: 1",
    ),
    "off the edges": (
        lambda found: replace(found, steps={**found.steps, "1": [(None, "CONFIRMED")]}),
        "1 moved along no edge of the states: 1",
    ),
    "an answer not stored": (
        lambda found: replace(found, responses=[]),
        "1 without its answer stored",
    ),
    "an answer stored twice": (
        lambda found: replace(found, responses=[("1", 1), ("1", 1)]),
        "1 stored twice among the answers",
    ),
    "not reported": (
        lambda found: replace(found, failures=[]),
        "1 rejected or parked, but not reported: 2",
    ),
    "not mailed": (
        lambda found: replace(found, failures=[Failure("parked", "2", None, None)]),
        "1 not mailed: 2",
    ),
    "mailed, but nothing came": (
        lambda found: replace(found, mails=[]),
        "1 mailed in no mail that came: 2",
    ),
    "in two mails": (
        lambda found: replace(found, mails=[*found.mails, Mail("<report-2@x>", ("2",))]),
        "1 failed, and in the list of two mails: 2",
    ),
    "a file left": (
        lambda found: replace(found, files={**found.files, "in/processing/x--b.json": "f2"}),
        "1 left waiting or claimed: in/processing/x--b.json",
    ),
    "a file gone": (
        lambda found: replace(found, files={}),
        "1 not in the archive as it was handed over: in/a.json",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_it_finds_what_must_not_be(name: str) -> None:
    """Each is named, with the orders or files it is about."""
    spoil, wanted = WRONG[name]
    assert wanted in problems(spoil(well()))


@pytest.mark.parametrize(
    ("changes", "in_doubt"),
    [
        ({}, False),
        ({"delivered": False}, True),
        ({"answer_sha256": "more than its sender got"}, True),
        ({"proves": "nothing"}, True),
        ({"proves": "refused", "made": False}, False),
        ({"status": 502, "proves": "nothing"}, True),
        ({"status": 502, "proves": "nothing", "answer_sha256": "cut"}, True),
    ],
)
def test_an_order_is_in_doubt_without_a_proof_that_arrived(
    changes: dict[str, Any], in_doubt: bool
) -> None:
    """What was answered counts only if it proves something, was delivered and was written down."""
    found = replace(well(), requests={"1": [request("1", **changes)]})
    assert ("1" in oracle.doubts(found).all) == in_doubt


def test_an_order_whose_worker_died_before_it_was_sent_is_in_doubt_as_well() -> None:
    """Retail Pro never saw it, but nobody on our side can know that."""
    found = replace(well(), requests={"1": [request("1")]})
    assert oracle.doubts(found).unreached == {"2"}


def test_a_refusal_that_comes_when_the_order_was_given_up_may_leave_it_parked() -> None:
    """A worker that lost its order to another run moves it no more, unless an invoice was made."""
    refused = {"1": [request("1", proves="refused", made=False)]}
    parked = {"1": order("1", "PARKED", 10), "2": well().orders["2"]}
    found = replace(well(), requests=well().requests | refused, invoices={}, orders=parked)
    assert "parked, though its outcome is known: 1" in problems(found)
    given_up = replace(found, landed={"1": [START + timedelta(seconds=1)]})
    assert "though its outcome is known" not in problems(given_up)
    assert oracle.doubts(given_up).unheard == {"1"}


def test_an_answer_of_which_only_the_head_came_in_time_proves_nothing(
    retail_pro: RetailProStandIn,
    client_of: Callable[..., RetailProClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Retail Pro made the invoice and saw its client there; the client got a status and then no more."""
    journal, gave_up = retail_pro.retail_pro.journal, threading.Event()
    say = journal.answer

    def say_late(*arguments: Any, **more: Any) -> None:
        assert gave_up.wait(60)
        say(*arguments, **more)

    monkeypatch.setattr(journal, "answer", say_late)
    body = order_body("1")
    exchange = client_of(retail_pro.base_url, deadline=1).post_invoice(lambda: Posting(body))
    gave_up.set()
    assert (exchange.status, exchange.body_complete) == (200, False)
    assert judge(exchange, Sent("1", Decimal("89.2"), False), AnswerReading()).state == "UNKNOWN"
    (received,) = answered(retail_pro)
    assert (received.delivered, received.proves) == (True, "invoiced")

    digest = hashlib.sha256(exchange.body).hexdigest()
    sent = datetime.fromisoformat(received.received_at)
    kept = Attempt("1", 1, RUN, received.sha256, sent, sent, exchange.status, digest)
    found = replace(well(), attempts={"1": [kept]}, requests={"1": [received]})
    assert oracle.doubts(found).reached == {"1"}
    assert oracle.cut_short(found) == {"1"}
    assert oracle.cut_short(well()) == frozenset()


def answered(retail_pro: RetailProStandIn) -> list[Received]:
    """Wait until the stand-in has written down that it answered, and give its requests."""
    for _ in range(6_000):
        if all(one.proves for one in retail_pro.requests()):
            break
        time.sleep(0.01)
    return retail_pro.requests()
