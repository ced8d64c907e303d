"""A running SMTP inbox, and how the product reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.mail import HOST, SmtpInbox
from tillbridge.clients.mail import MailServer


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[SmtpInbox]:
    """An inbox without encryption or login."""
    with SmtpInbox(tmp_path / "inbox") as inbox:
        yield inbox


@pytest.fixture
def mail_server(inbox: SmtpInbox) -> MailServer:
    """The inbox as the product knows it."""
    return MailServer(host=HOST, port=inbox.port, security="insecure", timeout=20)
