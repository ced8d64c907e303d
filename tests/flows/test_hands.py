"""What people do by hand, as deployments and on the command line, and what the platform does at each level."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

import flows.invoice_orders as invoice_flow
from commands.cli import app
from flows.check_control_totals import check_control_totals
from flows.export_completed_orders import export_completed_orders
from flows.invoice_orders import invoice_orders
from flows.replay_orders import replay_orders
from flows.report_invoice_failures import report_invoice_failures
from flows.resolve_order import resolve_order
from flows.transform_completed_orders import transform_completed_orders
from sandbox.books import draw_up
from sandbox.kinds import GOOD
from sandbox.orders import SeedReport
from sandbox.retail_pro import INVOICE_PATH
from tasks import invoices
from tests.fixtures_prefect import Installation
from tillbridge.database.engine import transaction
from tillbridge.database.ledger_tables import file_event, invoice_event, invoice_order
from tillbridge.invoicing.ledger import orders

STORE = "SV_STORE"
REQUESTS = "retail-pro/order-to-invoice"
SAID = {"by": "Mara", "reason": "asked the store", "evidence": "document search of today"}
WHY = {"by": "Mara", "reason": "the cause is mended"}


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries as many as ever, but without their waits."""
    quick = invoices.invoice_order.with_options(retry_delay_seconds=0.2)
    monkeypatch.setattr(invoice_flow, "invoice_order", quick)


def prepare(installation: Installation, level: str = "L0", **endpoint: Any) -> SeedReport:
    """Set the endpoint's level, without quiet times, and seed transformed orders."""
    settings = {"capability": level, "quiet_minutes": 0, "absent_minutes": 0, **endpoint}
    lines = "\n".join(f"{name} = {value!r}" for name, value in settings.items())
    text = installation.config.read_text()
    installation.config.write_text(text.replace("[retail_pro]\n", f"[retail_pro]\n{lines}\n"))
    installation.again()
    seeded = installation.seed(50)
    installation.run(export_completed_orders)
    installation.run(transform_completed_orders)
    return seeded


def cli(installation: Installation, *words: str) -> int:
    """Use the command line as a person does; gives its exit status."""
    try:
        app([words[0], "--config", str(installation.config), *words[1:]])
    except SystemExit as end:
        return 0 if end.code in (None, 0) else 1
    return 0


def test_a_parked_order_is_decided_in_the_ui(installation: Installation) -> None:
    """First a dry run, then the decision; the log says who, why and on which evidence."""
    number = prepare(installation).numbers(GOOD)[0]
    installation.far_ends.retail_pro.program("drop", order_no=number, commit=True)
    installation.run(invoice_orders)
    [invoice] = installation.far_ends.retail_pro.invoices(number)
    decision = {
        "orders": [number],
        "decision": "invoiced",
        "invoices": [invoice.invoice_no],
        **SAID,
    }

    dry = installation.run(resolve_order, **decision)
    assert dry.message == "1 would be resolved (dry run), 0 refused."
    assert orders.counts(installation.engine, STORE)["PARKED"] == 1

    assert installation.run(resolve_order, **decision, dry_run=False).is_completed()
    assert orders.counts(installation.engine, STORE) == {"CONFIRMED": 40}
    with transaction(installation.engine) as connection:
        last = connection.execute(select(invoice_event).order_by(invoice_event.c.id)).all()[-1]
    assert (last.who, last.why) == ("Mara", "asked the store (evidence: document search of today)")
    again = installation.run(resolve_order, **decision, dry_run=False)
    assert again.is_failed()
    assert again.message == "0 resolved, 1 refused."


def test_a_parked_order_is_sent_again_from_the_command_line(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was never booked, says a person; then it is invoiced once."""
    number = prepare(installation).numbers(GOOD)[0]
    installation.far_ends.retail_pro.program("drop", order_no=number, times=1)
    installation.run(invoice_orders)
    words = ["resolve-order", number, "--decision", "send-again"]
    words += [word for name, text in SAID.items() for word in (f"--{name}", text)]

    assert cli(installation, *words) == 0
    assert f"{number}: PARKED -> READY" in capsys.readouterr().out
    assert orders.counts(installation.engine, STORE)["PARKED"] == 1
    assert cli(installation, *words, "--no-dry-run") == 0
    installation.run(invoice_orders)

    assert len(installation.far_ends.retail_pro.invoices(number)) == 1
    assert orders.counts(installation.engine, STORE) == {"CONFIRMED": 40}
    assert cli(installation, *words, "--no-dry-run") == 1
    assert "it is invoiced already" in capsys.readouterr().out


def test_refused_orders_are_replayed_after_the_cause_is_mended(installation: Installation) -> None:
    """By number, in the UI; what is invoiced already is not touched."""
    number = prepare(installation).numbers(GOOD)[0]
    installation.far_ends.retail_pro.program("reject", order_no=number, times=1)
    installation.run(invoice_orders)
    calls = len(installation.far_ends.retail_pro.requests())

    dry = installation.run(replay_orders, orders=[number], **WHY)
    assert dry.message == "1 file would be handed over again (dry run)."
    assert installation.folder(REQUESTS) == []
    installation.run(replay_orders, orders=[number], dry_run=False, **WHY)
    state = installation.run(invoice_orders)

    assert state.is_completed()
    assert len(installation.far_ends.retail_pro.requests()) == calls + 1
    assert len(installation.far_ends.retail_pro.invoices(number)) == 1
    with transaction(installation.engine) as connection:
        [event] = connection.execute(select(file_event)).all()
    assert (event.who, event.why) == ("Mara", "the cause is mended")
    assert event.path.startswith(f"{REQUESTS}/archive/")


def test_a_whole_day_is_replayed_from_the_command_line(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """By time; a feed that was used whole is taken once more, and nothing is invoiced twice."""
    prepare(installation)
    installation.run(invoice_orders)
    calls = len(installation.far_ends.retail_pro.requests())
    since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    words = ["replay-orders", "--from-time", since, "--by", "Mara", "--reason", "to be sure"]

    assert cli(installation, *words, "--no-dry-run") == 0
    said = capsys.readouterr().out
    # The feed, what was quarantined of it, and the requests.
    assert "3 files handed over again." in said
    installation.run(transform_completed_orders)
    assert installation.run(invoice_orders).is_completed()

    assert len(installation.far_ends.retail_pro.requests()) == calls
    assert cli(installation, "replay-orders", "--by", "Mara", "--reason", "nothing chosen") == 1


@pytest.mark.parametrize("level", ["L1", "L2"])
def test_a_lost_answer_is_looked_up(installation: Installation, level: str) -> None:
    """The next run finds the invoice and adopts it; nobody is bothered."""
    number = prepare(installation, level).numbers(GOOD)[0]
    installation.far_ends.retail_pro.program("drop", order_no=number, commit=True)
    first = installation.run(invoice_orders)
    assert first.message == (
        "39 invoiced, 0 already invoiced, 0 rejected, 1 in doubt, 0 parked, 0 waiting."
    )

    second = installation.run(invoice_orders)

    assert "1 in doubt found invoiced" in str(second.message)
    assert orders.counts(installation.engine, STORE) == {"CONFIRMED": 40}
    assert len(installation.far_ends.retail_pro.invoices(number)) == 1


def test_at_level_2_an_absent_order_is_sent_again_by_itself(installation: Installation) -> None:
    """Two look-ups, each in a run of its own, then one more request."""
    number = prepare(installation, "L2").numbers(GOOD)[0]
    installation.far_ends.retail_pro.program("drop", order_no=number, times=1)
    for _ in range(3):
        installation.run(invoice_orders)
    assert orders.counts(installation.engine, STORE) == {"CONFIRMED": 40}
    assert len(installation.far_ends.retail_pro.invoices(number)) == 1


@pytest.mark.parametrize("commit", [True, False])
def test_at_level_3_the_key_makes_repeating_safe(installation: Installation, commit: bool) -> None:
    """Whether the first request was booked or not, there is one invoice in the end."""
    installation.far_ends.retail_pro.retail_pro.keys = "enforce"
    number = prepare(installation, "L3").numbers(GOOD)[0]
    installation.far_ends.retail_pro.program("drop", order_no=number, commit=commit, times=1)
    for _ in range(2):
        installation.run(invoice_orders)
    assert orders.counts(installation.engine, STORE) == {"CONFIRMED": 40}
    assert len(installation.far_ends.retail_pro.invoices(number)) == 1


def test_control_totals_agree_after_a_clean_day(installation: Installation) -> None:
    """Every order of the ledger is compared with Retail Pro."""
    prepare(installation, "L1")
    installation.run(invoice_orders)
    state = installation.run(check_control_totals)
    assert state.is_completed()
    assert state.message == ("40 orders in the ledger, 40 compared with Retail Pro, 0 differences.")


def test_control_totals_find_what_does_not_agree(installation: Installation) -> None:
    """An order that somebody invoiced by hand, and one that is invoiced twice."""
    seeded = prepare(installation, "L1")
    rejected, doubled = seeded.numbers(GOOD)[:2]
    installation.far_ends.retail_pro.program("reject", order_no=rejected, times=1)
    installation.run(invoice_orders)
    for number in (rejected, doubled):
        _invoice_by_hand(installation, number)

    state = installation.run(check_control_totals)

    assert state.is_failed()
    assert state.message == "40 orders in the ledger, 40 compared with Retail Pro, 2 differences."


def _invoice_by_hand(installation: Installation, number: str) -> None:
    with transaction(installation.engine) as connection:
        body = connection.scalar(
            select(invoice_order.c.body).where(invoice_order.c.order_no == number)
        )
    address = installation.far_ends.retail_pro.base_url + INVOICE_PATH
    assert httpx.post(address, content=body, verify=False).is_success  # noqa: S501 - plain HTTP


def test_the_drill_after_a_restore(
    installation: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A database from before the invoices is put back: not one order is invoiced a second time."""
    prepare(installation, "L2")
    database = Path(str(installation.engine.url.database))
    backup = tmp_path / "backup.db"
    installation.engine.dispose()
    shutil.copy(database, backup)
    installation.run(invoice_orders)
    assert len(installation.far_ends.retail_pro.invoices()) == 40
    calls = len(installation.far_ends.retail_pro.requests())

    # The disk is lost, and the backup is put in its place.
    installation.engine.dispose()
    shutil.copy(backup, database)
    refused = installation.run(invoice_orders)
    assert refused.is_failed()
    assert "restored from a backup" in str(refused.message)

    assert cli(installation, "after-restore", "--by", "Mara", "--reason", "disk lost") == 0
    since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    words = ["replay-orders", "--from-time", since, "--by", "Mara", "--reason", "after the backup"]
    assert cli(installation, *words, "--no-dry-run") == 0
    installation.run(transform_completed_orders)
    installation.run(invoice_orders)
    assert cli(installation, "end-restore", "--by", "Mara", "--evidence", "0 in doubt") == 0, (
        capsys.readouterr().out
    )
    assert installation.run(invoice_orders).is_completed()
    installation.run(report_invoice_failures)

    assert len(installation.far_ends.retail_pro.requests()) == calls
    assert orders.counts(installation.engine, STORE) == {"CONFIRMED": 40}
    # What was quarantined is reported once more; the invoices are what they were.
    assert draw_up(installation.far_ends).retail_pro_invoices == 40


def test_an_end_of_a_restore_with_orders_in_doubt_is_refused(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says how many, and what to do; nothing is sent meanwhile."""
    prepare(installation, "L2")
    cli(installation, "after-restore", "--by", "Mara", "--reason", "disk lost")
    state = installation.run(invoice_orders)
    assert state.is_failed()
    assert "A restore is not finished" in str(state.message)
    assert installation.far_ends.retail_pro.requests() == []
    assert cli(installation, "end-restore", "--by", "Mara", "--evidence", "none really") == 1
