"""Workers that are killed at random moments, over a real SFTP server and on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from proof.tlogs.kills import Plan, under_fire
from sandbox.openssh import Sshd

pytestmark = [pytest.mark.faults, pytest.mark.slow]


@pytest.mark.parametrize(
    "plan",
    [Plan(customers=90, kills=5, seed=11), Plan(customers=240, kills=4, workers=2, seed=12)],
    ids=["one worker", "two at once"],
)
def test_a_killed_worker_leaves_nothing_lost_and_nothing_twice(
    sshd: Sshd, database_url: str, tmp_path: Path, plan: Plan
) -> None:
    """Records, tables and archive are those of a run in peace; every file once more changes nothing."""
    figures = under_fire(sshd, plan, database_url, f"sqlite:///{tmp_path}/calm.db")

    assert figures["problems"] == []
    # Workers that are done before it is their turn cannot be killed.
    assert 1 <= figures["kills"] <= plan.kills
