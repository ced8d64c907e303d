"""An SMTP inbox on loopback that keeps every mail as a file and fails on demand.

It speaks real SMTP (aiosmtpd), takes mail for anybody and delivers none. Tests and the demo look into its
folder, or read the mails with `SmtpInbox.messages`.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections import defaultdict, deque
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as mail_policy
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox.certificate import write_certificate

HOST = "127.0.0.1"
_ACCEPTED = "250 2.0.0 Accepted"

Command = Literal["MAIL", "RCPT", "DATA", "QUIT"]


class Fault(Enum):
    """What the inbox does in place of an answer."""

    CLOSE = "hang up without an answer"
    HANG = "never answer"


class SmtpInbox:
    """An inbox that runs in a thread; use it as a context manager, or call `start` and `stop`.

    With `login` the sender has to log in first. `certificate` is the PEM file of the self-signed
    certificate, there when `security` is not "none"; it is for the address `certified_for`.
    """

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        *,
        security: Literal["none", "starttls", "ssl"] = "none",
        login: tuple[str, str] | None = None,
        certified_for: str = HOST,
    ) -> None:
        self.folder = folder
        self.certificate = folder / "certificate.pem"
        self._login = login
        self._answers: defaultdict[str, deque[str | Fault]] = defaultdict(deque)
        self._refused: dict[str, str] = {}
        folder.mkdir(parents=True, exist_ok=True)
        context = None if security == "none" else self._context(certified_for)
        self._controller = _Controller(
            self,
            hostname=HOST,
            port=port,
            ssl_context=context if security == "ssl" else None,
            tls_context=context if security == "starttls" else None,
            authenticator=self._authenticate,
            auth_require_tls=security == "starttls",
            server_hostname="sandbox",
        )

    @property
    def port(self) -> int:
        """The port it listens on; known once it has started."""
        return self._controller.port

    def start(self) -> None:
        """Listen; returns when the inbox answers."""
        self._controller.start()

    def stop(self) -> None:
        """Hang up on everybody and stop listening."""
        self._controller.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def answer(self, command: Command, *answers: str | Fault) -> None:
        """Give these answers to the next commands of that name, one each; then all is well again.

        After DATA the mail is kept where the answer is a `Fault` or starts with 2: the inbox took it,
        whatever the sender hears.
        """
        self._answers[command].extend(answers)

    def refuse(self, recipient: str, answer: str = "550 5.1.1 No such mailbox") -> None:
        """Refuse this recipient from now on."""
        self._refused[recipient] = answer

    def files(self) -> list[Path]:
        """List the kept mails, the oldest first."""
        return sorted(self.folder.glob("*.eml"))

    def messages(self) -> list[EmailMessage]:
        """Read the kept mails, the oldest first."""
        return [message_from_bytes(path.read_bytes(), policy=mail_policy) for path in self.files()]

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a sender."""
        if self._login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return await self._next_answer(server, "MAIL")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient."""
        if address in self._refused:
            return self._refused[address]
        answer = await self._next_answer(server, "RCPT")
        if answer == _ACCEPTED:
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail, keep it, answer."""
        planned = self._answers["DATA"]
        if not planned or isinstance(planned[0], Fault) or planned[0].startswith("2"):
            self._keep(_received(server, session) + (envelope.original_content or b""))
        return await self._next_answer(server, "DATA")

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Say goodbye."""
        return await self._next_answer(server, "QUIT", "221 2.0.0 Bye")

    async def _next_answer(self, server: SMTP, command: str, usual: str = _ACCEPTED) -> str:
        planned = self._answers[command]
        answer = planned.popleft() if planned else usual
        if answer is Fault.HANG:
            await asyncio.Event().wait()
        if answer is Fault.CLOSE:
            server.transport.abort()
            raise ConnectionResetError
        return str(answer)

    def _keep(self, content: bytes) -> None:
        message_id = message_from_bytes(content).get("Message-ID", "")
        mark = hashlib.sha256(message_id.encode()).hexdigest()[:12]
        path = self.folder / f"{datetime.now(UTC):%Y-%m-%d-%H-%M-%S-%f}-{mark}.eml"
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(content)
        unfinished.rename(path)

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        user, password = self._login or ("", "")
        expected = LoginPassword(user.encode(), password.encode())
        return AuthResult(success=self._login is not None and data == expected, handled=False)

    def _context(self, address: str) -> ssl.SSLContext:
        write_certificate(self.certificate, address)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        return context


def _received(server: SMTP, session: Session) -> bytes:
    """Say as every mail server does how the mail came: the S in ESMTPSA is TLS, the A a login."""
    encrypted = server.transport.get_extra_info("sslcontext") is not None
    protocol = "ESMTP" + "S" * encrypted + "A" * bool(session.authenticated)
    return f"Received: from {session.host_name} by sandbox with {protocol}\r\n".encode()


class _Controller(Controller):
    def _trigger_server(self) -> None:
        # Port 0 means any free one, and only the listening socket knows which.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
