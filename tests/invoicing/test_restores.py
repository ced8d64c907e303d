"""After the database was restored from a backup, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, update

from tests.ledger_steps import (
    KEY,
    SERVER,
    STORE,
    accept,
    arm,
    armed,
    begin_restore,
    end_restore,
    events,
    ready,
    request,
    settle,
    state,
)
from tillbridge.database.engine import database_now, transaction
from tillbridge.database.ledger_tables import invoice_order
from tillbridge.errors import ConfigurationProblem
from tillbridge.invoicing.clearing import clear_doubts
from tillbridge.invoicing.doubt_policy import DoubtPolicy
from tillbridge.invoicing.ledger import restores
from tillbridge.invoicing.ledger.hands import Decision, Endpoint, Statement, resolve
from tillbridge.invoicing.ledger.orders import Acceptance
from tillbridge.invoicing.resolving import resolve_orders
from tillbridge.reporting import reports

NOW = timedelta(0)
HERE = Endpoint(SERVER, NOW)
L0 = DoubtPolicy("L0", NOW, NOW)


def test_every_order_that_is_not_at_its_end_is_in_doubt(engine: Engine) -> None:
    """What was READY in the backup may be invoiced by now; what was invoiced stays so."""
    settle(engine, armed(engine, "done"), "CONFIRMED", erp_ref="RP-1")
    settle(engine, armed(engine, "refused"), "REJECTED")
    armed(engine, "flying")
    accept(engine, request("waiting"))

    assert begin_restore(engine) == 3

    assert {n: state(engine, n) for n in ("done", "refused", "flying", "waiting")} == {
        "done": "CONFIRMED",
        "refused": "UNKNOWN",
        "flying": "UNKNOWN",
        "waiting": "UNKNOWN",
    }
    assert events(engine, "waiting")[-1] == ("READY", "UNKNOWN")


def test_nothing_is_sent_until_the_restore_is_ended(engine: Engine) -> None:
    """Not what was there, not what comes in, not what a person released."""
    begin_restore(engine)
    assert accept(engine, request()) == Acceptance.NEW
    assert state(engine) == "UNKNOWN"
    assert ready(engine) == []
    assert arm(engine, KEY) is None
    assert "end-restore" in restores.why_nothing_is_sent(engine)


def test_not_even_what_a_person_released_is_sent(engine: Engine) -> None:
    """It waits for the end of the restore like everything else."""
    accept(engine, request())
    begin_restore(engine)
    said = Statement("Mara", "not there", "document search")
    resolve_orders(
        engine, STORE, [KEY.order_no], Decision.SEND_AGAIN, said, [], HERE, dry_run=False
    )
    assert state(engine) == "READY"
    assert ready(engine) == []
    assert arm(engine, KEY) is None


def test_at_level_0_a_person_gets_them_all(engine: Engine) -> None:
    """They are parked and reported, none is guessed."""
    begin_restore(engine)
    accept(engine, request())
    assert restores.in_doubt(engine) == 1
    clear_doubts(engine, lambda order_no: [], STORE, SERVER, L0, "run")
    assert state(engine) == "PARKED"
    assert restores.in_doubt(engine) == 0


def test_after_the_end_orders_are_sent_as_ever(engine: Engine) -> None:
    """And ending what is not open is refused."""
    begin_restore(engine)
    end_restore(engine)
    accept(engine, request())
    assert ready(engine) == [KEY]
    assert restores.why_nothing_is_sent(engine) == ""
    with pytest.raises(ConfigurationProblem, match="no restore is open"):
        end_restore(engine)


def test_the_quiet_time_holds_after_a_restore_too(engine: Engine) -> None:
    """What was sent just before may still be worked on."""
    begin_restore(engine)
    accept(engine, request())
    asked: list[str] = []

    def find(order_no: str) -> list[object]:
        asked.append(order_no)
        return []

    quiet = DoubtPolicy("L1", timedelta(minutes=15), NOW)
    clear_doubts(engine, find, STORE, SERVER, quiet, "run")  # type: ignore[arg-type]
    assert asked == []


def test_beginning_twice_is_one_restore(engine: Engine) -> None:
    """A second call is harmless."""
    accept(engine, request())
    begin_restore(engine)
    begin_restore(engine)
    end_restore(engine)
    assert restores.why_nothing_is_sent(engine) == ""
    assert state(engine) == "UNKNOWN"


def test_a_parked_order_may_have_been_released_and_sent_since_the_backup(engine: Engine) -> None:
    """So a person has to wait for the quiet time before deciding that it was not booked."""
    settle(engine, armed(engine), "UNKNOWN")
    with transaction(engine) as connection:
        connection.execute(update(invoice_order).values(sent_until=long_ago(connection)))

    begin_restore(engine)

    said, quiet = Statement("Mara", "restored", "no document"), timedelta(minutes=15)
    done = resolve(
        engine, KEY, Decision.SEND_AGAIN, said, None, Endpoint(SERVER, quiet), dry_run=False
    )
    assert "may still be working on it" in done.refusal
    assert state(engine) == "PARKED"


def test_what_a_second_restore_parks_is_reported_again(engine: Engine) -> None:
    """The first mail went out long ago, and a person had released the order since."""
    accept(engine, request())
    for _ in range(2):
        begin_restore(engine)
        clear_doubts(engine, lambda order_no: [], STORE, SERVER, L0, "run")
        [report] = reports.open_reports(engine, STORE)
        assert [one.reason_code for one in report.failures] == ["restored"]
        reports.mark_mailed(engine, report.id)
        said = Statement("Mara", "restored", "no document")
        resolve(engine, KEY, Decision.SEND_AGAIN, said, None, HERE, dry_run=False)


def long_ago(connection: Connection) -> datetime:
    """Give a time when nothing of today had happened."""
    return database_now(connection) - timedelta(days=1)
