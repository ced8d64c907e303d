"""Mail servers that drip, and that never come to the end of a reply.

They give up after a while, so that a client that hears them out is found by what it says then.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice, repeat

import pytest
from prefect.blocks.abstract import NotificationError
from prefect_email import EmailServerCredentials

from blocks.mail_notification import MailNotification
from sandbox.mail import HOST
from tillbridge.clients.mail import MailServer, compose, send
from tillbridge.errors import ConfigurationProblem, Unavailable

GREETING = b"220 mail.brand.example ESMTP\r\n"
MESSAGE = compose(
    sender="tillbridge@brand.example",
    recipients=["finance@brand.example"],
    subject="3 orders need attention",
    text="Three orders.",
    message_id="report-1f2e3d4c",
)

Say = Callable[[threading.Event], Iterator[bytes]]


def a_byte_now_and_then(stopping: threading.Event) -> Iterator[bytes]:
    """Say the beginning of a reply, and not its end."""
    while not stopping.wait(0.01):
        yield b"x"


def lines_without_end(_: threading.Event) -> Iterator[bytes]:
    """Say that there is more to come, again and again."""
    return repeat(b"250-and more\r\n" * 1000)


def one_line_without_end(_: threading.Event) -> Iterator[bytes]:
    """Say one line, on and on."""
    return repeat(b"250 " + b"x" * 65_536)


@contextmanager
def mail_server(say: Say, *, before: tuple[bytes, ...] = ()) -> Iterator[int]:
    """Say `before` in turn, each after a command but the first, then what `say` gives; gives the port."""
    stopping = threading.Event()
    with socket.create_server((HOST, 0)) as listening:
        thread = threading.Thread(target=_serve, args=(listening, say, before, stopping))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            stopping.set()
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(
    listening: socket.socket, say: Say, before: tuple[bytes, ...], stopping: threading.Event
) -> None:
    with contextlib.suppress(OSError):
        connection, _ = listening.accept()
        with connection:
            connection.settimeout(20)
            for number, reply in enumerate((*before, None)):
                if number:
                    connection.recv(65_536)
                if reply is not None:
                    connection.sendall(reply)
            for piece in islice(say(stopping), 1000):
                connection.sendall(piece)


EACH_STEP = pytest.mark.parametrize(
    "before",
    [(), (GREETING,), (GREETING, b"250 mail.brand.example\r\n")],
    ids=["greeting", "EHLO", "MAIL"],
)


@EACH_STEP
def test_a_server_that_drips_ends_at_the_deadline(before: tuple[bytes, ...]) -> None:
    """A byte now and then does not keep the dialogue alive beyond its deadline."""
    with mail_server(a_byte_now_and_then, before=before) as port:
        server = MailServer(HOST, port, "insecure", timeout=20, deadline=0.4)
        with pytest.raises(Unavailable, match=r"within 0\.4 s in all. Nothing is lost"):
            send(server, MESSAGE)


@EACH_STEP
def test_a_reply_of_endless_lines_ends(before: tuple[bytes, ...]) -> None:
    """It is told as no mail server's long before it fills the memory."""
    with mail_server(lines_without_end, before=before) as port:
        server = MailServer(HOST, port, "insecure", timeout=20)
        with pytest.raises(Unavailable, match="more than 100 lines at once"):
            send(server, MESSAGE)


@EACH_STEP
def test_a_reply_of_one_endless_line_ends(before: tuple[bytes, ...]) -> None:
    """It is told as too long."""
    with mail_server(one_line_without_end, before=before) as port:
        server = MailServer(HOST, port, "insecure", timeout=20)
        with pytest.raises(ConfigurationProblem, match="Line too long"):
            send(server, MESSAGE)


@pytest.mark.parametrize("say", [a_byte_now_and_then, lines_without_end, one_line_without_end])
def test_an_alert_ends_as_well(say: Say) -> None:
    """What Prefect's server mails from its own process comes to an end, and Prefect hears why."""
    with mail_server(say) as port:
        block = MailNotification(
            credentials=EmailServerCredentials(
                smtp_server=HOST, smtp_port=port, smtp_type="INSECURE"
            ),
            sender="tillbridge@brand.example",
            recipients=["finance@brand.example"],
            deadline_seconds=0.5,
        )
        with pytest.raises(NotificationError, match=r"mail server 127\.0\.0\.1"):
            asyncio.run(block.notify("The run crashed."))
