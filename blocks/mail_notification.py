"""Mail as a Prefect block: reports are sent with it, and server-side automations notify with it.

Settings only; tillbridge.clients.mail builds and sends. The server and its password live in
prefect-email's credentials block, whose own sending (no time-out, no Message-ID) is not used.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from functools import partial
from typing import Literal
from uuid import uuid4

from prefect.blocks.abstract import NotificationBlock, NotificationError
from prefect.settings import get_current_settings
from prefect_email import (
    EmailServerCredentials,
    SMTPServer,
    SMTPType,
)
from pydantic import Field, HttpUrl

from blocks.schema_once import SchemaOnce
from blocks.strict import StrictSettings
from blocks.telling import tell
from tillbridge import harmless
from tillbridge.clients import mail
from tillbridge.errors import TillbridgeError

_SECURITY: dict[SMTPType, Literal["ssl", "starttls", "insecure"]] = {
    SMTPType.SSL: "ssl",
    SMTPType.STARTTLS: "starttls",
    SMTPType.INSECURE: "insecure",
}
_LONGEST_ROW = 4000
_TOO_LARGE = (
    "This mail comes without its attachments, because the mail server found it too large with them. The whole "
    "report is in the database and, as far as it fits, in Prefect."
)


class MailNotification(SchemaOnce, StrictSettings, NotificationBlock):
    """Sends mail over SMTP to a fixed list of people: failure reports, and what automations notify.

    Example:
        Send a mail with a stored block:

        ```python
        from blocks import MailNotification

        mail_notification = MailNotification.load("BLOCK_NAME")
        mail_notification.send("Orders need attention", "3 orders were refused by Retail Pro.")
        ```
    """

    _block_type_name = "Mail Notification"
    _block_type_slug = "mail-notification"
    _logo_url = HttpUrl(
        "https://cdn.sanity.io/images/3ugk85nk/production/82bc6ed16ca42a2252a5512c72233a253b8a58eb-250x250.png"
    )
    _documentation_url = HttpUrl("https://docs.prefect.io/integrations/prefect-email")

    credentials: EmailServerCredentials = Field(
        default=...,
        title="Mail server",
        description="The SMTP server, its security, user and password.",
    )
    sender: str = Field(
        default=...,
        title="Sender",
        description="The address the mails come from, as name@host or Name <name@host>.",
        examples=["Tillbridge <tillbridge@brand.example>"],
    )
    recipients: list[str] = Field(
        default=...,
        min_length=1,
        title="Recipients",
        description="The addresses that get every mail; all of them see each other.",
        examples=[["finance@brand.example"]],
    )
    timeout_seconds: float = Field(
        default=30,
        gt=0,
        le=600,
        title="Time-out",
        description="How many seconds the mail server may be silent before the mail counts as not sent.",
    )
    deadline_seconds: float = Field(
        default=120,
        gt=0,
        le=900,
        title="Deadline",
        description="Seconds that handing over one mail may last in total, however slowly the server talks.",
    )

    def send(
        self,
        subject: str,
        text: str,
        html: str | None = None,
        attachments: Sequence[mail.Attachment] = (),
        message_id: str | None = None,
        only: Sequence[str] = (),
    ) -> mail.Delivery:
        """Send one mail to all recipients, or to some `only`, and say who was refused or put off.

        `message_id` is the part before the @; give the same one when the same report is sent again. A
        mail that is too large for the server goes out as text alone, which says so.

        Raises:
            ConfigurationProblem: a setting is wrong; mend the block it names.
            Unavailable: the mail server cannot take it now; send it again later.
        """
        compose = partial(
            mail.compose,
            sender=self.sender,
            recipients=self.recipients,
            subject=subject,
            message_id=message_id or uuid4().hex,
        )
        message = compose(text=text, html=html, attachments=attachments)
        smaller = compose(text=f"{text}\n\n{_TOO_LARGE}\n") if attachments else None
        server = self.server()
        tell(server.cautions)
        return mail.send(server, message, only, smaller)

    async def asend(
        self,
        subject: str,
        text: str,
        html: str | None = None,
        attachments: Sequence[mail.Attachment] = (),
        message_id: str | None = None,
        only: Sequence[str] = (),
    ) -> mail.Delivery:
        """Do what `send` does without holding up the event loop."""
        return await asyncio.to_thread(
            self.send, subject, text, html, attachments, message_id, only
        )

    async def notify(self, body: str, subject: str | None = None) -> None:
        """Mail what an automation has to say; a notification that fails is never silent."""
        # What it tells of a run may be what another system said; a link leads to our own UI only.
        ui = get_current_settings().ui_url
        own = re.compile(rf"{re.escape(ui)}/\S+" if ui else r"(?!)")
        rows = [
            row if own.fullmatch(row) else harmless.sentence(row, _LONGEST_ROW)
            for row in body.splitlines()
        ]
        try:
            delivery = await self.asend(subject or "Prefect notification", "\n".join(rows))
        except TillbridgeError as error:
            raise NotificationError(str(error)) from error
        if without := (*delivery.refused, *delivery.put_off):
            self.logger.warning("The mail server refused the recipients %s.", ", ".join(without))

    def server(self) -> mail.MailServer:
        """Hand out the mail server that the credentials name."""
        given = self.credentials
        smtp_type = SMTPType(given.smtp_type)
        host = given.smtp_server
        return mail.MailServer(
            host=host.value if isinstance(host, SMTPServer) else host,
            port=given.smtp_port or smtp_type.value,
            security=_SECURITY[smtp_type],
            user=given.username,
            password=given.password.get_secret_value(),
            verify_tls=given.verify is not False,
            timeout=self.timeout_seconds,
            deadline=self.deadline_seconds,
        )
