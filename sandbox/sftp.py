"""An SFTP server on loopback that keeps the promises of OpenSSH, for machines that have none.

It shows one folder as its root, and keeps its host key and a login key in its state folder, so a
restart needs no new settings.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import asyncssh

USER = "tillbridge"
PASSWORD = "sandbox"  # loopback only


@dataclass(frozen=True, slots=True)
class SandboxSftp:
    """A running server, and what a client needs to log in: `client_key` or the password."""

    port: int
    user: str
    password: str
    client_key: str
    host_key: str
    _server: asyncssh.SSHAcceptor
    _connections: set[asyncssh.SSHServerConnection]

    async def stop(self) -> None:
        """Stop listening and hang up on everybody."""
        self._server.close()
        await self._server.wait_closed()
        for connection in list(self._connections):
            connection.abort()
            await connection.wait_closed()


async def serve_sftp(state_folder: Path, root: Path, port: int = 0) -> SandboxSftp:
    """Serve `root` on 127.0.0.1 until stopped; port 0 takes a free one."""
    state_folder.mkdir(parents=True, exist_ok=True)
    root.mkdir(parents=True, exist_ok=True)
    host_key = _kept_key(state_folder / "sftp_host_key")
    client_key = _kept_key(state_folder / "sftp_client_key")
    chroot = os.fsencode(root.resolve())
    connections: set[asyncssh.SSHServerConnection] = set()
    server = await asyncssh.listen(
        "127.0.0.1",
        port,
        server_factory=lambda: _Login(connections),
        server_host_keys=[host_key],
        authorized_client_keys=asyncssh.import_authorized_keys(_public(client_key)),
        sftp_factory=lambda channel: _Files(channel, chroot=chroot),
        allow_scp=False,
    )
    return SandboxSftp(
        port=server.get_port(),
        user=USER,
        password=PASSWORD,
        client_key=client_key.export_private_key().decode(),
        host_key=_public(host_key),
        _server=server,
        _connections=connections,
    )


class _Login(asyncssh.SSHServer):
    def __init__(self, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._connections = connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self._connection)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


class _Files(asyncssh.SFTPServer):
    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename a file as OpenSSH does: the link refuses to replace another file, in one step."""
        old, new = self.map_path(oldpath), self.map_path(newpath)
        os.link(old, new)
        os.unlink(old)  # noqa: PTH108 - these paths are bytes


def _kept_key(path: Path) -> asyncssh.SSHKey:
    if not path.exists():
        key = asyncssh.generate_private_key("ssh-ed25519", comment="tillbridge sandbox")
        path.touch(mode=0o600)
        path.write_bytes(key.export_private_key())
    return asyncssh.read_private_key(path)


def _public(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode().strip()
