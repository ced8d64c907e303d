"""What an SFTP server's settings look like, as one form. It opens no connection.

The Prefect block inherits from `SftpSettings`, so every description here is read in its form.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from tillbridge.clients.sftp_paths import clean_root
from tillbridge.field_shapes import FileMode, NotEmpty, Port

_FEWEST_RSA_BITS = 2048
_KEY_TYPES = ("ssh-ed25519", "ecdsa-sha2-nistp", "ssh-rsa")


@dataclass(frozen=True, slots=True)
class HostKey:
    """A server's public host key: its type, as written in a known_hosts line, and its bytes."""

    type: str
    content: bytes

    @classmethod
    def parse(cls, line: str) -> HostKey:
        """Read `ssh-ed25519 AAAA...`; a host name before it and a comment after it are ignored.

        Raises:
            ValueError: the line holds no such key.
        """
        words = line.split()
        start = next((i for i, word in enumerate(words) if word.startswith(_KEY_TYPES)), None)
        try:
            if start is not None:
                key_type = words[start]
                content = base64.b64decode(words[start + 1], validate=True)
                # The key names its own type in its first field: four bytes of length, then the text.
                if _fields(content)[0] == key_type.encode():
                    _require_strong(key_type, content)
                    return cls(key_type, content)
        except (IndexError, binascii.Error):
            pass
        raise ValueError("a host key such as 'ssh-ed25519 AAAA...', as ssh-keyscan prints it")

    @property
    def fingerprint(self) -> str:
        """The SHA256 fingerprint, written as OpenSSH writes it."""
        digest = base64.b64encode(hashlib.sha256(self.content).digest()).decode()
        return f"{self.type} SHA256:{digest.rstrip('=')}"


def _fields(content: bytes) -> list[bytes]:
    fields = []
    while content:
        end = 4 + int.from_bytes(content[:4], "big")
        fields.append(content[4:end])
        content = content[end:]
    return fields


def _require_strong(key_type: str, content: bytes) -> None:
    if key_type != "ssh-rsa":
        return
    bits = int.from_bytes(_fields(content)[2], "big").bit_length()
    if bits < _FEWEST_RSA_BITS:
        raise ValueError(
            f"an RSA host key of at least {_FEWEST_RSA_BITS} bits; this one has {bits} and can be forged. Ask "
            "the server's owner for its Ed25519 key"
        )


class SftpSettings(BaseModel):
    """Where an SFTP server is, who we are there, and which host keys it has to show."""

    model_config = ConfigDict(hide_input_in_errors=True)

    host: str = Field(
        min_length=1,
        pattern=r"^\S+$",
        description="Name or address of the SFTP server.",
        examples=["sftp.example.com"],
    )
    port: Port = Field(22, description="TCP port of the SFTP server.")
    user: NotEmpty = Field(description="Account to log in with.", examples=["tillbridge-invoicing"])
    password: SecretStr | None = Field(
        None, description="Password of the account. Leave it empty when a private key is given."
    )
    private_key: SecretStr | None = Field(
        None,
        description="Text of the private key (OpenSSH or PEM format; Ed25519 preferred, RSA from 3072 bits).",
        examples=["-----BEGIN OPENSSH PRIVATE KEY-----\n..."],
    )
    private_key_passphrase: SecretStr | None = Field(
        None, description="Passphrase of the private key, if it has one."
    )
    host_keys: list[str] = Field(
        default_factory=list,
        description=(
            "Host keys the server may show, one per entry, as ssh-keyscan prints them. At least one is needed "
            "to connect; keep the old and the new one here while the server changes its key."
        ),
        examples=[["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI..."]],
    )
    root: str = Field(
        ".",
        description="Folder on the server that every path starts from. '.' is where the login lands.",
        examples=[".", "/exchange"],
    )
    connect_timeout: float = Field(
        15, ge=1, le=120, description="Seconds until a connection must stand, login included."
    )
    operation_timeout: float = Field(
        30, ge=1, le=600, description="Seconds to wait for each single answer of the server."
    )
    connections: int = Field(
        1, ge=1, le=16, description="Most connections to open to the server at the same time."
    )
    channels_per_connection: int = Field(
        4,
        ge=1,
        le=64,
        description="Most SFTP sessions on each connection. OpenSSH allows 10 by default (MaxSessions).",
    )
    file_mode: FileMode = Field(
        "0640",
        description="Rights of the files made on the server, octal; its umask may take more away.",
    )
    folder_mode: FileMode = Field(
        "0750",
        description="Rights of the folders made on the server, octal; its umask may take more away.",
    )
    accept_weaker_storage: bool = Field(
        False,
        description=(
            "Work with a server that cannot force files to disk, rename without overwriting, or rename in one "
            "step; otherwise no run starts on it."
        ),
    )

    @field_validator("host_keys")
    @classmethod
    def _host_keys_can_be_read(cls, lines: list[str]) -> list[str]:
        for line in lines:
            HostKey.parse(line)
        return lines

    @field_validator("root")
    @classmethod
    def _root_is_a_folder(cls, root: str) -> str:
        return clean_root(root)

    @model_validator(mode="after")
    def _there_is_a_login(self) -> Self:
        if not self.password and not self.private_key:
            raise ValueError("a password or a private key to log in with")
        return self

    @property
    def address(self) -> str:
        """The server as errors name it: host:port."""
        return f"{self.host}:{self.port}"

    def pinned_keys(self) -> list[HostKey]:
        """Give the host keys the server may show."""
        return [HostKey.parse(line) for line in self.host_keys]
