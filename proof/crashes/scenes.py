"""What a flow finds when it comes to a crash point: files, orders, and a far end that misbehaves."""

from __future__ import annotations

import time
from collections.abc import Callable

from proof.crashes.installation import Installation
from proof.crashes.nursery import Nursery

SETTINGS = {
    "L1": {"quiet_minutes": 0.02},
    "L2": {"quiet_minutes": 0.02, "absent_minutes": 0.005},
}
"""Settings of the Retail Pro block by level: how long a doubt takes, scaled from minutes to seconds."""

_QUIET_SECONDS = 1.3
_ABSENT_SECONDS = 0.4
_ORDERS = 4


def orders(where: Installation, nursery: Nursery) -> None:
    """Requests to invoice, one of them unusable."""
    where.drop_requests(_ORDERS)


def feed(where: Installation, nursery: Nursery) -> None:
    """A completed-orders feed, some of whose orders cannot be invoiced."""
    where.hand_over_feed()


def completed(where: Installation, nursery: Nursery) -> None:
    """Orders that were completed in the order store."""
    where.complete_orders()


def unreadable(where: Installation, nursery: Nursery) -> None:
    """A feed that ends in its middle."""
    where.drop_unreadable()


def trouble(where: Installation, nursery: Nursery) -> None:
    """Five calls in a row whose answer proves nothing."""
    where.drop_requests(_ORDERS + 2)
    where.far_ends.retail_pro.program("status", status=502, commit=True, times=5)


def open_circuit(where: Installation, nursery: Nursery) -> None:
    """A circuit that is open, and orders that wait."""
    where.open_circuit()
    where.drop_requests(_ORDERS)


def lost_worker(where: Installation, nursery: Nursery) -> None:
    """Orders in flight whose worker is gone."""
    where.drop_requests(_ORDERS)
    where.run(nursery, "invoice-orders", point="request sent", hit=2)


def failure(where: Installation, nursery: Nursery) -> None:
    """A failure that is not reported yet."""
    where.record_failure()


def doubts(where: Installation, nursery: Nursery) -> None:
    """Orders in doubt whose quiet time is over: one that was booked, one that was not."""
    booked, not_booked, *_ = where.drop_requests(_ORDERS)
    where.far_ends.retail_pro.program("drop", order_no=booked, commit=True, times=1)
    where.far_ends.retail_pro.program("drop", order_no=not_booked, times=1)
    where.run(nursery, "invoice-orders")
    time.sleep(_QUIET_SECONDS)


def absent(where: Installation, nursery: Nursery) -> None:
    """The same, after a first look-up."""
    doubts(where, nursery)
    where.run(nursery, "invoice-orders")
    time.sleep(_ABSENT_SECONDS)


SCENES: dict[str, Callable[[Installation, Nursery], None]] = {
    scene.__name__: scene
    for scene in (
        *(orders, feed, completed, unreadable, trouble, open_circuit, lost_worker),
        *(failure, doubts, absent),
    )
}
