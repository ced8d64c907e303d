"""One SMTP dialogue with one mail server that comes to an end, whatever the server says, and how slowly.

smtplib waits per read and takes a reply of any number of lines; here the whole has a deadline and a reply its
size. What to send, and what an error means for it, is `tillbridge.clients.mail`'s.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal

from tillbridge.clients.deadline import Deadline
from tillbridge.errors import ConfigurationProblem, Unavailable

_MOST_LINES = 100
_PIECE = 4096


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed over. "insecure" still encrypts when the server offers it; times in seconds.

    `timeout` is for one answer, `deadline` for the whole dialogue.
    """

    host: str
    port: int
    security: Literal["ssl", "starttls", "insecure"] = "ssl"
    user: str | None = None
    password: str = field(default="", repr=False)
    verify_tls: bool = True
    timeout: float = 30.0
    deadline: float = 120.0

    @property
    def cautions(self) -> tuple[str, ...]:
        """What everybody who uses this server should be told each time."""
        if self.verify_tls:
            return ()
        told = (
            f"TLS of mail server {self.host}:{self.port} is NOT verified (verify is off): whoever is on the"
            " line may take the mails. Let this machine trust its certificate instead"
        )
        return (told,)


def log_in(server: MailServer) -> Dialogue:
    """Connect, encrypt and log in as the settings say; close what is returned.

    Raises:
        ConfigurationProblem: the password may or can not be sent.
        Unavailable: the deadline is over, or a reply has no end.
        OSError: of smtplib, ssl and the system.
    """
    tls = ssl.create_default_context()
    if not server.verify_tls:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    dialogue = Dialogue(server, tls if server.security == "ssl" else None)
    try:
        if server.security != "ssl":
            dialogue.ehlo()
            if server.security == "starttls" or dialogue.has_extn("starttls"):
                dialogue.starttls(context=tls)
        if server.user:
            _prove(dialogue, server, server.user)
    except BaseException:
        dialogue.close()
        raise
    return dialogue


class Dialogue(smtplib.SMTP):
    """smtplib's client with a deadline for all it does, and an end to every reply.

    Raises `Unavailable` where either is passed, besides what smtplib raises.
    """

    def __init__(self, server: MailServer, tls: ssl.SSLContext | None) -> None:
        """Connect, encrypted from the start with `tls`."""
        self._server = server
        self._tls_from_the_start = tls
        self._deadline = Deadline.within(server.deadline)
        super().__init__(server.host, server.port, timeout=server.timeout)

    def connect(  # noqa: D102 - smtplib's
        self, host: str = "localhost", port: int = 0, source_address: object = None
    ) -> tuple[int, bytes]:
        try:
            self.sock = socket.create_connection((host, port), self._seconds())
            if self._tls_from_the_start is not None:
                self.sock = self._tls_from_the_start.wrap_socket(self.sock, server_hostname=host)
            return self.getreply()
        except BaseException:
            self.close()
            raise

    def send(self, s: str | bytes) -> None:  # type: ignore[override] # noqa: D102 - smtplib's
        if self.sock is not None:
            self.sock.settimeout(self._seconds())
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:  # noqa: D102 - smtplib's
        if self.file is None:
            self.file = _Replies(self._receive, self._place)
        self.file.begin()
        return super().getreply()

    @property
    def _place(self) -> str:
        return f"mail server {self._server.host}:{self._server.port}"

    def _receive(self) -> bytes:
        assert self.sock is not None  # noqa: S101 - a reply is read of a connection only
        seconds = self._seconds()
        self.sock.settimeout(seconds)
        try:
            return self.sock.recv(_PIECE)
        except TimeoutError as error:
            if seconds < self._server.timeout:
                raise self._too_slow() from error
            raise

    def _seconds(self) -> float:
        try:
            return self._deadline.left(self._server.timeout)
        except TimeoutError as error:
            raise self._too_slow() from error

    def _too_slow(self) -> Unavailable:
        return Unavailable(
            f"The {self._place} did not take the mail within {self._server.deadline:g} s in all. Nothing"
            " is lost: send the mail again; if the server took it, both have the same Message-ID."
        )


class _Replies:
    """The lines that a server says, as the file that smtplib reads them from."""

    def __init__(self, receive: Callable[[], bytes], place: str) -> None:
        self._receive = receive
        self._place = place
        self._lines = 0
        self._held = b""

    def begin(self) -> None:
        """Count the lines of the next reply."""
        self._lines = 0

    def readline(self, size: int) -> bytes:
        """Return the next line, its first `size` bytes if it is longer, and what there is at the end."""
        self._lines += 1
        if self._lines > _MOST_LINES:
            raise Unavailable(
                f"The {self._place} answers with more than {_MOST_LINES} lines at once, as no mail server does."
                " Nothing is lost: check host and port, then send the mail again."
            )
        while b"\n" not in self._held and len(self._held) < size:
            piece = self._receive()
            if not piece:
                break
            self._held += piece
        end = self._held.find(b"\n", 0, size) + 1 or size
        line, self._held = self._held[:end], self._held[end:]
        return line

    def close(self) -> None:
        """Do nothing: the connection is closed by itself."""


def _prove(dialogue: Dialogue, server: MailServer, user: str) -> None:
    assert dialogue.sock is not None  # noqa: S101 - it is connected
    encrypted = isinstance(dialogue.sock, ssl.SSLSocket)
    if not password_may_go(dialogue.sock.getpeername()[0], encrypted=encrypted):
        raise ConfigurationProblem(
            f"The mail server {server.host}:{server.port} offers no encryption, so the password was"
            " not sent. Use its SSL or STARTTLS port, or leave the user empty if it needs none."
        )
    try:
        dialogue.login(user, server.password)
    except UnicodeError:
        # Not chained: the original error carries the password.
        raise ConfigurationProblem(
            f"The user or password for mail server {server.host}:{server.port} holds characters"
            " outside ASCII, which SMTP logins cannot carry."
        ) from None


def password_may_go(peer: str, *, encrypted: bool) -> bool:
    """Allow a password on an encrypted connection, or to this very machine (`peer` is an IP address)."""
    return encrypted or ip_address(peer).is_loopback
