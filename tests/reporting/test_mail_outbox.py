"""Failure reports over a real SMTP dialogue and many runs: prompt, few, and never given up."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.message import EmailMessage
from typing import Any

import pytest
from prefect_email import EmailServerCredentials
from sqlalchemy import Connection, Engine, select

from blocks.mail_notification import MailNotification
from sandbox.mail import HOST, Command, Fault, SmtpInbox
from tillbridge.database.engine import transaction
from tillbridge.database.ledger_tables import failure_report
from tillbridge.errors import TillbridgeError
from tillbridge.handover import failures
from tillbridge.handover.failures import NewFailure
from tillbridge.reporting import mail_outbox, reports
from tillbridge.reporting.mailing import mail_report
from tillbridge.reporting.report import FailureReport

STORE = "NN_STORE"
FINANCE, STORES = "finance@brand.example", "stores@brand.example"
LATER = "451 4.7.1 Greylisted, try later"


class Clock:
    """A clock that tests set; it stands in for the database's."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)

    def __call__(self, connection: Connection) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        """Let some time pass."""
        self.now += timedelta(**by)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (failures, reports, mail_outbox):
        monkeypatch.setattr(module, "database_now", clock)
    return clock


@pytest.fixture
def mailer(inbox: SmtpInbox) -> MailNotification:
    """The retailer's block, with two recipients."""
    return a_mailer(inbox.port)


def a_mailer(port: int, security: str = "INSECURE") -> MailNotification:
    """Give a block for the server on that port."""
    return MailNotification(
        credentials=EmailServerCredentials(
            smtp_server=HOST, smtp_port=port, smtp_type=security, username=None
        ),
        sender="tillbridge@brand.example",
        recipients=[FINANCE, STORES],
    )


def fail(engine: Engine, *numbers: int, **changes: Any) -> None:
    """Let orders fail."""
    with transaction(engine) as connection:
        for number in numbers:
            values: dict[str, Any] = {
                "kind": "rejected",
                "product_store_id": STORE,
                "order_no": str(number),
                "order_id": f"M{number}",
                "store": "DEN01",
                "amount": Decimal("5.5"),
                "currency": "USD",
                "reason_code": "item-unknown",
                "reason": "Retail Pro does not know the item.",
                "next_step": "Add it.",
                "source_file": "a.json",
                "occasion": "",
            }
            failures.add(connection, NewFailure(**{**values, **changes}))


def run(engine: Engine, mailer: MailNotification, *, send_now: bool = False) -> list[str]:
    """Do what a run of the report flow does; what went wrong, in words."""
    problems = []
    for opened in mail_outbox.look(engine, STORE, send_now=send_now).due:
        report = FailureReport(opened.failures, "UTC", "NotNaked")
        try:
            mail_report(engine, opened, report, mailer)
        except TillbridgeError as problem:
            mail_outbox.put_off(engine, opened.id)
            problems.append(str(problem))
    return problems


def rows(mail: EmailMessage) -> list[dict[str, str]]:
    """Read the CSV of a mail."""
    (attachment,) = mail.iter_attachments()
    text = attachment.get_payload(decode=True).decode("utf-8-sig")  # type: ignore[union-attr]
    return list(csv.DictReader(io.StringIO(text)))


def told(inbox: SmtpInbox) -> Counter[str]:
    """Count how often each order was reported, a repeated mail once."""
    mails = {str(mail["Message-ID"]): mail for mail in inbox.messages()}
    return Counter(row["Order"] for mail in mails.values() for row in rows(mail))


def test_the_first_failure_is_mailed_at_once_and_what_follows_is_gathered(
    engine: Engine, inbox: SmtpInbox, mailer: MailNotification, clock: Clock
) -> None:
    """A quarter of an hour after a report the next may go out; an operator need not wait."""
    fail(engine, 1)
    run(engine, mailer)
    assert told(inbox) == {"1": 1}

    fail(engine, 2, 3)
    clock.forward(minutes=14)
    outbox = mail_outbox.look(engine, STORE)
    assert (outbox.due, outbox.held_back) == ([], 2)
    assert outbox.opens_at == datetime(2026, 11, 22, 3, 15, tzinfo=UTC)
    clock.forward(minutes=1)
    run(engine, mailer)
    assert told(inbox) == {"1": 1, "2": 1, "3": 1}

    fail(engine, 4)
    run(engine, mailer)
    assert "4" not in told(inbox)
    run(engine, mailer, send_now=True)
    assert told(inbox)["4"] == 1
    assert len(inbox.messages()) == 3


def test_a_storm_of_failures_is_three_mails(
    engine: Engine, inbox: SmtpInbox, mailer: MailNotification, clock: Clock
) -> None:
    """1,000 failures in 100 runs within half an hour, each reported once."""
    for number in range(100):
        fail(engine, *range(10 * number, 10 * number + 10))
        run(engine, mailer)
        clock.forward(seconds=17)
    clock.forward(minutes=15)
    run(engine, mailer)

    assert len(inbox.messages()) <= 3
    assert told(inbox) == {str(number): 1 for number in range(1000)}


def test_an_outage_of_two_hours_costs_no_report_and_makes_no_flood(
    engine: Engine, inbox: SmtpInbox, mailer: MailNotification, clock: Clock
) -> None:
    """The server is asked less and less often; when it is back, two mails tell everything."""
    down = a_mailer(port=9)
    tries = 0
    for number in range(24):
        fail(engine, number)
        tries += len(run(engine, down))
        clock.forward(minutes=5)
    assert tries <= 6

    for _ in range(5):
        run(engine, mailer)
        clock.forward(hours=1)
    assert len(inbox.messages()) == 2
    assert told(inbox) == {str(number): 1 for number in range(24)}


def test_a_report_is_tried_for_a_day_with_growing_waits_and_then_in_every_run(
    engine: Engine, inbox: SmtpInbox, mailer: MailNotification, clock: Clock
) -> None:
    """After a day it is an alarm; it is never given up, and goes out when the server is back."""
    fail(engine, 1)
    down = a_mailer(port=9)
    began, tried = clock.now, []
    while clock.now < began + timedelta(hours=25):
        if run(engine, down):
            tried.append(clock.now - began)
        is_late = clock.now - began >= timedelta(days=1)
        assert mail_outbox.refused_for_a_day(engine, STORE) is is_late
        clock.forward(minutes=5)
    in_time = [int(at.total_seconds()) // 60 for at in tried if at < timedelta(days=1)]
    assert in_time == [0, 5, 10, 25, 85, 325, 565, 805, 1045, 1285]
    assert len(tried) - len(in_time) == 12  # every five minutes, in every run

    clock.forward(days=3)
    assert run(engine, down)
    assert run(engine, down)
    assert run(engine, mailer) == []
    assert told(inbox) == {"1": 1}
    assert not mail_outbox.refused_for_a_day(engine, STORE)


@pytest.mark.parametrize(
    ("command", "answers", "mails"),
    [
        ("MAIL", [LATER], 1),
        ("RCPT", [LATER, LATER], 1),
        ("DATA", [LATER], 1),
        ("MAIL", ["421 4.3.2 Shutting down"], 1),
        ("DATA", ["421 4.3.2 Shutting down"], 1),
        ("MAIL", [Fault.CLOSE], 1),
        ("DATA", [Fault.CLOSE], 2),  # it was taken, and its answer was lost
        ("MAIL", ["550 5.7.1 Who are you"], 1),
    ],
)
def test_whatever_the_server_says_the_next_run_tries_again(
    engine: Engine,
    inbox: SmtpInbox,
    mailer: MailNotification,
    clock: Clock,
    command: Command,
    answers: list[str | Fault],
    mails: int,
) -> None:
    """The same report, under the same Message-ID and number, so that a second copy is recognised."""
    fail(engine, 1, 2)
    inbox.answer(command, *answers)
    assert run(engine, mailer)
    assert run(engine, mailer) == []
    assert run(engine, mailer) == []

    assert len(inbox.messages()) == mails
    assert len({mail["Message-ID"] for mail in inbox.messages()}) == 1
    assert len({mail["Subject"] for mail in inbox.messages()}) == 1
    assert told(inbox) == {"1": 1, "2": 1}


def test_a_server_without_the_wanted_encryption_gets_nothing(
    engine: Engine, inbox: SmtpInbox, mailer: MailNotification, clock: Clock
) -> None:
    """The report waits until the setting is mended."""
    fail(engine, 1)
    (problem,) = run(engine, a_mailer(inbox.port, "STARTTLS"))
    assert "Check security" in problem
    assert inbox.messages() == []
    run(engine, mailer)
    assert told(inbox) == {"1": 1}


def test_a_recipient_that_is_put_off_gets_the_report_and_nobody_gets_it_twice(
    engine: Engine, inbox: SmtpInbox, mailer: MailNotification, clock: Clock
) -> None:
    """The report stays open for that one; a recipient that is refused for good keeps nobody waiting."""
    fail(engine, 1)
    inbox.answer("RCPT", "250 2.0.0 Accepted", LATER)
    (problem,) = run(engine, mailer)
    assert f"takes nothing for {STORES} now; the others have report" in problem
    inbox.answer("RCPT", LATER)
    assert run(engine, mailer)
    clock.forward(minutes=5)
    assert run(engine, mailer) == []
    assert len(inbox.messages()) == 2

    fail(engine, 2)
    clock.forward(minutes=15)
    inbox.refuse(STORES)
    assert run(engine, mailer) == []
    assert len(inbox.messages()) == 3
    with transaction(engine) as connection:
        assert (
            connection.execute(
                select(failure_report).where(failure_report.c.mailed_at.is_(None))
            ).all()
            == []
        )


def test_a_report_the_server_refuses_holds_up_no_other_for_long(
    engine: Engine, inbox: SmtpInbox, mailer: MailNotification, clock: Clock
) -> None:
    """A mail that is refused for its content stays open, and the ones after it still go out."""
    fail(engine, 1)
    inbox.answer("DATA", "554 5.7.1 Looks like spam")
    assert run(engine, mailer)
    fail(engine, 2)
    clock.forward(hours=4)
    inbox.answer("DATA", "554 5.7.1 Looks like spam")
    assert len(run(engine, mailer)) == 1
    assert told(inbox) == {"2": 1}


def test_what_is_mailed_is_harmless(
    engine: Engine, inbox: SmtpInbox, mailer: MailNotification, clock: Clock
) -> None:
    """No cell of the CSV is a formula, amounts stay numbers, HTML is text, and no header is injected."""
    poison = '=HYPERLINK("http://evil.example")\r\nBcc: thief@evil.example <script>x</script>'
    fail(engine, 1, order_no=poison, reason=poison, amount=Decimal(-5))
    run(engine, mailer)
    (mail,) = inbox.messages()
    (row,) = rows(mail)
    assert row["Order"].startswith("'=HYPERLINK")
    assert row["Reason"].startswith("'=HYPERLINK")
    assert row["Amount"] == "-5.00"
    assert mail["Bcc"] is None
    assert "<script>" not in mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
