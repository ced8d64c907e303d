"""What of a sale may still come back."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tillbridge.oms.sale import ComingBack, Sale, SoldItem

PRODUCTS = st.sampled_from(["boot", "sandal"])
NAMES = st.sampled_from([None, "T1-1", "T1-2", "T9-1"])
QUANTITIES = st.integers(1, 4).map(Decimal)

sold = st.lists(st.builds(SoldItem, st.just("00001"), NAMES, PRODUCTS, QUANTITIES), max_size=5)
back = st.lists(st.builds(ComingBack, PRODUCTS, NAMES, QUANTITIES), max_size=8)


@given(sold, st.lists(back, max_size=5))
def test_never_more_comes_back_than_was_sold(
    items: list[SoldItem], returns: list[list[ComingBack]]
) -> None:
    """Of no product, and of no line that a return names, however the returns are cut."""
    sale = Sale("T1", tuple(items))
    accepted: list[ComingBack] = []
    for lines in returns:
        if not any(sale.refuse("", line, lines[:place]) for place, line in enumerate(lines)):
            sale.note_returned(lines)
            accepted += lines
    names = {(item.product_id, item.external_id) for item in items}
    for key in ({(item.product_id, None) for item in items}) | names:
        there = sum(
            item.quantity for item in items if _fits(key, item.product_id, item.external_id)
        )
        came = sum(one.quantity for one in accepted if _fits(key, one.product_id, one.external_id))
        assert came <= there
    assert {one.product_id for one in accepted} <= {item.product_id for item in items}


@given(sold)
def test_everything_that_was_sold_may_come_back(items: list[SoldItem]) -> None:
    """Line by line, under the names of the sale, and then nothing more."""
    sale = Sale("T1", tuple(items))
    for item in items:
        line = ComingBack(item.product_id, item.external_id, item.quantity)
        assert sale.refuse("", line, ()) is None
        sale.note_returned([line])
    for item in items:
        assert sale.refuse("", ComingBack(item.product_id, None, Decimal(1)), ()) is not None


def test_a_line_belongs_to_the_item_it_names_and_else_to_one_with_its_product() -> None:
    """A till may number the lines of a return anew."""
    sale = Sale(
        "T1",
        (
            SoldItem("00001", "T1-1", "boot", Decimal(1)),
            SoldItem("00002", "T1-2", "boot", Decimal(1)),
            SoldItem("00003", "T1-3", "sandal", Decimal(1)),
        ),
    )
    assert sale.line_of(ComingBack("boot", "T1-2", Decimal(1))) == "00002"
    assert sale.line_of(ComingBack("boot", "T9-1", Decimal(1))) == "00001"
    assert sale.line_of(ComingBack("sandal", "T1-1", Decimal(1))) == "00003"
    assert not sale.has([ComingBack("clog", "T1-1", Decimal(1))])


def _fits(key: tuple[str, str | None], product: str, name: str | None) -> bool:
    return product == key[0] and (key[1] is None or name == key[1])


def test_what_has_not_left_cannot_be_back() -> None:
    """An item that waits to be shipped is cancelled, not taken into stock; one of two that left may be."""
    waiting = SoldItem("00001", "T1-1", "boot", Decimal(1), has_left=False)
    line = ComingBack("boot", "T1-1", Decimal(1))
    found = Sale("T1", (waiting,)).refuse("/items/0", line, [])
    assert found is not None
    assert "Cancel it in the order store" in found.expected
    left = SoldItem("00002", "T1-2", "boot", Decimal(1))
    assert Sale("T1", (waiting, left)).refuse("", ComingBack("boot", None, Decimal(1)), []) is None
