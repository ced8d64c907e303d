"""A ledger that has forgotten what it sent, or is another one, sends nothing; on a real SFTP server."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, update

from sandbox.cutting_proxy import CuttingProxy
from sandbox.openssh import Sshd
from tests.fixtures_database import as_owner
from tests.ledger_steps import (
    KEY,
    STORE,
    accept,
    arm,
    armed,
    begin_restore,
    end_restore,
    request,
    settle,
)
from tillbridge.clients.retail_pro_settings import RetailProSettings
from tillbridge.clients.sftp import SftpClient
from tillbridge.contracts.http_exchange import Exchange, Posting
from tillbridge.database.engine import transaction
from tillbridge.database.ledger_tables import ledger, ledger_sending
from tillbridge.errors import ConfigurationProblem, NotSent, Unavailable
from tillbridge.invoicing import marker
from tillbridge.invoicing.ledger import orders, sendings
from tillbridge.invoicing.ledger.events import OrderKey
from tillbridge.invoicing.restore_guard import RestoreGuard
from tillbridge.invoicing.sending import Sender
from tillbridge.profile import Profile

PROFILE = Profile(product_store_id=STORE, brand="Casa", time_zone="Europe/Lisbon")
MARKERS = "retail-pro/order-to-invoice-ledger"
RESPONSES = "retail-pro/order-to-invoice/responses"
OTHER = "00000000-0000-0000-0000-000000000001"
RUN = "0123abcd"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The files of the SFTP server."""
    return tmp_path / "exchange"


def paths(files: Path) -> list[Path]:
    return sorted((files / MARKERS).iterdir())


def markers(files: Path) -> list[marker.Mark | None]:
    return [marker.read(path.name, path.read_bytes()) for path in paths(files)]


def own(engine: Engine) -> marker.Mark:
    return sendings.standing(engine, STORE)


def answers(files: Path, attempt: int, ended_at: datetime, **changes: Any) -> Path:
    """Store answers as a run does, under the number of an attempt."""
    moment = ended_at.isoformat()
    entry = {"orderNo": "1", "orderId": None, "attempt": 1, "sentAt": moment, "endedAt": moment}
    entry |= {"outcome": "invoiced", "httpStatus": 200, "answer": "{}", **changes}
    path = files / RESPONSES / f"InvoiceResponses-{ended_at:%Y-%m-%d-%H-%M-%S}-{attempt}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([entry]))
    return path


def test_each_sending_is_marked_before_its_first_byte(
    engine: Engine, sftp: SftpClient, files: Path
) -> None:
    """A new ledger begins at 0; the marker moves on with each order, under one name at a time."""
    guard = RestoreGuard(engine, sftp, PROFILE)
    assert markers(files) == [own(engine)._replace(sendings=0)]
    for number in (1, 2, 3):
        attempt = armed(engine, str(number))
        assert attempt.sending == number
        guard.reach(attempt.sending)
        assert markers(files) == [own(engine)]
    assert own(engine).sendings == 3
    RestoreGuard(engine, sftp, PROFILE)
    assert markers(files) == [own(engine)]


def test_an_older_ledger_is_refused_until_the_restore_is_worked_off(
    engine: Engine, sftp: SftpClient, files: Path
) -> None:
    """Also when only its very last sending is missing; afterwards the lost database is the other one."""
    guard = RestoreGuard(engine, sftp, PROFILE)
    guard.reach(armed(engine).sending)
    before = own(engine)
    with transaction(engine) as connection:
        connection.execute(update(ledger_sending).values(sendings=0))

    with pytest.raises(ConfigurationProblem, match="this ledger sent 1 time from here, but the da"):
        RestoreGuard(engine, sftp, PROFILE)

    begin_restore(engine)
    assert own(engine).ledger_id != before.ledger_id
    RestoreGuard(engine, sftp, PROFILE)
    end_restore(engine)
    RestoreGuard(engine, sftp, PROFILE)
    assert markers(files) == [own(engine)]
    with pytest.raises(ConfigurationProblem, match="another ledger"):
        look_as(engine, sftp, before)


def look_as(engine: Engine, sftp: SftpClient, mark: marker.Mark) -> None:
    """Come as another ledger."""
    with as_owner(engine) as owner, transaction(owner) as connection:
        connection.execute(update(ledger).values(ledger_id=mark.ledger_id))
        connection.execute(update(ledger_sending).values(sendings=mark.sendings))
    try:
        RestoreGuard(engine, sftp, PROFILE)
    except ConfigurationProblem as problem:
        raise ConfigurationProblem(f"another ledger: {problem}") from problem


def test_the_marker_of_an_entirely_other_ledger_is_overcome_in_the_same_way(
    engine: Engine, sftp: SftpClient, files: Path
) -> None:
    """It says whose it is; after a restore was declared the folder is this ledger's, and not the other's."""
    sftp.put(f"{MARKERS}/{marker.Mark(OTHER, 7).file_name('0123abcd')}", marker.document(OTHER))
    with pytest.raises(ConfigurationProblem, match=f"ledger {OTHER} sent orders from here last"):
        RestoreGuard(engine, sftp, PROFILE)
    begin_restore(engine)
    RestoreGuard(engine, sftp, PROFILE)
    end_restore(engine)
    RestoreGuard(engine, sftp, PROFILE)
    assert markers(files) == [own(engine)]


def test_each_store_has_its_own_numbers(engine: Engine, sftp: SftpClient, files: Path) -> None:
    """Else the orders of one brand would make good what the ledger has forgotten of another's."""
    other = PROFILE.model_copy(
        update={"product_store_id": "GT_STORE", "order_to_invoice_folder": "guatemala/requests"}
    )
    guard = RestoreGuard(engine, sftp, PROFILE)
    guard.reach(armed(engine).sending)
    accept(engine, request("1", product_store_id="GT_STORE"))
    attempt = arm(engine, OrderKey("GT_STORE", "1"))
    assert attempt
    assert attempt.sending == 1
    RestoreGuard(engine, sftp, other)
    with as_owner(engine) as owner, transaction(owner) as connection:
        connection.execute(delete(ledger_sending).where(ledger_sending.c.product_store_id == STORE))
    RestoreGuard(engine, sftp, other).reach(2)
    with pytest.raises(ConfigurationProblem, match="restored from a backup"):
        RestoreGuard(engine, sftp, PROFILE)


FORGED = {
    "Ledger-9999.json": b"",
    marker.Mark(OTHER, 1).file_name(RUN): b"",
    marker.Mark(OTHER, 2).file_name(RUN): b"x" * 100_000,
    marker.Mark(OTHER, 3).file_name(RUN): b'{"ledger": "me"}',
    "anything.json": b"{}",
}


def test_a_file_that_tillbridge_did_not_write_is_said_to_be_one(
    engine: Engine, sftp: SftpClient, files: Path
) -> None:
    """Nothing is sent, and once it is taken away all is as before; nobody has to decide about orders."""
    RestoreGuard(engine, sftp, PROFILE)
    for name in FORGED:
        is_refused_while_it_lies_there(name, engine, sftp, files)


def is_refused_while_it_lies_there(
    name: str, engine: Engine, sftp: SftpClient, files: Path
) -> None:
    """Put a file beside the marker, and take it away."""
    (files / MARKERS / name).write_bytes(FORGED[name])
    with pytest.raises(
        ConfigurationProblem, match=f"{name} is a file that tillbridge did not write"
    ):
        RestoreGuard(engine, sftp, PROFILE)
    (files / MARKERS / name).unlink()
    RestoreGuard(engine, sftp, PROFILE)


def test_a_marker_that_is_gone_is_written_anew(
    engine: Engine, sftp: SftpClient, files: Path
) -> None:
    """Before a run, as on a new SFTP server, and in the middle of one."""
    guard = RestoreGuard(engine, sftp, PROFILE)
    guard.reach(armed(engine, "1").sending)
    paths(files)[0].unlink()
    guard.reach(armed(engine, "2").sending)
    assert markers(files) == [own(engine)]
    paths(files)[0].unlink()
    RestoreGuard(engine, sftp, PROFILE)
    assert markers(files) == [own(engine)]


def test_a_run_whose_marker_gave_way_to_another_ledgers_sends_no_more(
    engine: Engine, sftp: SftpClient, files: Path
) -> None:
    """A worker that was forgotten when the database was restored elsewhere is stopped by it."""
    guard = RestoreGuard(engine, sftp, PROFILE)
    paths(files)[0].unlink()
    sftp.put(f"{MARKERS}/{marker.Mark(OTHER, 0).file_name('0123abcd')}", marker.document(OTHER))
    with pytest.raises(ConfigurationProblem, match="sent orders from here last"):
        guard.reach(armed(engine).sending)


def test_two_runs_of_one_ledger_do_not_hinder_each_other(
    engine: Engine, sftp: SftpClient, files: Path
) -> None:
    """Each moves a marker on, whoever cleared the other's away; the highest number stays."""

    def run(worker: int) -> None:
        for number in range(4):
            guard = RestoreGuard(engine, sftp, PROFILE)
            for part in range(3):
                key = f"{worker}{number}{part}"
                accept(engine, request(key))
                attempt = arm(engine, OrderKey(STORE, key))
                assert attempt
                guard.reach(attempt.sending)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(run, (1, 2)))

    assert own(engine).sendings == 24
    assert own(engine) in markers(files)
    RestoreGuard(engine, sftp, PROFILE)
    assert markers(files) == [own(engine)]


def test_threads_that_wait_for_the_same_move_are_all_marked(
    engine: Engine, sftp: SftpClient, files: Path
) -> None:
    """Whoever comes first moves it for all of them, and nobody returns before his number stands there."""
    guard = RestoreGuard(engine, sftp, PROFILE)
    attempts = [armed(engine, str(number)).sending for number in range(1, 17)]
    low: list[int] = []
    together = threading.Barrier(len(attempts))

    def reach(sending: int) -> None:
        together.wait(60)
        guard.reach(sending)
        (path,) = paths(files)
        mark = marker.read(path.name, None)
        assert mark
        low.extend([sending] if mark.sendings < sending else [])

    with ThreadPoolExecutor(len(attempts)) as threads:
        list(threads.map(reach, attempts))
    assert low == []


def test_a_number_whose_marker_failed_lets_no_lower_one_go_without(
    engine: Engine, sshd: Sshd, proxy: CuttingProxy, files: Path
) -> None:
    """Two orders are armed, the marker of the second fails; the first has to see it stand there itself."""
    with SftpClient(sshd.settings(port=proxy.port)) as client:
        guard = RestoreGuard(engine, client, PROFILE)
        first, second = (armed(engine, number).sending for number in "12")
        proxy.cut(up=0, times=1_000)
        proxy.cut_all()
        with pytest.raises(Unavailable):
            guard.reach(second)
        proxy.cut(times=0)
        guard.reach(first)
    [mark] = markers(files)
    assert mark
    assert mark.sendings >= first


def test_without_the_sftp_server_nothing_is_sent(
    engine: Engine, sshd: Sshd, proxy: CuttingProxy, files: Path
) -> None:
    """The order is READY again, the marker says no more than the ledger knows, and the next run goes on."""
    accept(engine, request())
    posted: list[bytes] = []
    settings = sshd.settings().model_copy(update={"port": proxy.port})
    with SftpClient(settings) as client:
        guard = RestoreGuard(engine, client, PROFILE)
        proxy.close()

        def post(take: Callable[[], Posting]) -> Exchange:
            posted.append(take().body)
            raise AssertionError("it was sent")

        retail_pro = RetailProSettings(base_url="http://127.0.0.1")
        with (
            Sender(engine, post, retail_pro, "run", guard.reach) as sender,
            pytest.raises(NotSent, match="SFTP server"),
        ):
            sender.send(KEY)
        with pytest.raises(Unavailable):
            RestoreGuard(engine, client, PROFILE)
    assert posted == []
    assert orders.counts(engine, STORE) == {"READY": 1}
    with SftpClient(sshd.settings()) as client:
        RestoreGuard(engine, client, PROFILE)
    assert markers(files) == [own(engine)]
    assert own(engine).sendings == 1


def test_old_answers_are_asked_once_where_no_marker_stands(
    engine: Engine, sftp: SftpClient, files: Path
) -> None:
    """After an upgrade a forgetful ledger is found out as before; a marker makes the answers needless."""
    settle(engine, armed(engine), "CONFIRMED")
    path = answers(files, 2, datetime.now(UTC))
    with pytest.raises(ConfigurationProblem, match=f"{path.name} holds answers that the database"):
        RestoreGuard(engine, sftp, PROFILE)
    path.unlink()
    RestoreGuard(engine, sftp, PROFILE)
    answers(files, 2, datetime.now(UTC))
    assert RestoreGuard(engine, sftp, PROFILE).not_ours == ()


def test_old_answers_from_before_a_restore_say_nothing(
    engine: Engine, sftp: SftpClient, files: Path
) -> None:
    """That was worked off."""
    answers(files, 2, datetime.now(UTC) - timedelta(hours=1))
    begin_restore(engine)
    end_restore(engine)
    RestoreGuard(engine, sftp, PROFILE)


FUTURE = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
SPOILERS: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "no JSON": lambda path: path.write_bytes(b"\xff\x00"),
    "no array": lambda path: path.write_text('{"orderNo": "1"}'),
    "an empty array": lambda path: path.write_text("[]"),
    "no answers": lambda path: path.write_text("[1, null]"),
    "no time": lambda path: path.write_text('[{"orderNo": "1", "attempt": 1, "outcome": "x"}]'),
    "the far future": lambda path: path,
}


def test_a_forged_answer_stops_nothing(engine: Engine, sftp: SftpClient, files: Path) -> None:
    """It is said to be no file of tillbridge's, before and after there is a marker."""
    for spoil in SPOILERS.values():
        spoil(answers(files, 1, FUTURE))
        guard = RestoreGuard(engine, sftp, PROFILE)
        assert guard.not_ours == (f"{RESPONSES}/InvoiceResponses-9999-12-31-23-59-59-1.json",)
