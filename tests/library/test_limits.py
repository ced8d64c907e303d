"""A call past the form is refused by the library too, before anything is asked of a database or a server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from blocks import OrderDatabase
from blocks.loading import load
from tillbridge.errors import ConfigurationProblem
from tillbridge.handover import replaying
from tillbridge.handover.replaying import Selection
from tillbridge.ingestion.completeness import look_for_missing
from tillbridge.invoicing.control_totals import check_totals
from tillbridge.invoicing.ledger import restores
from tillbridge.oms.feed import FeedSelection, produce
from tillbridge.profile import Profile

NOTHING: Any = None
"""In place of what would be used first if the call were not refused."""

PROFILE = Profile(product_store_id="SV_STORE", brand="Brand")
NOW = datetime(2026, 11, 22, tzinfo=UTC)
YEAR_1 = datetime(1, 1, 1, tzinfo=UTC)


def choose(selection: Selection) -> object:
    return replaying.choose(NOTHING, ["folder"], selection, NOTHING)


def export(selection: FeedSelection, orders_per_feed: int = 10) -> object:
    return produce(NOTHING, selection, orders_per_feed, NOW)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: look_for_missing(NOTHING, PROFILE, -5), "days is -5; give .* from 1 to 400"),
        (lambda: look_for_missing(NOTHING, PROFILE, 10**9), "days is 1000000000"),
        (lambda: check_totals(NOTHING, "SV_STORE", "", 0, None), "days is 0; give .* from 1 to 60"),
        (lambda: check_totals(NOTHING, "SV_STORE", "", True, None), "days is True"),
        (lambda: export(FeedSelection(), 0), "orders_per_feed is 0"),
        (lambda: export(FeedSelection(completed_from=YEAR_1)), "completed_from is 0001-01-01"),
        (lambda: export(FeedSelection(completed_thru=datetime(2026, 1, 1))), "with its zone"),  # noqa: DTZ001
        (lambda: choose(Selection()), "choose orders, files or a time"),
        (lambda: choose(Selection(orders=["1", " "])), "choose orders, files or a time"),
        (lambda: choose(Selection(from_time=YEAR_1)), "from_time is 0001-01-01"),
        (lambda: replaying.hand_over_again(NOTHING, NOTHING, [NOTHING], "", ""), "by and reason"),
        (lambda: replaying.hand_over_again(NOTHING, NOTHING, [NOTHING], "Mara", "why"), "^reason"),
        (lambda: replaying.hand_over_again(NOTHING, NOTHING, [], "M" * 61, "because"), "longer"),
        (lambda: restores.begin(NOTHING, " ", "disk lost"), "^by must"),
        (lambda: restores.end(NOTHING, "Mara", "ok"), "^evidence"),
        (
            lambda: load(OrderDatabase, "../../admin"),
            "cannot be the name of the order-database block",
        ),
        (lambda: load(OrderDatabase, "tillbridge\n"), "cannot be the name"),
        (lambda: load(OrderDatabase, "tillbridge?include_secrets=false"), "cannot be the name"),
    ],
)
def test_what_is_past_a_limit_is_refused(call: Callable[[], object], said: str) -> None:
    """With the name, the value and what is expected; nothing is done."""
    with pytest.raises(ConfigurationProblem, match=said):
        call()
