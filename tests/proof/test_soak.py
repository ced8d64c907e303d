"""The soak at the size of a pull request; `make soak` has the full one."""

from __future__ import annotations

from pathlib import Path

import pytest

from proof.crashes.soak import Plan, soak
from sandbox.platform import Platform

pytestmark = [pytest.mark.faults, pytest.mark.slow]

SMALL = {"orders": 100, "kills": 5, "kill_every": (0.7, 2.0), "longest_seconds": 120.0}


@pytest.mark.parametrize(
    "plan",
    [
        Plan(**SMALL, level="L0", database="sqlite", seed=11),  # type: ignore[arg-type]
        Plan(**SMALL, level="L3", database="postgresql", seed=12),  # type: ignore[arg-type]
    ],
    ids=lambda plan: f"{plan.level}-{plan.database}",
)
def test_nothing_is_lost_or_doubled_under_fire(
    prefect_server: Platform, tmp_path: Path, plan: Plan
) -> None:
    """Workers are killed, answers are lost, connections are cut; the oracle finds nothing wrong."""
    figures = soak(prefect_server, tmp_path, plan)

    assert figures["problems"] == []
    assert figures["orders"] == SMALL["orders"]
    assert figures["kills"] >= SMALL["kills"]
    assert figures["sftp_cuts"] > 0
    assert figures["fault_share"] >= 0.15
    assert (figures["lost"], figures["doubled"], figures["half_read"]) == (0, 0, 0)
