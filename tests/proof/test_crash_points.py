"""Workers killed at every crash point, and at some beside another; `make soak` has the full size."""

from __future__ import annotations

from typing import Any

import pytest

from proof.crashes import planting
from proof.crashes.points import POINTS, Point
from proof.crashes.sweep import PAIRED, sweep
from proof.targets import NoSuchTarget
from sandbox.platform import Platform

pytestmark = [pytest.mark.faults, pytest.mark.slow]


@pytest.fixture(scope="module")
def figures(prefect_server: Platform, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one sweep came to."""
    return sweep(prefect_server, tmp_path_factory.mktemp("sweep"), "sqlite")


def test_a_point_that_the_product_no_longer_has_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A function that is renamed takes no crash point out of the proof unseen."""
    gone = Point("gone", "invoice-orders", "after", "tillbridge.invoicing.ledger.orders:was_here")
    monkeypatch.setitem(planting.POINTS, "gone", gone)

    with pytest.raises(NoSuchTarget, match=r"gone: there is no tillbridge.*was_here"):
        planting.require_targets()


def test_every_crash_point_is_hit(figures: dict[str, Any]) -> None:
    """Each kills a worker once alone, and those that workers share once beside another."""
    hits = {row["point"]: row["hits"] for row in figures["points"]}
    assert hits.keys() == POINTS.keys()
    assert [name for name, some in hits.items() if not some["1"]] == []
    assert [name for name in PAIRED if not hits[name]["2"]] == []


def test_everything_comes_right_after_every_kill(figures: dict[str, Any]) -> None:
    """No order is lost or doubled, only what nobody can know is parked, each failure is mailed once."""
    problems = [(one["point"], one["workers"], one["problems"]) for one in figures["violations"]]
    assert problems == []
