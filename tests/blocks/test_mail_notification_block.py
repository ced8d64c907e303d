"""The mail block keeps Prefect's rules for blocks, and its settings reach the mail server."""

from __future__ import annotations

import asyncio
import re

import pytest
from prefect.blocks.abstract import NotificationError
from prefect.settings import PREFECT_UI_URL, temporary_settings
from prefect_email import EmailServerCredentials, SMTPServer
from pydantic import ValidationError

from blocks.mail_notification import MailNotification
from sandbox.mail import HOST, Fault, SmtpInbox
from tests.corpus import TEXTS
from tillbridge.clients.mail import Attachment, Delivery
from tillbridge.errors import Unavailable


@pytest.fixture
def block(inbox: SmtpInbox) -> MailNotification:
    """The block of a retailer whose mail server is the inbox."""
    return MailNotification(
        credentials=EmailServerCredentials(
            smtp_server=HOST, smtp_port=inbox.port, smtp_type="INSECURE"
        ),
        sender="tillbridge@brand.example",
        recipients=["finance@brand.example"],
    )


def test_a_report_goes_out_with_its_attachment(block: MailNotification, inbox: SmtpInbox) -> None:
    """Subject, both bodies, the CSV and the caller's Message-ID arrive."""
    delivery = block.send(
        "3 orders", "plain", "<p>html</p>", [Attachment("orders.csv", b"a,b\r\n")], "report-1"
    )

    assert delivery == Delivery()
    (message,) = inbox.messages()
    assert message["Subject"] == "3 orders"
    assert message["Message-ID"] == "<report-1@brand.example>"
    assert [part.get_filename() for part in message.iter_attachments()] == ["orders.csv"]


def test_a_report_too_large_for_the_server_goes_out_as_text(
    block: MailNotification, inbox: SmtpInbox
) -> None:
    """Nobody waits for a report because of its attachment; the mail says that it is missing."""
    inbox.answer("DATA", "552 5.3.4 Message too big")

    block.send(
        "3 orders", "plain", "<p>html</p>", [Attachment("orders.csv", b"a,b\r\n")], "report-1"
    )

    (message,) = inbox.messages()
    assert message["Message-ID"] == "<report-1@brand.example>"
    assert list(message.iter_attachments()) == []
    assert "plain" in message.get_content()
    assert "without its attachments" in message.get_content()


async def _notify(block: MailNotification) -> None:
    with block.raise_on_failure():
        await block.notify(subject="Run crashed", body="The run crashed.\nSee the UI.")


def test_an_automation_can_notify(block: MailNotification, inbox: SmtpInbox) -> None:
    """What Prefect's server calls sends a mail, each with a Message-ID of its own."""
    asyncio.run(_notify(block))
    asyncio.run(_notify(block))

    first, second = inbox.messages()
    assert first["Subject"] == "Run crashed"
    assert first.get_content().split() == ["The", "run", "crashed.", "See", "the", "UI."]
    assert first["Message-ID"] != second["Message-ID"]
    assert "notify" in MailNotification.get_block_capabilities()


def test_an_alert_links_to_our_ui_only(block: MailNotification, inbox: SmtpInbox) -> None:
    """What a run's message says may come from anybody."""
    texts = [f"a: {text}" for text in TEXTS]
    run = "https://prefect.brand.example/runs/flow-run/1"
    near = [f"{run} http://evil.example", "https://prefect.brand.example.evil.example/x"]

    with temporary_settings({PREFECT_UI_URL: "https://prefect.brand.example"}):
        asyncio.run(block.notify("\n".join([*texts, *near, run]), "invoice-orders Failed"))

    (message,) = inbox.messages()
    text = message.get_content()
    assert re.findall(r"\S*(?:://|www\.|@)\S+", text) == [run]
    assert text.rstrip().endswith(run)


def test_a_failed_notification_reaches_the_automation(
    block: MailNotification, inbox: SmtpInbox
) -> None:
    """Prefect's server understands NotificationError only, and shows its text."""
    inbox.refuse("finance@brand.example")

    with pytest.raises(NotificationError) as caught:
        asyncio.run(_notify(block))
    assert "refuses every recipient" in caught.value.log


def test_a_misspelt_setting_is_refused(block: MailNotification) -> None:
    """Prefect would take any key; this block names the wrong one."""
    with pytest.raises(ValidationError, match=r"unknown settings \['recipient'\]"):
        MailNotification(
            credentials=block.credentials, sender="a@b.example", recipient=["c@d.example"]
        )


def test_a_stored_document_loads(block: MailNotification) -> None:
    """What Prefect adds to a nested document is not taken for a misspelt setting."""
    document = {
        "block_type_slug": "mail-notification",
        "_block_document_name": "failures",
        "sender": "a@b.example",
        "recipients": ["c@d.example"],
        "credentials": {
            "block_type_slug": "email-server-credentials",
            "smtp_server": "smtp.gmail.com",
            "smtp_type": 587,
            "password": "sesame",
            "username": "till",
        },
    }

    loaded = MailNotification.model_validate(document)

    server = loaded.server()
    assert (server.host, server.port, server.security) == ("smtp.gmail.com", 587, "starttls")
    assert (server.user, server.password, server.verify_tls) == ("till", "sesame", True)
    assert "sesame" not in f"{loaded!r}{server!r}"


@pytest.mark.parametrize(
    ("smtp_type", "port", "expected"),
    [
        ("SSL", None, ("ssl", 465)),
        ("STARTTLS", None, ("starttls", 587)),
        ("INSECURE", None, ("insecure", 25)),
        ("STARTTLS", 2525, ("starttls", 2525)),
    ],
)
def test_the_credentials_are_understood(
    smtp_type: str, port: int | None, expected: tuple[str, int]
) -> None:
    """Each security has its port unless one is given; the named servers are known."""
    server = MailNotification(
        credentials=EmailServerCredentials(
            smtp_server=SMTPServer.GMAIL, smtp_type=smtp_type, smtp_port=port, verify=False
        ),
        sender="a@b.example",
        recipients=["c@d.example"],
    ).server()

    assert (server.security, server.port) == expected
    assert server.host == "smtp.gmail.com"
    assert server.verify_tls is False


def test_the_time_out_counts(block: MailNotification, inbox: SmtpInbox) -> None:
    """The block's time-out, and no other, ends the wait for a silent server."""
    inbox.answer("MAIL", Fault.HANG)
    block.timeout_seconds = 0.2

    with pytest.raises(Unavailable, match=r"silent for 0\.2 s"):
        block.send("subject", "text")
