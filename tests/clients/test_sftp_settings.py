"""The settings form of an SFTP server."""

from __future__ import annotations

import base64

import pytest
from pydantic import ValidationError

from tillbridge.clients.sftp_settings import HostKey, SftpSettings

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"  # GitHub's


def settings(**changes: object) -> SftpSettings:
    values: dict[str, object] = {"host": "sftp.example.com", "user": "shop", "password": "secret"}
    return SftpSettings.model_validate(values | changes)


@pytest.mark.parametrize(
    "line", [KEY, f"github.com {KEY}", f"[host]:2222 {KEY} a comment", f" {KEY}\n"]
)
def test_host_key_is_read_as_tools_print_it(line: str) -> None:
    """A line of ssh-keyscan, known_hosts or a .pub file pins the same key."""
    key = settings(host_keys=[line]).pinned_keys()[0]
    assert key == HostKey.parse(KEY)
    assert key.fingerprint == "ssh-ed25519 SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "github.com",
        "ssh-ed25519",
        "ssh-ed25519 not-base64!",
        KEY.replace("ssh-ed25519", "ssh-rsa"),
        "ssh-dss " + base64.b64encode(b"\0\0\0\7ssh-dss").decode(),
    ],
)
def test_unreadable_host_key_is_refused_in_the_form(line: str) -> None:
    """A host key that is cut off or of another kind is refused when it is saved, not when it is used."""
    with pytest.raises(ValidationError, match="ssh-keyscan"):
        settings(host_keys=[line])


@pytest.mark.parametrize(("bits", "is_taken"), [(1024, False), (2047, False), (2048, True)])
def test_an_rsa_host_key_that_can_be_forged_is_refused(bits: int, is_taken: bool) -> None:
    """The sentence says how long it has to be, and which kind is better."""
    fields = (b"ssh-rsa", b"\1\0\1", (1 << (bits - 1)).to_bytes(bits // 8 + 1, "big"))
    content = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    line = f"ssh-rsa {base64.b64encode(content).decode()}"
    if is_taken:
        assert settings(host_keys=[line]).pinned_keys()[0].type == "ssh-rsa"
        return
    with pytest.raises(ValidationError, match=f"at least 2048 bits; this one has {bits}.*Ed25519"):
        settings(host_keys=[line])


def test_login_is_needed() -> None:
    """Settings without a password and without a key cannot be saved."""
    with pytest.raises(ValidationError, match="a password or a private key"):
        settings(password="")


def test_no_secret_in_any_text() -> None:
    """Neither the settings nor their errors show a secret."""
    assert "secret" not in repr(settings())
    with pytest.raises(ValidationError) as caught:
        settings(password="hunter2", port="hunter2", host_keys=["hunter2"])
    assert "hunter2" not in str(caught.value)


def test_every_field_explains_itself() -> None:
    """The form shows a sentence for each field."""
    for name, field in SftpSettings.model_fields.items():
        assert (field.description or "").endswith("."), name
