"""Orders whose number, or whose content, looks like another order's.

A number that looks like a known one is held until a person or the profile's setting lets it go. A content
that looks like another's is only told: the same customer may well buy the same twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import Connection, Engine, Row, and_, exists, or_, select, true

from tillbridge import money
from tillbridge.database.engine import database_now, transaction
from tillbridge.database.ledger_tables import invoice_attempt, invoice_order
from tillbridge.invoicing.ledger.events import OrderKey
from tillbridge.invoicing.ledger.moves import KNOWN, Why, key_of, move, report
from tillbridge.profile import Profile

NUMBER_CODE = "number-looks-alike"
ORDER_CODE = "order-looks-alike"

_order, _attempt = invoice_order.c, invoice_attempt.c


@dataclass(frozen=True, slots=True)
class LookAlikes:
    """What a profile says of look-alikes: whether such numbers go, and for how many days orders are told."""

    numbers_go: bool = False
    orders_told_days: int = 7

    @classmethod
    def from_profile(cls, profile: Profile) -> Self:
        """Read what a brand decided."""
        return cls(profile.look_alike_numbers == "allow", profile.similar_order_days)


HOLD = LookAlikes()
"""What holds unless a profile says otherwise."""


def hold_number(connection: Connection, found: Row[Any], who: str, now: datetime) -> bool:
    """Hold an order that came in if its number only looks like another order's; says whether it did."""
    known = connection.execute(
        select(*KNOWN)
        .where(
            _order.product_store_id == found.product_store_id,
            _order.number_fold == found.number_fold,
            _order.order_no != found.order_no,
            _order.state != "REPLACED",
            _is_another(found),
        )
        .order_by(_order.accepted_at, _order.order_no)
        .limit(1)
    ).one_or_none()
    if known is None:
        return False
    why = Why(
        NUMBER_CODE,
        f"Number {_visible(found.order_no)} ({money.show(found.total, found.currency)}) looks like "
        f"{_visible(known.order_no)} ({money.show(known.total, known.currency)}, {known.state}), "
        "which is another order.",
        "Nothing is sent. Find out whether Retail Pro tells the two apart; then let it go or cancel it with "
        "resolve-order, or set look_alike_numbers of the profile to allow.",
    )
    report(connection, found, "conflict", why, f"{NUMBER_CODE} {found.body_sha256}")
    move(connection, found, ["HELD"], why, who, now)
    return True


def release_numbers(engine: Engine, product_store_id: str, who: str) -> list[OrderKey]:
    """Let the orders go that were held for their number and were never sent; returns them."""
    why = Why("look-alike-allowed", "The profile allows numbers that look alike.")
    with transaction(engine) as connection:
        now = database_now(connection)
        rows = connection.execute(
            select(*KNOWN)
            .where(
                _order.product_store_id == product_store_id,
                _order.state == "HELD",
                _order.reason_code == NUMBER_CODE,
                _order.sent_until.is_(None),
            )
            .with_for_update(skip_locked=True)
        ).all()
        for row in rows:
            move(connection, row, ["READY"], why, who, now)
        return [key_of(row) for row in rows]


def tell_order(connection: Connection, found: Row[Any], days: int, now: datetime) -> None:
    """Report an order that looks like another one that was sent in so many days, or is about to be."""
    if found.likeness_sha256 is None or not days:
        return
    was_sent = exists().where(
        _attempt.product_store_id == _order.product_store_id,
        _attempt.order_no == _order.order_no,
        _attempt.armed_at >= now - timedelta(days=days),
    )
    other = connection.execute(
        select(*KNOWN)
        .where(
            _order.likeness_sha256 == found.likeness_sha256,
            or_(
                _order.product_store_id != found.product_store_id,
                _order.order_no != found.order_no,
            ),
            _is_another(found),
            or_(
                _order.state == "READY",
                and_(was_sent, _order.state.not_in(("REJECTED", "CANCELLED", "REPLACED"))),
            ),
        )
        .order_by(_order.accepted_at.desc(), _order.order_no)
        .limit(1)
    ).one_or_none()
    if other is None:
        return
    why = Why(
        ORDER_CODE,
        f"It has the customer, total and lines of order {other.order_no} ({other.state}).",
        "It is sent all the same. Ask whether it was ordered twice; if not, void one of the two invoices.",
    )
    report(connection, found, "notice", why, f"{ORDER_CODE} {key_of(other)}")


def _visible(order_no: str) -> str:
    """Write a number so that its blanks can be counted; reports squeeze them."""
    return order_no.replace(" ", "␣")


def _is_another(found: Row[Any]) -> Any:
    if found.order_id is None:
        return true()
    return or_(_order.order_id.is_(None), _order.order_id != found.order_id)
