"""Whom the SFTP client talks to: pinned host keys, logins and algorithms, against a real OpenSSH."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from sandbox.openssh import Sshd, free_port, make_key
from tillbridge.clients.sftp import SftpClient, SftpSettings
from tillbridge.clients.sftp_settings import HostKey
from tillbridge.errors import ConfigurationProblem, Unavailable


def problem_with(settings: SftpSettings) -> str:
    with SftpClient(settings) as client, pytest.raises(ConfigurationProblem) as caught:
        client.list("in")
    return str(caught.value)


def test_unknown_host_key_is_refused(sshd: Sshd) -> None:
    """Without a pinned key nothing is sent; the error says which key the server shows."""
    text = problem_with(sshd.settings(host_keys=[]))
    assert f"127.0.0.1:{sshd.port}" in text
    assert HostKey.parse(sshd.pinned).fingerprint in text
    assert "add the key" in text


def test_changed_host_key_stops_everything(sshd: Sshd) -> None:
    """A server with another key than the pinned one is refused, and both keys are named."""
    settings = sshd.settings()
    with SftpClient(settings) as client:
        assert client.list("in") == []
    old = HostKey.parse(sshd.pinned).fingerprint
    sshd.change_host_key()
    text = problem_with(settings)
    assert old in text
    assert HostKey.parse(sshd.pinned).fingerprint in text
    assert "somebody may be in between" in text


def test_two_pinned_keys_allow_a_rotation(sshd: Sshd) -> None:
    """With the old and the new key pinned, the server may change its key at any time."""
    old = sshd.pinned
    sshd.change_host_key()
    with SftpClient(sshd.settings(host_keys=[old, sshd.pinned])) as client:
        assert client.list("in") == []


def test_pinned_kind_is_asked_for(stopped_sshd: Sshd) -> None:
    """A server with several host keys shows the kind that is pinned, RSA too."""
    rsa = make_key(stopped_sshd.state / "host_key_rsa", "rsa")
    stopped_sshd.start(f"HostKey {rsa}")
    pinned = Path(f"{rsa}.pub").read_text()
    with SftpClient(stopped_sshd.settings(host_keys=[pinned])) as client:
        assert "ssh-rsa SHA256:" in client.probe()[0]


def test_key_of_another_kind_than_pinned_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    """A pinned RSA key does not let an unpinned Ed25519 key through."""
    other = Path(f"{make_key(tmp_path / 'other', 'rsa')}.pub").read_text()
    assert "another host key" in problem_with(sshd.settings(host_keys=[other]))


def test_wrong_login_is_a_setting_to_mend(sshd: Sshd, tmp_path: Path) -> None:
    """A wrong key or password names user and server, and no secret."""
    wrong_key = make_key(tmp_path / "wrong").read_text()
    for login in ({"private_key": wrong_key}, {"private_key": None, "password": "hunter2"}):
        text = problem_with(sshd.settings(**login))
        assert "refused the login" in text
        assert f"127.0.0.1:{sshd.port}" in text
        assert "hunter2" not in text


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_private_key_kinds_and_passphrases(stopped_sshd: Sshd, tmp_path: Path, kind: str) -> None:
    """Keys of each kind log in, with their passphrase; without it the error says what is missing."""
    stopped_sshd.client_key = make_key(tmp_path / "client", kind, passphrase="open sesame")
    stopped_sshd.start()
    settings = stopped_sshd.settings(private_key_passphrase="open sesame")
    with SftpClient(settings) as client:
        assert client.list("in") == []
    assert "needs its passphrase" in problem_with(stopped_sshd.settings())
    assert "cannot be read" in problem_with(stopped_sshd.settings(private_key_passphrase="wrong"))


@pytest.mark.parametrize("line_break", [" ", "\\n"])
def test_private_key_pasted_into_one_line(sshd: Sshd, line_break: str) -> None:
    """A key that lost its line breaks in a form or a variable still works."""
    one_line = sshd.client_key.read_text().strip().replace("\n", line_break)
    with SftpClient(sshd.settings(private_key=one_line)) as client:
        assert client.list("in") == []


def test_text_that_is_no_key(sshd: Sshd) -> None:
    """Something else in the key field is refused without repeating it."""
    text = problem_with(sshd.settings(private_key=SecretStr("hunter2")))
    assert "cannot be read" in text
    assert "hunter2" not in text


@pytest.mark.parametrize("weak", ["Ciphers aes128-cbc", "MACs hmac-sha1\nCiphers aes128-ctr"])
def test_weak_algorithms_are_refused(stopped_sshd: Sshd, weak: str) -> None:
    """A server that offers only CBC or SHA-1 is not talked to, and the error says why."""
    stopped_sshd.start(weak)
    assert "safe enough" in problem_with(stopped_sshd.settings())


def test_nobody_listens(sshd: Sshd) -> None:
    """A closed port is an outage with host and port, not a setting."""
    port = free_port()
    with (
        SftpClient(sshd.settings(port=port)) as client,
        pytest.raises(Unavailable, match=f"Cannot connect to SFTP server 127.0.0.1:{port}"),
    ):
        client.list("in")


def test_silent_server_does_not_hold_the_run(sshd: Sshd) -> None:
    """A port that accepts and says nothing ends after the connect time-out."""
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        SftpClient(sshd.settings(port=silent.getsockname()[1], connect_timeout=1)) as client,
        pytest.raises(Unavailable, match="within 1 s"),
    ):
        client.list("in")


def test_too_many_channels_names_the_setting(stopped_sshd: Sshd) -> None:
    """When the server allows fewer sessions than configured, the error names the setting."""
    stopped_sshd.start("MaxSessions 0")
    assert "channels per connection" in problem_with(stopped_sshd.settings())


def test_a_server_with_the_one_key_exchange_of_its_standard_is_talked_to(
    stopped_sshd: Sshd,
) -> None:
    """OpenSSH has two names for it; hardened servers offer the newer one alone."""
    stopped_sshd.start("KexAlgorithms curve25519-sha256")
    with SftpClient(stopped_sshd.settings()) as client:
        assert client.list("in") == []


def test_what_is_made_on_the_server_is_for_owner_and_group(sshd: Sshd) -> None:
    """Whatever the server's umask lets through; the settings may say otherwise."""
    for mode, settings in (
        ("0o640 0o750", {}),
        ("0o600 0o700", {"file_mode": "0600", "folder_mode": "0700"}),
    ):
        with SftpClient(sshd.settings(**settings)) as client:
            client.put(f"{mode}/in/a.json", b"customer")
        file = sshd.root / mode / "in" / "a.json"
        found = " ".join(oct(stat.S_IMODE(path.stat().st_mode)) for path in (file, file.parent))
        assert found == mode
