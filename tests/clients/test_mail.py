"""Mail over a real SMTP dialogue, with everything a mail server may answer."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

import pytest

from sandbox.mail import HOST, Command, Fault, SmtpInbox
from tillbridge.clients.mail import Attachment, Delivery, MailServer, compose, send
from tillbridge.clients.mail_dialogue import password_may_go
from tillbridge.errors import ConfigurationProblem, Unavailable

FINANCE = "finance@brand.example"
STORES = "stores@brand.example"

EACH_STEP = pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])


def a_message(**changes: object) -> EmailMessage:
    """Build a mail to two people; `changes` replace what it says."""
    parts: dict[str, object] = {
        "sender": "Tillbridge <tillbridge@brand.example>",
        "recipients": [FINANCE, STORES],
        "subject": "3 orders need attention",
        "text": "Three orders.",
        "message_id": "report-1f2e3d4c",
    }
    return compose(**{**parts, **changes})  # type: ignore[arg-type]


def body_of(message: EmailMessage, kind: str) -> str:
    """Read the text or HTML of a mail."""
    body = message.get_body((kind,))  # type: ignore[arg-type]
    assert body is not None
    return str(body.get_content())


def test_a_mail_arrives_whole(inbox: SmtpInbox, mail_server: MailServer) -> None:
    """Text, HTML and the CSV arrive as they were given, with a date and the caller's Message-ID."""
    csv = "\ufeffOrder,Amount\r\n1001,-5.00\r\n".encode()
    text = "Zoë: 3 orders, 12 €\n" + "x" * 2000 + "\n.\nend\n"
    html = "<p>Zoë</p>" + "<br>" * 1000

    refused = send(
        mail_server,
        a_message(text=text, html=html, attachments=[Attachment("report.csv", csv)]),
    )

    assert refused == Delivery()
    (message,) = inbox.messages()
    assert message["From"] == "Tillbridge <tillbridge@brand.example>"
    assert message["To"] == f"{FINANCE}, {STORES}"
    assert message["Message-ID"] == "<report-1f2e3d4c@brand.example>"
    assert message["Date"].datetime.tzinfo is not None
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "multipart/mixed"
    assert body_of(message, "plain").splitlines() == text.splitlines()
    assert body_of(message, "html").strip() == html
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == "report.csv"
    assert attachment.get_content_type() == "text/csv"
    assert attachment.get_payload(decode=True) == csv


def test_a_poisoned_subject_cannot_stop_its_own_alert(
    inbox: SmtpInbox, mail_server: MailServer
) -> None:
    """Line breaks and control characters become harmless; a long subject is cut, and says so."""
    poison = "1001\r\nBcc: thief@evil.example\r\n\r\nboo\x00\u202e" + "x" * 500

    send(mail_server, a_message(subject=poison, text="lone \ud800 surrogate"))

    (message,) = inbox.messages()
    assert message["Bcc"] is None
    assert message["Subject"].startswith("1001 Bcc: thief@evil.example boo\ufffd\ufffdxxx")
    assert message["Subject"].endswith("…")
    assert len(message["Subject"]) == 200
    assert body_of(message, "plain").strip() == "lone ? surrogate"


@pytest.mark.parametrize(
    ("sender", "recipients", "named"),
    [
        ("nobody", [FINANCE], "'nobody'"),
        ("a@b.example\nBcc: x@y.example", [FINANCE], "Bcc"),
        ("a@b.example", ["x@y.example, z@y.example"], "x@y.example, z@y.example"),
        ("a@b.example", ["two words@y.example"], "two words"),
        ("a@b.example", [], "no recipient"),
    ],
)
def test_a_bad_address_is_named(sender: str, recipients: list[str], named: str) -> None:
    """An address that is none, or two in one, is refused before anything is sent."""
    with pytest.raises(ConfigurationProblem, match=named):
        a_message(sender=sender, recipients=recipients)


@EACH_STEP
def test_later_means_later(inbox: SmtpInbox, mail_server: MailServer, command: Command) -> None:
    """A 451 once is Unavailable, and the next attempt delivers exactly one mail."""
    planned = ["451 4.7.1 Greylisted, try later"] * (2 if command == "RCPT" else 1)
    inbox.answer(command, *planned)

    with pytest.raises(Unavailable, match="Greylisted"):
        send(mail_server, a_message())
    assert inbox.messages() == []

    assert send(mail_server, a_message()) == Delivery()
    assert len(inbox.messages()) == 1


@EACH_STEP
def test_a_server_that_closes_down_is_unavailable(
    inbox: SmtpInbox, mail_server: MailServer, command: Command
) -> None:
    """A 421 at any step means: not now."""
    inbox.answer(command, "421 4.3.2 Shutting down")

    with pytest.raises(Unavailable, match="Shutting down"):
        send(mail_server, a_message())
    assert inbox.messages() == []


def test_a_refused_recipient_does_not_keep_the_mail_from_the_others(
    inbox: SmtpInbox, mail_server: MailServer
) -> None:
    """The mail goes out and the refused address is returned."""
    inbox.refuse(STORES)

    assert send(mail_server, a_message()) == Delivery(refused=(STORES,))
    assert len(inbox.messages()) == 1


def test_a_recipient_that_is_put_off_gets_the_mail_alone_later(
    inbox: SmtpInbox, mail_server: MailServer
) -> None:
    """Greylisting of one does not keep the mail from the others, and they do not get it twice."""
    inbox.answer("RCPT", "250 2.0.0 Accepted", "451 4.7.1 Greylisted, try later")
    assert send(mail_server, a_message()) == Delivery(put_off=(STORES,))

    inbox.answer("RCPT", "451 4.7.1 Greylisted, try later")
    assert send(mail_server, a_message(), only=[STORES]) == Delivery(put_off=(STORES,))
    assert send(mail_server, a_message(), only=[STORES]) == Delivery()

    first, second = inbox.messages()
    assert first["Message-ID"] == second["Message-ID"]
    assert second["To"] == f"{FINANCE}, {STORES}"
    inbox.refuse(STORES)
    assert send(mail_server, a_message(), only=[STORES]) == Delivery(refused=(STORES,))
    assert send(mail_server, a_message(), only=["gone@brand.example"]) == Delivery()
    assert len(inbox.messages()) == 2


def test_a_mail_nobody_may_get_is_a_wrong_setting(
    inbox: SmtpInbox, mail_server: MailServer
) -> None:
    """Where all recipients are refused for good, the error counts and names them."""
    inbox.refuse(FINANCE)
    inbox.refuse(STORES, "550 5.7.1 Not here")

    with pytest.raises(ConfigurationProblem, match=f"every recipient .*{STORES}: 550 5.7.1 Not"):
        send(mail_server, a_message())


def test_a_refused_sender_is_a_wrong_setting(inbox: SmtpInbox, mail_server: MailServer) -> None:
    """The error names the sender and the server's answer."""
    inbox.answer("MAIL", "553 5.7.1 Sender not allowed")

    with pytest.raises(ConfigurationProblem, match=r"tillbridge@brand\.example.*553"):
        send(mail_server, a_message())


def test_a_mail_that_is_too_big_is_a_wrong_setting(
    inbox: SmtpInbox, mail_server: MailServer
) -> None:
    """A 552 after the data will not heal by itself, so a person hears about it."""
    inbox.answer("DATA", "552 5.3.4 Message too big")

    with pytest.raises(ConfigurationProblem, match=r"552 5\.3\.4 Message too big"):
        send(mail_server, a_message())
    assert inbox.messages() == []


@pytest.mark.parametrize("command", ["MAIL", "DATA"])
def test_a_mail_that_is_too_big_goes_out_smaller(
    inbox: SmtpInbox, mail_server: MailServer, command: Command
) -> None:
    """Where there is a smaller one it is sent in its place, under the same Message-ID."""
    inbox.answer(command, "552 5.3.4 Message too big")

    send(mail_server, a_message(), smaller=a_message(text="Small."))

    (message,) = inbox.messages()
    assert body_of(message, "plain").strip() == "Small."
    assert message["Message-ID"] == "<report-1f2e3d4c@brand.example>"


def test_a_lost_answer_is_repeated_under_the_same_message_id(
    inbox: SmtpInbox, mail_server: MailServer
) -> None:
    """The server took the mail and hung up: the second copy can be recognised as the same."""
    inbox.answer("DATA", Fault.CLOSE)

    with pytest.raises(Unavailable, match="same Message-ID"):
        send(mail_server, a_message())
    send(mail_server, a_message())

    first, second = inbox.messages()
    assert first["Message-ID"] == second["Message-ID"]


def test_a_silent_server_costs_one_time_out(inbox: SmtpInbox, mail_server: MailServer) -> None:
    """A server that never answers ends in Unavailable."""
    inbox.answer("MAIL", Fault.HANG)

    with pytest.raises(Unavailable, match=r"silent for 0\.2 s"):
        send(replace(mail_server, timeout=0.2), a_message())


def test_a_server_that_is_not_there_is_unavailable() -> None:
    """Nobody listens on the port."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    with pytest.raises(Unavailable, match=f"{HOST}:{port} cannot be reached"):
        send(MailServer(host=HOST, port=port, security="insecure"), a_message())


def test_a_host_that_is_none_is_a_wrong_setting() -> None:
    """A host name that cannot exist is named."""
    with pytest.raises(ConfigurationProblem, match="not a host name"):
        send(MailServer(host="x" * 70, port=25, security="insecure"), a_message())


def test_a_bad_farewell_does_not_undo_a_delivery(inbox: SmtpInbox, mail_server: MailServer) -> None:
    """Once the server has the mail, an error on QUIT is no reason to send it again."""
    inbox.answer("QUIT", Fault.CLOSE)

    assert send(mail_server, a_message()) == Delivery()
    assert len(inbox.messages()) == 1


@pytest.fixture(params=["insecure", "starttls", "ssl"])
def tls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[SmtpInbox, MailServer]]:
    """An inbox that encrypts and wants a login, and how to reach it in each mode."""
    security = "ssl" if request.param == "ssl" else "starttls"
    with SmtpInbox(tmp_path / "tls", security=security, login=("till", "sesame")) as inbox:
        yield (
            inbox,
            MailServer(HOST, inbox.port, request.param, user="till", password="sesame", timeout=20),
        )


def test_a_trusted_certificate_is_enough(
    tls: tuple[SmtpInbox, MailServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every mode encrypts and logs in where the server can; "insecure" too, when it is offered."""
    inbox, server = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(inbox.certificate))

    assert send(server, a_message()) == Delivery()
    (message,) = inbox.messages()
    assert message["Received"].endswith("with ESMTPSA")


def test_an_unknown_certificate_stops_the_mail(tls: tuple[SmtpInbox, MailServer]) -> None:
    """Nothing is sent to a server nobody vouches for."""
    inbox, server = tls

    with pytest.raises(ConfigurationProblem, match="trusts the server's certificate"):
        send(server, a_message())
    assert inbox.messages() == []


@pytest.mark.parametrize("security", ["starttls", "ssl"])
def test_a_trusted_certificate_of_another_server_stops_the_mail(
    security: Literal["starttls", "ssl"], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has a trusted certificate for another name gets neither mail nor password."""
    with SmtpInbox(tmp_path, security=security, certified_for="127.0.0.2") as inbox:
        monkeypatch.setenv("SSL_CERT_FILE", str(inbox.certificate))
        with pytest.raises(ConfigurationProblem, match=r"not valid for '127\.0\.0\.1'"):
            send(MailServer(HOST, inbox.port, security, user="till", timeout=20), a_message())
        assert inbox.messages() == []


def test_verification_can_be_turned_off(tls: tuple[SmtpInbox, MailServer]) -> None:
    """Encryption without verification is a setting of its own."""
    inbox, server = tls

    assert send(replace(server, verify_tls=False), a_message()) == Delivery()
    (message,) = inbox.messages()
    assert message["Received"].endswith("with ESMTPSA")


def test_a_wrong_password_is_a_wrong_setting(tls: tuple[SmtpInbox, MailServer]) -> None:
    """The error says so without the password."""
    _, server = tls

    with pytest.raises(ConfigurationProblem, match="refuses the login") as caught:
        send(replace(server, verify_tls=False, password="open"), a_message())
    assert "open" not in str(caught.value)


def test_a_password_smtp_cannot_carry_is_not_shown(tls: tuple[SmtpInbox, MailServer]) -> None:
    """Neither the error nor its cause holds the password."""
    _, server = tls

    with pytest.raises(ConfigurationProblem, match="outside ASCII") as caught:
        send(replace(server, verify_tls=False, password="sésame"), a_message())
    assert caught.value.__cause__ is None
    assert "sésame" not in repr(server)


def test_starttls_is_not_skipped_when_it_is_wanted(mail_server: MailServer) -> None:
    """A server without STARTTLS gets nothing where STARTTLS is set."""
    with pytest.raises(ConfigurationProblem, match="does not offer"):
        send(replace(mail_server, security="starttls"), a_message())


def test_tls_against_a_plain_port_names_the_setting(mail_server: MailServer) -> None:
    """The commonest mix-up of ports says what to check."""
    with pytest.raises(ConfigurationProblem, match="port and security"):
        send(replace(mail_server, security="ssl"), a_message())


def test_a_login_nobody_asked_for_names_the_setting(
    inbox: SmtpInbox, mail_server: MailServer
) -> None:
    """A user the server does not know is refused, and a server that wants one says so."""
    with pytest.raises(ConfigurationProblem, match="refuses the login"):
        send(replace(mail_server, user="till", password="sesame"), a_message())


@pytest.mark.parametrize(
    ("peer", "encrypted", "allowed"),
    [
        ("192.0.2.7", True, True),
        ("192.0.2.7", False, False),
        ("127.0.0.1", False, True),
        ("::1", False, True),
        ("2001:db8::1", False, False),
    ],
)
def test_a_password_never_crosses_a_network_in_the_clear(
    peer: str, *, encrypted: bool, allowed: bool
) -> None:
    """Without encryption a password goes to this machine only."""
    assert password_may_go(peer, encrypted=encrypted) is allowed
