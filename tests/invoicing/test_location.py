"""Which store of an order is invoiced."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from tillbridge.invoicing.location import Fulfilment, invoicing_facility

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FULFILMENTS = st.lists(
    st.builds(
        Fulfilment,
        st.integers(0, 3).map(lambda hours: NOON + timedelta(hours=hours)),
        st.sampled_from(["1", "15", "2"]),
        st.sampled_from(["00101", "00102"]),
    ),
    min_size=1,
)


def test_the_first_and_the_last_to_complete_an_item() -> None:
    """Times are compared as moments, whatever zone they were written in."""
    west = timezone(timedelta(hours=-6))
    items = [
        Fulfilment(NOON, "15", "00101"),
        Fulfilment(datetime(2026, 3, 2, 5, 59, tzinfo=west), "1", "00102"),
    ]
    assert invoicing_facility(items, "last") == "15"
    assert invoicing_facility(items, "first") == "1"


@given(FULFILMENTS, st.randoms())
def test_the_order_of_the_items_does_not_matter(items: list[Fulfilment], chance: object) -> None:
    """Ties go by facility, so that every run chooses the same store."""
    shuffled = sorted(items, key=lambda _: chance.random())  # type: ignore[attr-defined]
    for location in ("first", "last"):
        assert invoicing_facility(items, location) == invoicing_facility(shuffled, location)
    latest = max(item.completed_at for item in items)
    assert invoicing_facility(items, "last") == max(
        item.facility for item in items if item.completed_at == latest
    )
