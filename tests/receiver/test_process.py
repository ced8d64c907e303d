"""The process around the receiver: its configuration, its block, its event, and what it must not say."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.settings import get_current_settings
from pydantic import ValidationError

from blocks import TillReceiver
from blocks.loading import load
from commands.config import read_config, read_receiver_config
from commands.receiver import KEPT_ASIDE_EVENT, _event
from sandbox.platform import Platform
from tests.canaries import CUSTOMER, Canaries
from tests.commands.test_setup_config import GOOD
from tests.fixtures_prefect import Installation
from tests.fixtures_receiver import CLIENTS, FOLDER, SIGNING_SECRET, TOKEN, RunningReceiver, sale
from tillbridge.errors import ConfigurationProblem
from tillbridge.receiver.settings import ReceiverOptions

pytestmark = pytest.mark.slow

Start = Callable[..., RunningReceiver]
RECEIVER = f"""
[receiver]
ack = "inbox"
[receiver.clients.north]
bearer_tokens = ["{TOKEN}"]
signing_secrets = ["{SIGNING_SECRET}"]
"""


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "tillbridge.toml"
    path.write_text(text)
    return path


def test_it_needs_its_own_sections_only(tmp_path: Path) -> None:
    """A secret of Retail Pro need not be on the machine that faces the internet."""
    text = (
        GOOD.replace("[retail_pro]", '[retail_pro]\npassword = "env:NOT_SET_ANYWHERE"') + RECEIVER
    )
    found = read_receiver_config(file(tmp_path, text))
    assert found.receiver.get_settings().ack == "inbox"
    assert found.profile.tills.tlog_folder == FOLDER


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (GOOD, "receiver: Field required"),
        (GOOD + RECEIVER.replace('"inbox"', '"mail"'), "receiver.ack"),
        (GOOD + RECEIVER.replace("[receiver]", '[receiver]\nprofile = "other"'), "profile"),
        (GOOD + RECEIVER.replace("bearer_tokens", "bearer_token"), "clients.north.bearer_token"),
        (GOOD + RECEIVER.replace("ack =", "akc ="), "akc"),
        (GOOD + RECEIVER.replace(SIGNING_SECRET, "whsec_c2hvcnQ="), "24 to 64 bytes"),
    ],
)
def test_a_fault_is_named_and_no_secret_is_shown(tmp_path: Path, text: str, named: str) -> None:
    """The process ends with a sentence; it never starts half configured."""
    path = file(tmp_path, text)
    with pytest.raises(ConfigurationProblem) as problem:
        read_receiver_config(path)
    assert named in str(problem.value)
    assert TOKEN not in str(problem.value)
    assert "c2hvcnQ" not in str(problem.value)
    if "receiver" not in named or "ack" in named:
        with pytest.raises(ConfigurationProblem):
            read_config(path)


def test_the_command_ends_with_the_sentence(tmp_path: Path) -> None:
    """Whoever starts it sees what to mend, and no traceback."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "commands.receiver",
            "--config",
            str(file(tmp_path, GOOD + RECEIVER)),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,  # the database's file is named relative to it
    )
    assert done.returncode == 1
    assert "run `tillbridge setup`" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_block_keeps_its_secrets(prefect_server: Platform) -> None:
    """What is loaded is what was stored, and the API shows stars to everybody else."""
    block = TillReceiver(clients=CLIENTS, requests_per_second=7)  # type: ignore[arg-type]
    block.save("keeps-secrets", overwrite=True)

    loaded = load(TillReceiver, "keeps-secrets").get_settings()
    assert loaded == block.get_settings()
    assert loaded.requests_per_second == 7
    assert loaded.clients["north"].bearer_tokens[0].get_secret_value() == TOKEN
    with get_client(sync_client=True) as client:
        shown = client.read_block_document_by_name(
            "keeps-secrets", "till-receiver", include_secrets=False
        )
    text = str(shown.data)
    assert [
        secret for client in CLIENTS.values() for secret in secrets_of(client) if secret in text
    ] == []
    assert TOKEN not in repr(block)


def secrets_of(client: dict[str, Any]) -> list[str]:
    return [secret for values in client.values() if isinstance(values, list) for secret in values]


def test_the_block_says_what_is_wrong_without_the_secret() -> None:
    """A token that is too short is named by its place."""
    with pytest.raises(ValidationError, match=r"clients\.north\.bearer_tokens") as problem:
        TillReceiver(clients={"north": {"bearer_tokens": ["too-short"]}})  # type: ignore[arg-type]
    assert "too-short" not in str(problem.value)


def test_every_option_can_be_set_in_the_block() -> None:
    """The form of the block has the options of the library, with the same descriptions."""
    for name, field in ReceiverOptions.model_fields.items():
        assert TillReceiver.model_fields[name].description == field.description


def test_prefect_hears_of_new_tlogs(start_receiver: Start, prefect_server: Platform) -> None:
    """One event for many TLogs; with Prefect out of reach nothing changes for a till."""
    api = f"{prefect_server.ui_url}/api"
    receiver = start_receiver(environment={"PREFECT_API_URL": api}, options={"notice_seconds": 3})
    assert {receiver.post(sale(f"N-{n}")).status_code for n in range(5)} == {201}

    assert receiver.post(sale("N-1", storeId="9")).status_code == 409
    assert receiver.post(b"{}").status_code == 422

    found: list[dict[str, Any]] = []
    for name, count in (("stored", 5), ("kept-aside", 2)):
        wanted = {"filter": {"event": {"name": [f"tillbridge.tlog.{name}"]}}}
        found, until = [], time.monotonic() + 40
        while (
            sum(event["payload"]["count"] for event in found) < count and time.monotonic() < until
        ):
            time.sleep(0.5)
            found = prefect_server.api("POST", "/events/filter", wanted)["events"]
        assert sum(event["payload"]["count"] for event in found) == count
    assert len(found) <= 3
    assert {event["resource"]["prefect.resource.id"] for event in found} == {
        f"tillbridge.tlog.{FOLDER}"
    }


def start_by_name(name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "commands.receiver", "--name", name]
    address = get_current_settings().api.url
    assert address is not None
    return subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PREFECT_API_URL": address},
    )


def test_it_reads_its_blocks_from_prefect(installation: Installation) -> None:
    """With the settings that `tillbridge setup` stored; a name that is not there is a sentence."""
    port = installation.far_ends.receiver_port
    process = start_by_name("tillbridge")
    assert process.stderr is not None
    try:
        until = time.monotonic() + 60
        answer = None
        while answer is None and time.monotonic() < until:
            assert process.poll() is None, process.stderr.read()
            with contextlib.suppress(httpx.TransportError):
                answer = httpx.get(f"http://127.0.0.1:{port}/ready", timeout=10)
            time.sleep(0.1)
        assert answer is not None
        assert answer.json() == {"database": True, "sftp": True, "space": True}
    finally:
        process.terminate()
        process.communicate(timeout=30)

    unknown = start_by_name("not-there")
    assert "'not-there' cannot be used" in unknown.communicate(timeout=60)[1]
    assert unknown.returncode == 1


def test_what_is_kept_aside_is_mailed(installation: Installation) -> None:
    """`tillbridge setup` stores the block, and the automation that tells the people of the reports."""
    assert load(TillReceiver, "tillbridge").get_settings().clients

    _event(KEPT_ASIDE_EVENT, FOLDER)(3)
    inbox, until = installation.far_ends.inbox, time.monotonic() + 60
    while not inbox.messages() and time.monotonic() < until:
        time.sleep(0.2)
    [mail] = inbox.messages()
    assert mail["Subject"] == "TLogs were kept aside"
    assert f"3 in tillbridge.tlog.{FOLDER}" in mail.get_content()


def test_a_till_does_not_notice_that_prefect_is_down(start_receiver: Start) -> None:
    """And the process still ends when it is told to."""
    receiver = start_receiver(environment={"PREFECT_API_URL": "http://127.0.0.1:9/api"})
    began = time.monotonic()
    assert {receiver.post(sale(f"N-{n}")).status_code for n in range(5)} == {201}
    assert time.monotonic() - began < 5
    receiver.stop()
    assert time.monotonic() - began < 30


def test_nothing_of_customers_or_secrets_is_logged(start_receiver: Start) -> None:
    """Not when all is well, and not in any of the ways in which it is not."""
    receiver = start_receiver(options={"requests_per_second": 1000})
    canaries = Canaries(CUSTOMER)
    for client in CLIENTS.values():
        for secret in secrets_of(client):
            canaries.add(secret, secret)
    order_id = CUSTOMER["first name"] + CUSTOMER["document"]
    body = sale(order_id, customerProfile=CUSTOMER, email=CUSTOMER["e-mail"])
    receiver.post(body)
    receiver.post(body | {"storeId": CUSTOMER["city"]})
    receiver.post(body, "token-of-the-first-till-5c1f-mistyped")
    receiver.post(body | {"orderDate": {CUSTOMER["street"]: 1}})
    receiver.post(b'{"' + CUSTOMER["e-mail"].encode())
    receiver.http.get(f"{receiver.url}/tlog/{CUSTOMER['e-mail']}?token={TOKEN}")
    receiver.sshd.stop()
    receiver.post(body | {"orderId": order_id + "2"})
    seen = canaries.seen_in(receiver.log + receiver.metrics())
    assert receiver.log
    assert seen == set()
    assert receiver.stop() in {0, -15}
