"""Who is let in, with which credential, and that the others all hear the same."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping

import httpx
import pytest
from pydantic import ValidationError

from blocks import TillReceiver
from tests.fixtures_receiver import CLIENTS, SIGNING_SECRET, RunningReceiver, sale
from tillbridge.receiver import signatures
from tillbridge.receiver.settings import ReceiverSettings

OLD_KEYS = {
    "bearer_tokens": ["token-before-the-change-1", "token-after-the-change-2"],
    "api_keys": ["key-before-the-change-1", "key-after-the-change-2"],
    "basic_user": "till",
    "basic_passwords": ["password-before-the-change", "password-after-the-change"],
    "signing_secrets": [SIGNING_SECRET, "whsec_" + base64.b64encode(b"2" * 32).decode()],
}


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def signed(secret: str, body: bytes, at: float | None = None) -> dict[str, str]:
    """Sign as Standard Webhooks says."""
    moment = str(int(time.time() if at is None else at))
    signature = signatures.sign(signatures.key(secret), b"msg_1", moment.encode(), body)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": moment,
        "webhook-signature": signature.decode(),
    }


def post(receiver: RunningReceiver, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
    return receiver.http.post(f"{receiver.url}/tlog", content=body, headers=dict(headers))


def test_every_kind_and_both_secrets(start_receiver: Callable[..., RunningReceiver]) -> None:
    """Old and new are valid at once, so a secret can be changed without a lost sale."""
    receiver = start_receiver(clients={"till": OLD_KEYS}, options={"api_key_header": "X-Till-Key"})
    body = json.dumps(sale("N-1")).encode()
    credentials = [
        *({"Authorization": f"Bearer {token}"} for token in OLD_KEYS["bearer_tokens"]),
        *({"x-till-key": key} for key in OLD_KEYS["api_keys"]),
        *(basic("till", password) for password in OLD_KEYS["basic_passwords"]),
        *(signed(secret, body) for secret in OLD_KEYS["signing_secrets"]),
    ]
    answers = [post(receiver, body, headers) for headers in credentials]
    assert [answer.status_code for answer in answers] == [201, *[200] * 7]

    new_secrets = {
        name: values[1:] if isinstance(values, list) else values
        for name, values in OLD_KEYS.items()
    }
    receiver.stop()
    receiver.clients = {"till": new_secrets}
    receiver.start()
    answers = [post(receiver, body, headers) for headers in credentials]
    assert [answer.status_code for answer in answers] == [401, 200] * 4


def test_everybody_else_hears_the_same(receiver: RunningReceiver) -> None:
    """Unknown, wrong, malformed, too late: one status, one body, nothing stored."""
    body = json.dumps(sale("N-1")).encode()
    north = CLIENTS["north"]
    wrong = [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer token-of-the-first-till-5c1F"},
        {"Authorization": "bearer\ttoken-of-the-first-till-5c1f"},
        {"Authorization": "Token token-of-the-first-till-5c1f"},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic " + "A" * 5},
        basic("south", north["basic_passwords"][0]),
        basic("north", "wrong"),
        {"x-api-key": ""},
        {"x-api-key": "key-of-the-first-till-02ab"},
        {"x-other": north["api_keys"][0]},
        signed(SIGNING_SECRET, body + b" "),
        signed(SIGNING_SECRET, body, time.time() - 400),
        signed(SIGNING_SECRET, body, time.time() + 400),
        {**signed(SIGNING_SECRET, body), "webhook-id": "msg_2"},
        {**signed(SIGNING_SECRET, body), "webhook-timestamp": "now"},
        {**signed(SIGNING_SECRET, body), "webhook-timestamp": "9" * 30},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,\u00e9"},
        # A signature that is there is the one that counts.
        {"webhook-signature": "v1,x", "Authorization": f"Bearer {north['bearer_tokens'][0]}"},
    ]
    answers = [
        post(receiver, body, {name: value.encode() for name, value in headers.items()})  # type: ignore[misc]
        for headers in wrong
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert all("www-authenticate" in answer.headers for answer in answers)
    assert receiver.sshd.files() == []


def test_a_receipt_can_be_looked_up_with_a_signature(receiver: RunningReceiver) -> None:
    """Who can only sign signs an empty body."""
    receipt = receiver.post(sale("N-1")).json()
    url = f"{receiver.url}/receipts/{receipt['receipt_id']}"
    assert receiver.http.get(url, headers=signed(SIGNING_SECRET, b"")).json() == receipt
    assert receiver.http.get(url, headers=signed(SIGNING_SECRET, b"x")).status_code == 401


@pytest.mark.parametrize(
    ("clients", "expected"),
    [
        ({}, "at least 1 item"),
        ({"till": {}}, "at least one token"),
        ({"Till": {"bearer_tokens": ["t" * 20]}}, "pattern"),
        ({"till": {"bearer_tokens": ["short"]}}, "16 characters"),
        ({"till": {"bearer_tokens": ["t" * 20, "u" * 20, "v" * 20]}}, "at most 2"),
        ({"till": {"basic_user": "till"}}, "basic_passwords"),
        ({"till": {"basic_user": "a:b", "basic_passwords": ["p" * 20]}}, "colon"),
        ({"till": {"signing_secrets": ["whsec_x"]}}, "base64"),
        ({"till": {"bearer_token": ["t" * 20]}}, "bearer_token"),
        ({"a": {"api_keys": ["k" * 20]}, "b": {"bearer_tokens": ["k" * 20]}}, "two share one"),
    ],
)
def test_credentials_that_cannot_work_are_refused(
    clients: dict[str, object], expected: str
) -> None:
    """With what was expected, before a till meets them."""
    with pytest.raises(ValidationError, match=expected):
        ReceiverSettings.model_validate({"clients": clients})


PARTS: dict[str, dict[str, str]] = {
    "token": {"Authorization": f"Bearer {CLIENTS['north']['bearer_tokens'][0]}"},
    "wrong token": {"Authorization": "Bearer token-of-nobody-at-all"},
    "key": {"x-api-key": CLIENTS["north"]["api_keys"][0]},
    "id": {"webhook-id": "msg_1"},
    "time": {},
    "signature": {},
}
WHOLE = {"id", "time", "signature"}


def passes(parts: set[str]) -> bool:
    """Say who may come in: a whole signature, or else what stands in the header that counts."""
    if "signature" in parts:
        return parts >= WHOLE
    if parts & {"token", "wrong token"}:
        return "token" in parts
    return "key" in parts


def test_only_whole_credentials_pass(receiver: RunningReceiver) -> None:
    """Every subset of the headers that prove something; a part of a signature proves nothing."""
    body = json.dumps(sale("N-1")).encode()
    whole = signed(SIGNING_SECRET, body)
    headers = {
        **PARTS,
        "time": {"webhook-timestamp": whole["webhook-timestamp"]},
        "signature": {"webhook-signature": whole["webhook-signature"]},
    }
    names = list(headers)
    subsets = [
        {name for at, name in enumerate(names) if number >> at & 1} for number in range(2**6)
    ]
    told = {}
    for parts in subsets:
        if not parts >= {"token", "wrong token"}:
            sent = {name: value for part in parts for name, value in headers[part].items()}
            told[frozenset(parts)] = post(receiver, body, sent).status_code
    assert {parts for parts, status in told.items() if status in {200, 201}} == {
        parts for parts in told if passes(set(parts))
    }
    assert set(told.values()) <= {200, 201, 401}


def test_a_signed_post_that_comes_again_stores_nothing(receiver: RunningReceiver) -> None:
    """Whoever has read it on the line gets the same receipt for it, as long as its time is good."""
    body = json.dumps(sale("N-1")).encode()
    headers = signed(SIGNING_SECRET, body)
    first, again = (post(receiver, body, headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert len(receiver.files()) == 1
    assert post(receiver, body, signed(SIGNING_SECRET, body, time.time() - 301)).status_code == 401


SHOWN = "what-was-entered-and-must-not-be-shown"


@pytest.mark.parametrize(
    "options",
    [
        {"clients": {"till": {"bearer_tokens": [SHOWN], "basic_user": SHOWN}}},
        {"clients": {"till": {"bearer_tokens": SHOWN}}},
        {"clients": {"till": {"signing_secrets": [SHOWN]}}},
        {"clients": {"till": SHOWN}},
        {"clients": {SHOWN.upper(): {"bearer_tokens": [SHOWN]}}, "port": SHOWN},
        {"clients": {n: {"bearer_tokens": [SHOWN]} for n in "ab"}, "largest_body_bytes": SHOWN},
        {"clients": {n: {"bearer_tokens": [SHOWN]} for n in "ab"}},
        {"clients": {"till": {"bearer_tokens": ["t" * 20]}}, "api_key_header": f"{SHOWN}:"},
        {"clients": SHOWN},
    ],
)
def test_errors_of_the_settings_never_show_what_was_entered(options: dict[str, object]) -> None:
    """Neither those of the library nor those of the block, whatever is wrong: it may be a secret."""
    for kind in (ReceiverSettings, TillReceiver):
        with pytest.raises(ValidationError) as problem:
            kind.model_validate(options)
        assert SHOWN not in str(problem.value)
