"""Who sent a request: the client whose secret it carries. All secrets are compared, in constant time.

A request that carries several credentials is judged by one of them: its signature, or else its
Authorization header, or else its API key.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from tillbridge.receiver import signatures
from tillbridge.receiver.settings import ReceiverSettings
from tillbridge.receiver.signatures import SignedHeaders

ID, TIMESTAMP, SIGNATURE = b"webhook-id", b"webhook-timestamp", b"webhook-signature"


@dataclass(frozen=True, slots=True)
class Sender:
    """An authenticated client. `skew` is how far its clock is ahead, in seconds; None if it did not sign."""

    client: str
    skew: float | None = None


class Clients:
    """The clients of the settings."""

    def __init__(self, settings: ReceiverSettings) -> None:
        self._tokens: list[tuple[str, bytes]] = []
        self._api_keys: list[tuple[str, bytes]] = []
        self._logins: list[tuple[str, bytes]] = []
        self._signing: list[tuple[str, list[bytes]]] = []
        self._tolerance = settings.signature_tolerance_seconds
        self._api_key_header = settings.api_key_header.encode()
        for name, client in settings.clients.items():
            self._tokens += [(name, s.get_secret_value().encode()) for s in client.bearer_tokens]
            self._api_keys += [(name, s.get_secret_value().encode()) for s in client.api_keys]
            self._logins += [
                (name, f"{client.basic_user}:{s.get_secret_value()}".encode())
                for s in client.basic_passwords
            ]
            keys = [signatures.key(s.get_secret_value()) for s in client.signing_secrets]
            if keys:
                self._signing.append((name, keys))

    def signed(self, headers: Iterable[tuple[bytes, bytes]]) -> SignedHeaders | None:
        """Give the headers of a signed request, which can only be judged with its body; None if it is none."""
        found = dict(headers)
        if not self._signing or SIGNATURE not in found:
            return None
        return SignedHeaders(found.get(ID, b""), found.get(TIMESTAMP, b""), found[SIGNATURE])

    def by_signature(self, headers: SignedHeaders, body: bytes, now: float) -> Sender | None:
        """Say who signed `body`; None for nobody, and for a time too far from `now` (seconds since 1970)."""
        found = None
        for name, keys in self._signing:
            if signatures.fits(headers, keys, body):
                found = name
        said = signatures.moment(headers)
        if found is None or said is None or abs(said - now) > self._tolerance:
            return None
        return Sender(found, said - now)

    def by_headers(self, headers: Iterable[tuple[bytes, bytes]]) -> Sender | None:
        """Say whose token, password or API key the headers carry; None for nobody's."""
        found = dict(headers)
        if b"authorization" not in found:
            return _owner(self._api_keys, found.get(self._api_key_header, b""))
        scheme, _, value = found[b"authorization"].partition(b" ")
        match scheme.lower():
            case b"bearer":
                return _owner(self._tokens, value.strip())
            case b"basic":
                return _owner(self._logins, _decoded(value.strip()))
            case _:
                return None


def is_ambiguous(headers: Iterable[tuple[bytes, bytes]], judged: Collection[bytes]) -> bool:
    """Say whether one of the judged headers stands there twice: a proxy might have judged by the other."""
    names = [name for name, _ in headers if name in judged]
    return len(names) > len(set(names))


def _owner(secrets: list[tuple[str, bytes]], given: bytes) -> Sender | None:
    owner = None
    for name, secret in secrets:
        if hmac.compare_digest(secret, given):
            owner = Sender(name)
    return owner


def _decoded(value: bytes) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return b""
