"""SFTP broken in every way on a real OpenSSH, small; `make soak` does it in full."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proof.sftp.faults import run
from sandbox.openssh import SFTP_SERVER, SSHD

pytestmark = [pytest.mark.faults, pytest.mark.slow]


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What came of everything."""
    if SSHD is None or SFTP_SERVER is None:
        pytest.skip("no OpenSSH server on this machine")
    return run(full=False)


def test_a_server_killed_at_any_request_costs_no_file(found: dict[str, Any]) -> None:
    """At each request of put, get and archive: no part is ever seen, and it ends whole, once."""
    for jobs in found["killed_at_every_request"].values():
        assert set(jobs) == {"put", "get", "take and archive"}
        for job in jobs.values():
            assert job["missed"] == []
            assert job["cuts"] == 2 * len(job["requests"])
            assert job["recovered_by_the_client"] > 0
            _nothing_wrong(job)
        assert jobs["put"]["temporary_files_left"] > 0  # so that the sweep had something to do


def test_a_line_cut_at_any_byte_costs_no_file(found: dict[str, Any]) -> None:
    """The same for the connection, from the first byte of the login on."""
    cuts = found["cut_at_random_bytes"]
    assert cuts["cuts"] >= 10
    _nothing_wrong(cuts)


def test_every_refusal_is_said_and_leaves_nothing(found: dict[str, Any]) -> None:
    """An error or a lie at any step is an outage or a setting to mend, or does not matter."""
    assert found["refusals"]["wrong"] == []
    assert found["refusals"]["partial_visible"] == 0
    assert found["refusals"]["temporary_files_left"] == 0


def test_a_full_disk_leaves_nothing(found: dict[str, Any]) -> None:
    """The error says so in plain words; the file is written when there is room again."""
    full = found["full_disk"]
    assert full["said_in_plain_words"]
    assert full["left"] == 0
    assert full["written_when_there_is_room"]


def test_a_slow_writer_is_never_half_read(found: dict[str, Any]) -> None:
    """Every file is used whole, also when its writer pauses for longer than the reader waits."""
    slow = found["slow_writer"]
    assert slow["ingested"] == slow["files"] >= 50
    assert slow["partial_ingested"] == 0


def test_eight_processes_claim_each_file_once(found: dict[str, Any]) -> None:
    """Of eight that go for a file at the same moment one gets it."""
    claimers = found["claimers"]
    assert claimers["claimed_once"] == claimers["files"] >= 100
    assert claimers["claimed_twice"] == claimers["never_claimed"] == 0


def test_wrong_hosts_are_refused_by_name(found: dict[str, Any]) -> None:
    """Unknown, changed, weak and forgetful servers are refused; a rotation and a waiver are not."""
    assert found["hosts"]["wrong"] == []


def test_what_was_found_can_be_written_down(found: dict[str, Any]) -> None:
    """The counts are JSON."""
    assert json.loads(json.dumps(found)) == found


def _nothing_wrong(cuts: dict[str, Any]) -> None:
    assert cuts["partial_visible"] == 0
    assert cuts["wrong_content"] == 0
    assert cuts["temporary_files_after_sweep"] == 0
