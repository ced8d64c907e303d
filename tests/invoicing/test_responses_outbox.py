"""Retail Pro's answers reach SFTP once each, however often storing them breaks off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from sandbox.openssh import SFTP_SERVER, Sshd
from sandbox.sftp_between import FaultPlan
from tests.strategies import PROFILE
from tillbridge.clients.sftp import SftpClient
from tillbridge.database.engine import database_now, transaction
from tillbridge.database.ledger_tables import invoice_attempt
from tillbridge.errors import Unavailable
from tillbridge.invoicing.ledger import orders, responses
from tillbridge.invoicing.storing import store_responses
from tillbridge.invoicing.transform import InvoiceRequest

pytestmark = pytest.mark.skipif(SFTP_SERVER is None, reason="needs sftp-server as its own program")

RESPONSES = f"{PROFILE.order_to_invoice_folder}/responses"


@pytest.fixture
def plan(stopped_sshd: Sshd, tmp_path: Path) -> FaultPlan:
    """A running server that can be made to fail."""
    plan = FaultPlan(tmp_path / "plan", SFTP_SERVER or "")
    stopped_sshd.start(subsystem=plan.subsystem(stopped_sshd.root))
    return plan


@pytest.fixture
def client(stopped_sshd: Sshd, plan: FaultPlan) -> Iterator[SftpClient]:
    with SftpClient(stopped_sshd.settings()) as client:
        yield client


def answered(engine: Engine, number: str) -> None:
    """Let an attempt have been made, with an answer that is not stored yet."""
    request = InvoiceRequest(
        product_store_id=PROFILE.product_store_id,
        order_id=f"M{number}",
        order_no=number,
        currency="EUR",
        total=Decimal("78.3"),
        invoicing_store="PTL01",
        line_count=1,
        body=f'{{"OrderNo":"{number}"}}'.encode(),
    )
    with transaction(engine) as connection:
        orders.accept(connection, request, "a.json", "test")
        now = database_now(connection)
        row = {
            "product_store_id": PROFILE.product_store_id,
            "order_no": number,
            "number": 1,
            "epoch": 1,
            "body_sha256": "0" * 64,
            "owner": "run",
            "armed_at": now,
            "ended_at": now,
            "outcome": "invoiced",
            "http_status": 200,
            "answer": b'{"success": true}',
        }
        connection.execute(insert(invoice_attempt).values(row))


def stored(sshd: Sshd) -> dict[str, list[str]]:
    """Give the order numbers in each file of responses, and make sure that nothing else lies there."""
    folder = sshd.root / RESPONSES
    assert [path.name for path in folder.iterdir() if path.suffix != ".json"] == []
    return {
        path.name: [answer["orderNo"] for answer in json.loads(path.read_bytes())]
        for path in sorted(folder.glob("*.json"))
    }


def test_killed_after_the_file_and_before_the_mark(
    engine: Engine, client: SftpClient, stopped_sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run finds its file there, marks it, and puts later answers into a file of their own."""
    answered(engine, "1")
    with monkeypatch.context() as killing:
        killing.setattr(responses, "mark_stored", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            store_responses(engine, client, PROFILE)
    before = stored(stopped_sshd)
    answered(engine, "2")
    assert store_responses(engine, client, PROFILE) == 2
    after = stored(stopped_sshd)
    assert list(after.values()) == [["1"], ["2"]]
    assert before.items() <= after.items()
    assert store_responses(engine, client, PROFILE) == 0


@pytest.mark.parametrize(
    ("fault", "request_name", "number"),
    [
        ("refuse", "WRITE", 1),  # a full disk
        ("refuse", "FSYNC", 1),
        ("die before", "RENAME", 2),  # the first is the trial of the storage
        ("die after", "RENAME", 2),  # published, and nobody was told
        ("die linked", "RENAME", 2),
    ],
)
def test_a_server_that_fails_twice_costs_no_answer(
    engine: Engine,
    client: SftpClient,
    stopped_sshd: Sshd,
    plan: FaultPlan,
    fault: str,
    request_name: str,
    number: int,
) -> None:
    """The run ends with an outage, or is through after all; then every answer is stored once."""
    answered(engine, "1")
    plan.set(fault, request_name, number, sessions=1)  # type: ignore[arg-type]
    try:
        store_responses(engine, client, PROFILE)
    except Unavailable:
        assert stored(stopped_sshd) == {}
    assert plan.is_met()
    answered(engine, "2")
    store_responses(engine, client, PROFILE)
    assert sorted(stored(stopped_sshd).values()) == [["1"], ["2"]]
    assert responses.next_batch(engine, PROFILE.product_store_id) is None
