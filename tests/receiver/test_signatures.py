"""Signatures as the Standard Webhooks specification has them, with the vectors of its own libraries."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fixtures_receiver import CLIENTS
from tillbridge.receiver import signatures
from tillbridge.receiver.credentials import Clients
from tillbridge.receiver.settings import ReceiverSettings
from tillbridge.receiver.signatures import SignedHeaders

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID = b"msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = b"1614265330"
BODY = b'{"test": 2432232314}'
SIGNATURE = b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
WRONG = b"v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
NOW = 1614265330.0


def clients(**changes: object) -> Clients:
    return Clients(ReceiverSettings.model_validate({"clients": CLIENTS, **changes}))


def judged(
    message_id: bytes = MESSAGE_ID,
    timestamp: bytes = TIMESTAMP,
    signature: bytes = SIGNATURE,
    body: bytes = BODY,
    now: float = NOW,
) -> str | None:
    """Give the client that a request is taken for."""
    sender = clients().by_signature(SignedHeaders(message_id, timestamp, signature), body, now)
    return None if sender is None else sender.client


def test_published_signature() -> None:
    """What the specification's libraries sign is what we sign."""
    key = signatures.key(SECRET)
    assert signatures.sign(key, MESSAGE_ID, TIMESTAMP, BODY) == SIGNATURE


def test_published_cases() -> None:
    """The cases of those libraries: valid, invalid, missing parts, several signatures, old and new."""
    several = b" ".join([WRONG, WRONG.replace(b"v1", b"v2"), SIGNATURE, WRONG])
    assert judged() == "north"
    assert judged(signature=several) == "north"
    assert judged(signature=WRONG) is None
    assert judged(signature=SIGNATURE.removeprefix(b"v1,")) is None
    assert judged(signature=SIGNATURE.replace(b"v1", b"v2")) is None
    assert judged(signature=b"") is None
    assert judged(message_id=b"") is None
    assert judged(timestamp=b"") is None
    assert judged(body=BODY + b" ") is None


@pytest.mark.parametrize(
    ("seconds", "sender"), [(-301, None), (-300, "north"), (300, "north"), (301, None)]
)
def test_edges_of_the_tolerance(seconds: int, sender: str | None) -> None:
    """Five minutes both ways, the edge included."""
    assert judged(now=NOW + seconds) == sender


@settings(max_examples=1000)
@given(
    st.binary(max_size=200), st.binary(max_size=60), st.binary(max_size=20), st.binary(max_size=200)
)
def test_no_mutation_is_accepted_or_raises(
    signature: bytes, message_id: bytes, timestamp: bytes, body: bytes
) -> None:
    """Whatever is sent, it is nobody's signature, and no error."""
    assert judged(message_id, timestamp, signature, body) is None
    assert judged(signature=SIGNATURE[: len(signature) % 40] + signature) is None
    assert judged(timestamp=timestamp) is None or timestamp == TIMESTAMP


@pytest.mark.parametrize(
    "secret",
    [
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_not base64!",
        "whsec_" + base64.b64encode(b"k" * 23).decode(),
        "whsec_" + base64.b64encode(b"k" * 65).decode(),
    ],
)
def test_secrets_that_are_none_are_refused(secret: str) -> None:
    """When the settings are read, not when a till signs."""
    with pytest.raises(ValueError, match="whsec_"):
        signatures.key(secret)
