"""What a run of the report flow says while the mail server refuses, and while reports are gathered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from blocks import MailNotification
from flows.report_invoice_failures import report_invoice_failures
from tasks import reports
from tests.fixtures_prefect import Installation
from tillbridge.database.engine import database_now, transaction
from tillbridge.database.ledger_tables import failure_report
from tillbridge.handover import failures
from tillbridge.handover.failures import NewFailure


def fail(installation: Installation, order_no: str) -> None:
    """Let an order fail."""
    with transaction(installation.engine) as connection:
        failures.add(
            connection,
            NewFailure(
                kind="rejected",
                product_store_id="SV_STORE",
                order_no=order_no,
                order_id="",
                store=None,
                amount=None,
                currency=None,
                reason_code="item-unknown",
                reason="Retail Pro does not know the item.",
                next_step="Add it.",
                source_file="a.json",
                occasion="",
            ),
        )


def change_report(installation: Installation, **changes: timedelta) -> None:
    """Let times of the report be that far from now."""
    with transaction(installation.engine) as connection:
        now = database_now(connection)
        values = {name: now + distance for name, distance in changes.items()}
        connection.execute(update(failure_report).values(values))


def test_a_mail_server_that_refuses_for_a_day_is_an_alarm(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then the runs between two tries are well; after it none is, until the report is through."""
    fail(installation, "1")
    monkeypatch.setattr(reports, "mail_report", reports.mail_report.with_options(retries=0))
    with monkeypatch.context() as down:
        real = MailNotification.server
        down.setattr(MailNotification, "server", lambda self: replace(real(self), port=9))
        state = installation.run(report_invoice_failures)
        assert state.is_failed()
        assert "cannot be reached" in (state.message or "")

        change_report(installation, next_try_at=timedelta(hours=1))
        state = installation.run(report_invoice_failures)
        assert state.is_completed()
        assert state.message == "not through yet and sent later: 1 report"

        change_report(installation, created_at=-timedelta(days=1), next_try_at=timedelta(0))
        state = installation.run(report_invoice_failures)
        assert state.is_failed()
        assert "not got through to the mail server for a day" in (state.message or "")

    state = installation.run(report_invoice_failures)
    assert state.is_completed()
    assert state.message == "1 failure in 1 mail"
    # The alerts about failed runs come from the Prefect server, beside the report.
    subjects = [str(mail["Subject"]) for mail in installation.far_ends.inbox.messages()]
    assert len([subject for subject in subjects if "1 order needs attention" in subject]) == 1


def test_failures_soon_after_a_report_wait_for_the_next_one(installation: Installation) -> None:
    """The run says how many wait and until when, and an operator need not wait."""
    fail(installation, "1")
    assert installation.run(report_invoice_failures).message == "1 failure in 1 mail"
    fail(installation, "2")
    state = installation.run(report_invoice_failures)
    assert state.is_completed()
    assert "1 new entry waits for the next report, from " in (state.message or "")
    assert len(installation.far_ends.inbox.messages()) == 1
    state = installation.run(report_invoice_failures, send_now=True)
    assert state.message == "1 failure in 1 mail"
    assert installation.run(report_invoice_failures).message == "nothing new to report"
