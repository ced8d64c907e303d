"""Mail: builds one message and hands it to one mail server; the dialogue is `mail_dialogue`'s.

It decides neither what to report nor when to try again: that is the outbox's work. A server may take a
mail and its answer may be lost, so a repeated mail keeps its Message-ID.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime

from tillbridge import harmless
from tillbridge.clients.mail_dialogue import MailServer, log_in
from tillbridge.errors import ConfigurationProblem, TillbridgeError, Unavailable

__all__ = ["Attachment", "Delivery", "MailServer", "compose", "send"]

_LONGEST_SUBJECT = 200
_LONGEST_ADDRESS = 320
_TOO_LARGE = 552
_ONE_ADDRESS = r"[^@\s<>,;:\"]+@[^@\s<>,;:\"]+"
_ADDRESS = re.compile(rf"(?P<name>[^<>]*)<(?P<named>{_ONE_ADDRESS})>|(?P<bare>{_ONE_ADDRESS})")


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a mail; `media_type` is like "text/csv"."""

    name: str
    content: bytes
    media_type: str = "text/csv"


@dataclass(frozen=True)
class Delivery:
    """Who did not get a mail that the server took: refused for good, or put off until later."""

    refused: tuple[str, ...] = ()
    put_off: tuple[str, ...] = ()


def compose(
    *,
    sender: str,
    recipients: Sequence[str],
    subject: str,
    text: str,
    message_id: str,
    html: str | None = None,
    attachments: Sequence[Attachment] = (),
) -> EmailMessage:
    """Build a message that is valid whatever the texts hold.

    `message_id` is the part before the @, of letters, digits, dots and dashes; the same report has
    the same one each time. The sender's domain completes it.

    Raises:
        ConfigurationProblem: an address is not one, or there is no recipient.
    """
    if not recipients:
        raise ConfigurationProblem("The mail has no recipient. Name at least one.")
    author = _address(sender)
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = author
    message["To"] = [_address(recipient) for recipient in recipients]
    message["Subject"] = _header(subject)
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{message_id}@{author.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_encodable(text), cte="quoted-printable")
    if html is not None:
        message.add_alternative(_encodable(html), subtype="html", cte="quoted-printable")
    for attachment in attachments:
        main_type, _, sub_type = attachment.media_type.partition("/")
        message.add_attachment(
            attachment.content,
            maintype=main_type,
            subtype=sub_type,
            filename=_header(attachment.name),
        )
    return message


def send(
    server: MailServer,
    message: EmailMessage,
    only: Sequence[str] = (),
    smaller: EmailMessage | None = None,
) -> Delivery:
    """Hand the message over, and say which recipients the server did not take it for.

    With `only`, it goes to those of its recipients alone; the others have it already. `smaller` is what
    is sent where the server finds the message too large.

    Raises:
        ConfigurationProblem: the server refuses the login, its certificate does not hold, or it
            refuses the sender, the message or every recipient for good. Mend the setting it names.
        Unavailable: the server cannot be reached, is slow, says "later" or talks without end. It may
            have taken the message all the same, so send it again with the same Message-ID.
    """
    wanted = [to.addr_spec for to in message["To"].addresses if not only or to.addr_spec in only]
    if not wanted:
        return Delivery()
    try:
        answers = _hand_over(server, message, wanted, all_may_be_refused=bool(only))
    except (OSError, UnicodeError) as error:  # smtplib's and ssl's errors are OSErrors
        if smaller is not None and getattr(error, "smtp_code", None) == _TOO_LARGE:
            return send(server, smaller, only)
        raise _problem(server, error) from error
    return Delivery(
        refused=tuple(name for name, (code, _) in answers.items() if _is_final(code)),
        put_off=tuple(name for name, (code, _) in answers.items() if not _is_final(code)),
    )


def check(server: MailServer) -> None:
    """Connect and log in as for a mail, and hand nothing over.

    Raises:
        ConfigurationProblem: as `send`.
        Unavailable: as `send`.
    """
    try:
        with closing(log_in(server)) as connection:
            connection.noop()
            connection.quit()
    except (OSError, UnicodeError) as error:
        raise _problem(server, error) from error


def _hand_over(
    server: MailServer, message: EmailMessage, recipients: list[str], *, all_may_be_refused: bool
) -> dict[str, tuple[int, bytes]]:
    """Give the answers for the recipients that were refused."""
    with closing(log_in(server)) as connection:
        try:
            answers = connection.send_message(message, to_addrs=recipients)
        except smtplib.SMTPRecipientsRefused as error:
            if not all_may_be_refused:
                raise
            answers = error.recipients
        # The server has the mail now; a bad farewell must not make the caller send it again.
        with suppress(OSError, Unavailable):
            connection.quit()
    return answers


def _problem(server: MailServer, error: OSError | UnicodeError) -> TillbridgeError:
    """Name what a person or the next run should do about an error of `smtplib`."""
    place = f"mail server {server.host}:{server.port}"
    match error:
        case smtplib.SMTPRecipientsRefused():
            return _all_refused(place, error)
        case smtplib.SMTPResponseException():
            return _refusal(place, error)
        case smtplib.SMTPServerDisconnected() | ssl.SSLEOFError():
            return Unavailable(
                f"The {place} hung up or was silent for {server.timeout:g} s. Nothing is lost: send the"
                " mail again; if the server took it, both have the same Message-ID."
            )
        case smtplib.SMTPException():
            return ConfigurationProblem(
                f"The {place} does not offer what is set ({error}). Check security, user and addresses."
            )
        case ssl.SSLError():
            reason = (
                error.verify_message
                if isinstance(error, ssl.SSLCertVerificationError)
                else error.reason
            )
            return ConfigurationProblem(
                f"No trusted TLS connection to {place} ({reason}). Check host name, port and security,"
                " and that this machine trusts the server's certificate."
            )
        case UnicodeError():
            return ConfigurationProblem(
                f"{server.host!r} is not a host name. Mend the mail server."
            )
        case _:
            return Unavailable(
                f"The {place} cannot be reached ({error}). Nothing is lost: send the mail again. If this"
                " lasts, check host and port."
            )


def _refusal(place: str, error: smtplib.SMTPResponseException) -> TillbridgeError:
    answer = _answer(error.smtp_code, error.smtp_error)
    if not _is_final(error.smtp_code):
        return Unavailable(f"The {place} says to come back later ({answer}). Send the mail again.")
    match error:
        case smtplib.SMTPAuthenticationError():
            return ConfigurationProblem(
                f"The {place} refuses the login ({answer}). Mend user and password."
            )
        case smtplib.SMTPSenderRefused():
            return ConfigurationProblem(
                f"The {place} refuses the sender {error.sender} ({answer}). Set a sender it accepts."
            )
        case _:
            return ConfigurationProblem(
                f"The {place} refuses the mail ({answer}). Ask who runs that server."
            )


def _all_refused(place: str, error: smtplib.SMTPRecipientsRefused) -> TillbridgeError:
    answers = "; ".join(
        f"{recipient}: {_answer(*answer)}" for recipient, answer in error.recipients.items()
    )
    if not all(_is_final(code) for code, _ in error.recipients.values()):
        return Unavailable(f"The {place} takes no recipient now ({answers}). Send the mail again.")
    return ConfigurationProblem(
        f"The {place} refuses every recipient ({answers}). Mend the recipients."
    )


def _is_final(code: int) -> bool:
    return code >= 500


def _answer(code: int, text: bytes | str) -> str:
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {harmless.line(shown, _LONGEST_SUBJECT)}"


def _header(text: str) -> str:
    """Give `text` as a header takes it, without the beginning of an encoded word.

    The library decodes such a word when it writes the header, and writes the line breaks in it as they are.
    """
    return harmless.line(text, _LONGEST_SUBJECT).replace("=?", "= ?")


def _address(text: str) -> Address:
    found = _ADDRESS.fullmatch(harmless.line(text, _LONGEST_ADDRESS))
    try:
        if found:
            name = _header((found["name"] or "").strip(' "'))
            return Address(display_name=name, addr_spec=found["named"] or found["bare"])
    except (ValueError, HeaderParseError):
        pass
    raise ConfigurationProblem(
        f"{text!r} is not an e-mail address. Expected name@host or Name <name@host>."
    )


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
