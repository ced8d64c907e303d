"""Signatures after the Standard Webhooks specification 1.0.0: HMAC-SHA256 over id, time and body.

Whatever is malformed is a signature that does not fit, never an error.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

_PREFIX = "whsec_"
_MOST_SIGNATURES = 10


@dataclass(frozen=True, slots=True)
class SignedHeaders:
    """The three headers of a signed request, as they came."""

    message_id: bytes
    timestamp: bytes
    signatures: bytes


def key(secret: str) -> bytes:
    """Give the key in a `whsec_` secret.

    Raises:
        ValueError: it is not `whsec_` and the base64 of 24 to 64 bytes.
    """
    expected = "whsec_ followed by the base64 of 24 to 64 bytes"
    if not secret.startswith(_PREFIX):
        raise ValueError(expected)
    try:
        content = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(expected) from None
    if not 24 <= len(content) <= 64:
        raise ValueError(expected)
    return content


def sign(key: bytes, message_id: bytes, timestamp: bytes, body: bytes) -> bytes:
    """Give the signature as it stands in `webhook-signature`."""
    digest = hmac.new(key, b".".join((message_id, timestamp, body)), hashlib.sha256).digest()
    return b"v1," + base64.b64encode(digest)


def moment(headers: SignedHeaders) -> int | None:
    """Give the time the request says it was signed, in seconds since 1970; None for no plain number."""
    text = headers.timestamp
    return int(text) if text.isdigit() and text.isascii() and len(text) <= 12 else None


def fits(headers: SignedHeaders, keys: Sequence[bytes], body: bytes) -> bool:
    """Say whether one of the signatures was made with one of the keys; it takes as long either way.

    The time is signed, and left to the caller to judge.
    """
    given = headers.signatures.split(b" ")[:_MOST_SIGNATURES]
    right = False
    for one in keys:
        wanted = sign(one, headers.message_id, headers.timestamp, body)
        for signature in given:
            right |= hmac.compare_digest(wanted, signature)
    return right and bool(headers.message_id)
