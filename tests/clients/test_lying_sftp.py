"""A server whose key is pinned and that lies all the same: every call ends, and its texts do no harm."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.openssh import Sshd
from tests.clients import lying_sftp
from tillbridge.clients import sftp_channel
from tillbridge.clients.sftp import SftpClient
from tillbridge.errors import FileRejected, TillbridgeError, Unavailable

LIAR = Path(lying_sftp.__file__)


@pytest.fixture
def lie(stopped_sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], SftpClient]:
    """Log in where the server tells this lie; what it may cost is made small."""
    monkeypatch.setattr(sftp_channel, "_MOST_ENTRIES", 5_000)

    def lie(which: str) -> SftpClient:
        stopped_sshd.start(subsystem=f"{sys.executable} {LIAR} '{which}'")
        return SftpClient(stopped_sshd.settings(operation_timeout=1))

    return lie


@pytest.mark.parametrize(
    ("which", "why"),
    [
        ("listing", "does not end"),
        ("count", "fewer entries than it says"),
        ("drowned", "did not answer in time"),
    ],
)
def test_a_listing_comes_to_an_end(lie: Callable[[str], SftpClient], which: str, why: str) -> None:
    """Without end, with a count that is a lie, or drowned in answers to nobody's request."""
    with lie(which) as client, pytest.raises(Unavailable, match=why):
        client.list("in")


def test_a_listing_that_only_takes_too_long_comes_to_an_end(
    lie: Callable[[str], SftpClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it holds: the whole of it has a deadline, too."""
    monkeypatch.setattr(sftp_channel, "_MOST_ENTRIES", 10**9)
    monkeypatch.setattr(sftp_channel, "_LISTING_PATIENCE", 0.2)
    with lie("listing") as client, pytest.raises(Unavailable, match="does not end"):
        client.list("in")


def test_attributes_come_to_an_end(lie: Callable[[str], SftpClient]) -> None:
    """Four billion extensions of which none is there are not read."""
    with lie("extensions") as client:
        assert client.exists("in/a.json")


def test_a_file_of_a_terabyte_is_not_hashed(lie: Callable[[str], SftpClient]) -> None:
    """What nobody could have written is refused by its size, before a byte of it is read."""
    with lie("size") as client, pytest.raises(FileRejected, match="at most"):
        client.sha256("in/a.json")


def test_its_texts_are_cleaned(lie: Callable[[str], SftpClient]) -> None:
    """They stand in run states and logs: one line, nothing that a terminal obeys."""
    with lie("text") as client, pytest.raises(TillbridgeError) as caught:
        client.exists("in/a.json")
    said = str(caught.value)
    assert "evil" in said
    assert said.isprintable()
