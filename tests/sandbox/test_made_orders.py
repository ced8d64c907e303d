"""The sandbox's orders: the same for a seed, with a known number of each kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.kinds import DEFECTS, EXCLUDED, GOOD, STAY
from sandbox.made_orders import make_orders
from sandbox.orders import feed_file
from tillbridge import money


def test_the_same_seed_makes_the_same_bytes(tmp_path: Path) -> None:
    """A finding on a generated feed can be reproduced anywhere from its seed."""
    paths = [tmp_path / name for name in ("one", "again", "other")]
    for path, seed in zip(paths, (1, 1, 2), strict=True):
        feed_file(path, 40, seed)
    one, again, other = (path.read_bytes() for path in paths)
    assert one == again != other


@pytest.mark.parametrize("seed", [1, 2])
def test_every_fifty_orders_hold_the_same_kinds(seed: int) -> None:
    """The share of bad orders is known, whatever the seed."""
    made = list(make_orders(100, seed))
    for kind, many in (GOOD | STAY | EXCLUDED | DEFECTS).items():
        assert sum(one.kind == kind for one in made) == 2 * many, kind


def test_numbers_fit_retail_pro_and_do_not_repeat() -> None:
    """Orders made from another start never take a number that is used."""
    numbers = [one.number for start in (1, 101) for one in make_orders(100, 1, start)]
    assert len(set(numbers)) == 200
    assert all(len(number) <= 9 for number in numbers)


def test_amounts_are_payable_in_the_currency_of_the_order() -> None:
    """Chilean pesos have no decimals, Bahraini dinars three."""
    decimals = {}
    for one in make_orders(400, 5):
        amounts = [one.order.grand_total, *(item.unit_price for item in one.order.items)]
        currency = one.order.currency
        finest = money.finest(amounts, currency)
        decimals[currency] = max(decimals.get(currency, 0), finest)
    assert decimals == {"USD": 2, "GTQ": 2, "CLP": 0, "BHD": 3}


def test_an_order_of_several_stores_is_completed_store_by_store() -> None:
    """Which store was first and which last can always be told."""
    several = [one for one in make_orders(200, 5) if one.kind == "multi_facility"]
    assert several
    for one in several:
        moments = [step.at for step in one.steps]
        stores = {step.shipment.facility_id for step in one.steps if step.shipment}
        assert len(stores) == len(moments) > 1
        assert moments == sorted(set(moments))


def test_an_empty_feed_is_an_empty_array(tmp_path: Path) -> None:
    """A feed of no orders is still JSON."""
    feed_file(tmp_path / "feed", 0, 1)
    assert (tmp_path / "feed").read_text() == "[]\n"
