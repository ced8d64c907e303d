"""The steps of the ledger, with the arguments that most tests do not care about filled in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, select

from tests.fixtures_database import as_owner
from tillbridge.contracts.http_exchange import Exchange
from tillbridge.database.engine import transaction
from tillbridge.database.ledger_tables import invoice_event
from tillbridge.invoicing.doubt_policy import DoubtPolicy
from tillbridge.invoicing.ledger import attempts, orders, restores
from tillbridge.invoicing.ledger.attempts import Attempt, Terms
from tillbridge.invoicing.ledger.events import OrderKey
from tillbridge.invoicing.ledger.look_alikes import HOLD, LookAlikes
from tillbridge.invoicing.ledger.orders import Acceptance
from tillbridge.invoicing.outcome import State as Verdicts
from tillbridge.invoicing.outcome import Verdict
from tillbridge.invoicing.transform import InvoiceRequest

STORE = "CASA_STORE"
KEY = OrderKey(STORE, "20417")
SERVER = "https://retailpro.example.com"
PARK = DoubtPolicy("L0", quiet=timedelta(0))
LONG = timedelta(minutes=5)
OVER = timedelta(seconds=-1)
"""A lease that has run out before it begins, so that no test has to wait."""


def request(number: str = "20417", content: str = "v1", **changes: Any) -> InvoiceRequest:
    """Give an order as the transform makes it."""
    made = InvoiceRequest(
        product_store_id=STORE,
        order_id=f"M{number}",
        order_no=number,
        currency="EUR",
        total=Decimal("78.3"),
        invoicing_store="PTL01",
        line_count=1,
        body=f'{{"OrderNo":"{number}","content":"{content}"}}'.encode(),
    )
    return replace(made, **changes)


def accept(
    engine: Engine,
    one: InvoiceRequest,
    file: str = "a.json",
    look_alike: LookAlikes = HOLD,
) -> Acceptance:
    """Hand one order to the ledger."""
    with transaction(engine) as connection:
        return orders.accept(connection, one, file, "test", look_alike)


def verdict(state: Verdicts, **changes: Any) -> Verdict:
    """Give a verdict."""
    return replace(Verdict(state, f"code-{state}", f"reason {state}", "next"), **changes)


def arm(
    engine: Engine,
    key: OrderKey,
    worker: str = "w1",
    lease: timedelta = LONG,
    policy: DoubtPolicy = PARK,
) -> Attempt | None:
    """Take an order to send it."""
    return attempts.arm(engine, key, Terms(worker, SERVER, lease, policy))


def settle(
    engine: Engine,
    attempt: Attempt,
    state: Verdicts,
    policy: DoubtPolicy = PARK,
    **changes: Any,
) -> str:
    """Settle an attempt with a verdict of that state."""
    exchange = Exchange("answered", status=200, body=f"{state}".encode(), body_complete=True)
    return attempts.settle(engine, attempt, verdict(state, **changes), exchange, "test", policy)


def recover(
    engine: Engine, store: str = STORE, who: str = "w2", policy: DoubtPolicy = PARK
) -> list[OrderKey]:
    """Give up the orders whose lease ran out."""
    return attempts.recover(engine, store, who, policy)


def ready(engine: Engine, policy: DoubtPolicy = PARK) -> list[OrderKey]:
    """List what may be sent."""
    return attempts.ready(engine, STORE, SERVER, policy)


def armed(engine: Engine, number: str = "20417", lease: timedelta = LONG) -> Attempt:
    """Accept and arm an order."""
    accept(engine, request(number))
    attempt = arm(engine, OrderKey(STORE, number), "w1", lease)
    assert attempt is not None
    return attempt


def state(engine: Engine, number: str = "20417") -> str:
    """Give an order's state."""
    return orders.state_of(engine, OrderKey(STORE, number))[0]


def rows(engine: Engine, statement: Any) -> list[Any]:
    """Read rows."""
    with transaction(engine) as connection:
        return list(connection.execute(statement))


def events(engine: Engine, number: str = "20417") -> list[tuple[str | None, str]]:
    """List the steps an order went."""
    found = rows(
        engine,
        select(invoice_event.c.from_state, invoice_event.c.to_state)
        .where(invoice_event.c.order_no == number)
        .order_by(invoice_event.c.id),
    )
    return [tuple(row) for row in found]


def begin_restore(engine: Engine) -> int:
    """Say that the ledger was restored, as the owner: no flow does; gives how many orders are in doubt."""
    with as_owner(engine) as owner:
        return restores.begin(owner, "Mara", "disk lost")


def end_restore(engine: Engine) -> None:
    """Say that the restore is worked off."""
    with as_owner(engine) as owner:
        restores.end(owner, "Mara", "all looked up")


def unmarked(sending: int) -> None:
    """Send without a marker on SFTP."""
