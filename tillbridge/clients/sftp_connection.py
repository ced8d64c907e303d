"""Opens an SSH connection that is safe to use, or says in plain words why there is none.

The host key must be pinned, the login is the configured one alone (no agent, no keys lying about),
and no wait is endless. Sessions on the connection are `sftp_channel`'s.
"""

from __future__ import annotations

import io
import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import paramiko

from tillbridge.clients.sftp_channel import Broken, SftpChannel
from tillbridge.clients.sftp_settings import HostKey, SftpSettings
from tillbridge.errors import ConfigurationProblem, Unavailable

_KEEPALIVE_SECONDS = 15
_CIPHERS = (
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
)
_MACS = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
)
_X25519 = "curve25519-sha256"
_RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")

# paramiko logs every lost connection with a traceback, and file names; ours are raised instead.
_LOG_NAME = f"{__name__}.paramiko"
logging.getLogger(_LOG_NAME).setLevel(logging.CRITICAL + 1)


class SftpConnection:
    """One logged-in SSH connection."""

    def __init__(self, settings: SftpSettings) -> None:
        """Connect and log in.

        Raises:
            ConfigurationProblem: host key, login or algorithms are not as configured.
            Unavailable: the server cannot be reached, or is silent.
        """
        self._settings = settings
        server = settings.address
        try:
            plain = socket.create_connection(
                (settings.host, settings.port), settings.connect_timeout
            )
        except OSError as error:
            raise Unavailable(f"Cannot connect to SFTP server {server}: {error}.") from error
        # Small requests follow each other: waiting to fill a packet would cost 40 ms each.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = _Transport(_BoundedSocket(plain, settings.operation_timeout))
        self._transport.set_log_channel(_LOG_NAME)
        try:
            with self._deadline():
                _negotiate(self._transport, settings)
                _log_in(self._transport, settings)
        except BaseException:
            self.close()
            raise
        self._transport.set_keepalive(_KEEPALIVE_SECONDS)

    def open_channel(self) -> SftpChannel:
        """Start one more SFTP session.

        Raises:
            Broken: the connection is dead.
            ConfigurationProblem: the server allows no further session, or no SFTP at all.
        """
        try:
            with self._deadline():
                session = self._transport.open_session()
                session.settimeout(self._settings.operation_timeout)
                session.invoke_subsystem("sftp")
                channel = SftpChannel(session)
                channel.server = self._settings.address
                channel.patience = self._settings.operation_timeout
                channel.file_mode = int(self._settings.file_mode, 8)
                channel.folder_mode = int(self._settings.folder_mode, 8)
                return channel
        except paramiko.ChannelException as error:
            raise ConfigurationProblem(
                f"SFTP server {self._settings.address} refused another session on the same connection. "
                f"Set channels per connection (now {self._settings.channels_per_connection}) to what the "
                "server allows (MaxSessions in OpenSSH), or ask whether the account may use SFTP."
            ) from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise Broken(f"no session could be opened ({error})") from error

    def describe(self) -> str:
        """Say in one sentence what protects the connection."""
        shown = self._transport.get_remote_server_key()
        key = HostKey(shown.get_name(), shown.asbytes())
        return (
            f"Connected to {self._settings.address} as {self._settings.user}; host key {key.fingerprint}, "
            f"cipher {self._transport.remote_cipher}."
        )

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    @contextmanager
    def _deadline(self) -> Iterator[None]:
        """Hang up when the steps inside take too long: some of paramiko's waits have no end."""
        timer = threading.Timer(self._settings.connect_timeout, self._transport.close)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


class _Transport(paramiko.Transport):  # type: ignore[misc] # paramiko has no types
    """Knows the key exchange of RFC 8731 by its own name too, as servers offer it that offer nothing else."""

    _kex_info = paramiko.Transport._kex_info | {
        _X25519: paramiko.Transport._kex_info[f"{_X25519}@libssh.org"]
    }


class _BoundedSocket:
    """A socket that gives up sending when nothing moved for `limit` seconds.

    paramiko would go on trying for ever, and a frozen server with a full buffer would hold a run.
    """

    def __init__(self, plain: socket.socket, limit: float) -> None:
        self._plain = plain
        self._limit = limit
        self._moved_at = 0.0
        self._is_stuck = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)

    def send(self, data: bytes) -> int:
        """Send what fits now; raise `TimeoutError` when nothing does, which paramiko repeats."""
        now = time.monotonic()
        if not self._is_stuck:
            self._moved_at = now
        elif now - self._moved_at > self._limit:
            raise ConnectionAbortedError("the server takes no more data")
        self._is_stuck = True
        sent = self._plain.send(data)
        self._is_stuck = False
        return sent


def _negotiate(transport: paramiko.Transport, settings: SftpSettings) -> None:
    server = settings.address
    pinned = settings.pinned_keys()
    options = transport.get_security_options()
    options.ciphers = _CIPHERS
    options.digests = _MACS
    options.kex = (_X25519, *options.kex)
    # The server shows one key only: ask for a kind that is pinned before all others.
    wanted = [kind for key in pinned for kind in _signatures(key)]
    options.key_types = list(dict.fromkeys([*wanted, *options.key_types]))
    transport.banner_timeout = transport.auth_timeout = (
        settings.connect_timeout * 2
    )  # ours is first
    try:
        transport.start_client(timeout=settings.connect_timeout)
        shown = transport.get_remote_server_key()
    except paramiko.ssh_exception.IncompatiblePeer as error:
        raise ConfigurationProblem(
            f"SFTP server {server} offers no way to connect that is safe enough: {error}. Its owner has to "
            "allow AES in GCM or CTR mode, SHA-2 and a key exchange from this decade."
        ) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise Unavailable(
            f"SFTP server {server} was reached, but no secure connection came about within "
            f"{settings.connect_timeout:g} s: {_reason(error)}."
        ) from error
    key = HostKey(shown.get_name(), shown.asbytes())
    if key not in pinned:
        raise ConfigurationProblem(_host_key_problem(server, key, pinned))


def _signatures(key: HostKey) -> tuple[str, ...]:
    return _RSA_SIGNATURES if key.type == "ssh-rsa" else (key.type,)


def _host_key_problem(server: str, shown: HostKey, pinned: list[HostKey]) -> str:
    if not pinned:
        return (
            f"No host key is pinned for SFTP server {server}, so nothing was sent to it. It shows "
            f"{shown.fingerprint}. Compare that with what the server's owner tells you, then add the key "
            "(ssh-keyscan prints it) to the host keys of the settings."
        )
    known = ", ".join(key.fingerprint for key in pinned)
    return (
        f"SFTP server {server} shows another host key than the pinned one: it may have been replaced, or "
        f"somebody may be in between. Nothing was sent. Shown: {shown.fingerprint}. Pinned: {known}. "
        "Ask the server's owner; if the new key is right, add it to the host keys of the settings."
    )


def _log_in(transport: paramiko.Transport, settings: SftpSettings) -> None:
    server, user = settings.address, settings.user
    try:
        needs_more = True
        if settings.private_key:
            needs_more = bool(transport.auth_publickey(user, _private_key(settings)))
        if needs_more and settings.password:
            needs_more = bool(transport.auth_password(user, settings.password.get_secret_value()))
    except (paramiko.SSHException, EOFError, OSError) as error:
        if isinstance(error, paramiko.AuthenticationException) and transport.is_active():
            raise _login_refused(server, user) from error
        raise Unavailable(
            f"SFTP server {server} closed the connection or was silent during the login of {user}: "
            f"{_reason(error)}."
        ) from error
    if needs_more:
        raise _login_refused(server, user)


def _login_refused(server: str, user: str) -> ConfigurationProblem:
    return ConfigurationProblem(
        f"SFTP server {server} refused the login of {user}. Check the user, and the private key or "
        "password in the settings; the server's owner can see the reason in its log."
    )


def _private_key(settings: SftpSettings) -> paramiko.PKey:
    assert settings.private_key is not None  # noqa: S101 - asked for by the caller only then
    text = _with_lines(settings.private_key.get_secret_value())
    passphrase = settings.private_key_passphrase
    secret = passphrase.get_secret_value() if passphrase else None
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text), password=secret)
        except paramiko.PasswordRequiredException as error:
            raise ConfigurationProblem(
                f"The private key for SFTP server {settings.address} needs its passphrase."
            ) from error
        except (paramiko.SSHException, ValueError, IndexError):
            continue  # another kind of key, or none at all
    raise ConfigurationProblem(
        f"The private key for SFTP server {settings.address} cannot be read. Expected the whole text of an "
        "Ed25519, ECDSA or RSA key in OpenSSH or PEM format, and its passphrase where it has one."
    )


def _with_lines(text: str) -> str:
    """Give a key its line breaks back: one-line form fields and environment variables lose them."""
    text = text.replace("\\n", "\n").strip()
    one_line = re.fullmatch(r"(-----BEGIN [A-Z ]+-----) *([^\n]*?) *(-----END [A-Z ]+-----)", text)
    if one_line:
        head, body, foot = one_line.groups()
        text = "\n".join([head, *body.split(), foot])
    return text + "\n"


def _reason(error: Exception) -> str:
    return str(error) or "it hung up"
