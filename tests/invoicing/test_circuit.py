"""The circuit to a server, on both databases: what one worker finds out stops them all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from tests.ledger_steps import KEY, SERVER, accept, arm, request, unmarked
from tillbridge.clients.retail_pro_settings import RetailProSettings
from tillbridge.contracts.http_exchange import Exchange, Posting
from tillbridge.database.engine import database_now, transaction
from tillbridge.database.ledger_tables import circuit as circuit_table
from tillbridge.errors import NotSent
from tillbridge.invoicing.breaker import LONGEST_STREAK
from tillbridge.invoicing.ledger import circuit, orders
from tillbridge.invoicing.ledger.circuit import Passage
from tillbridge.invoicing.ledger.events import OrderKey
from tillbridge.invoicing.sending import Result, Sender


@pytest.fixture
def ready(engine: Engine) -> Engine:
    """A ledger with one order that is ready."""
    accept(engine, request())
    return engine


def test_an_open_circuit_lets_no_order_through(ready: Engine) -> None:
    """Not even one that was claimed in the same moment by another worker."""
    assert circuit.enter(ready, SERVER, "w1") == Passage("free")
    circuit.trip(ready, SERVER, "why", None)
    assert arm(ready, KEY) is None
    assert circuit.why_open(ready, SERVER) == "why"


def test_the_next_run_sends_canaries_and_the_others_wait(ready: Engine) -> None:
    """One run tries; when its orders are answered, everybody sends again."""
    circuit.trip(ready, SERVER, "why", None)
    assert circuit.enter(ready, SERVER, "w1") == Passage("canaries", "why")
    assert circuit.enter(ready, SERVER, "w2") == Passage("none", "why")
    assert arm(ready, KEY, "w2") is None
    assert arm(ready, KEY, "w1") is not None
    circuit.close(ready, SERVER, "w1")
    assert circuit.enter(ready, SERVER, "w2") == Passage("free")
    assert circuit.why_open(ready, SERVER) == ""


def test_a_run_that_learns_nothing_leaves_the_canaries_to_the_next(ready: Engine) -> None:
    """Its order was sent by somebody else meanwhile, say."""
    circuit.trip(ready, SERVER, "why", None)
    circuit.enter(ready, SERVER, "w1")
    circuit.give_back(ready, SERVER, "w1")
    assert circuit.enter(ready, SERVER, "w2").kind == "canaries"


def test_a_run_that_dies_with_the_canaries_does_not_keep_the_circuit(ready: Engine) -> None:
    """After a quarter of an hour another one tries."""
    circuit.trip(ready, SERVER, "why", None)
    circuit.enter(ready, SERVER, "w1")
    with transaction(ready) as connection:
        long_ago = database_now(connection) - timedelta(minutes=16)
        connection.execute(update(circuit_table).values(changed_at=long_ago))
    assert circuit.enter(ready, SERVER, "w2").kind == "canaries"
    assert arm(ready, KEY, "w1") is None


def test_a_run_that_was_replaced_cannot_close_the_circuit(ready: Engine) -> None:
    """Only what the holder sent says anything about the server now."""
    circuit.trip(ready, SERVER, "why", None)
    circuit.enter(ready, SERVER, "w1")
    circuit.trip(ready, SERVER, "again", None)
    circuit.close(ready, SERVER, "w1")
    assert circuit.why_open(ready, SERVER) == "again"


def test_a_server_that_asks_for_a_pause_gets_it(ready: Engine) -> None:
    """Over runs, until the time has passed."""
    circuit.trip(ready, SERVER, "fewer calls", 600)
    assert circuit.enter(ready, SERVER, "w1") == Passage("none", "fewer calls")
    with transaction(ready) as connection:
        connection.execute(update(circuit_table).values(not_before=database_now(connection)))
    assert circuit.enter(ready, SERVER, "w1").kind == "canaries"


def test_another_server_is_not_stopped(ready: Engine) -> None:
    """One sick server does not keep a brand with its own from invoicing."""
    circuit.trip(ready, "https://other.example.com", "why", None)
    assert circuit.enter(ready, SERVER, "w1") == Passage("free")
    assert arm(ready, KEY) is not None


def test_a_sick_server_costs_a_streak_of_orders_at_most(engine: Engine) -> None:
    """What one sender meets stops another that runs beside it; the rest stays READY."""
    for number in range(20):
        accept(engine, request(str(number)))

    def post(take: Callable[[], Posting]) -> Exchange:
        take()
        return Exchange("answered", 502, body=b"", body_complete=True)

    settings = RetailProSettings(base_url=SERVER)
    one, other = (Sender(engine, post, settings, name, unmarked) for name in ("w1", "w2"))
    for number in range(10):
        one.send(OrderKey("CASA_STORE", str(number)))

    assert other.send(OrderKey("CASA_STORE", "15")).result == Result.WAITING
    streak = LONGEST_STREAK["unknown"]
    assert orders.counts(engine, "CASA_STORE") == {"PARKED": streak, "READY": 20 - streak}


def test_a_wrong_setting_burns_no_order(engine: Engine) -> None:
    """However many are refused at the door, every one is READY."""
    for number in range(5):
        accept(engine, request(str(number)))

    def post(take: Callable[[], Posting]) -> Exchange:
        take()
        return Exchange("answered", 403, body=b"", body_complete=True)

    sender = Sender(engine, post, RetailProSettings(base_url=SERVER), "w1", unmarked)
    for number in range(5):
        try:
            sender.send(OrderKey("CASA_STORE", str(number)))
        except NotSent:
            continue
    assert orders.counts(engine, "CASA_STORE") == {"READY": 5}
    assert "credential" in circuit.why_open(engine, SERVER)
