"""What the nightly control totals add up: orders handed over, orders in the ledger, and their amounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import Engine, exists, func, or_, select

from tillbridge.database.engine import database_now, transaction
from tillbridge.database.ledger_tables import invoice_failure, invoice_order, transformed_order
from tillbridge.database.oms_tables import feed, order_fulfillment_history, order_header
from tillbridge.invoicing.states import State

_order = invoice_order.c


@dataclass(frozen=True, slots=True)
class StateTotal:
    """The orders of one state and currency."""

    state: State
    currency: str
    orders: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class LedgerOrder:
    """An order as the ledger has it."""

    order_no: str
    state: State
    total: Decimal
    line_count: int
    erp_ref: str | None
    server: str | None


def by_state(engine: Engine, product_store_id: str) -> list[StateTotal]:
    """Add up the ledger by state and currency."""
    with transaction(engine) as connection:
        rows = connection.execute(
            select(_order.state, _order.currency, func.count(), func.sum(_order.total))
            .where(_order.product_store_id == product_store_id)
            .group_by(_order.state, _order.currency)
            .order_by(_order.state, _order.currency)
        )
        return [StateTotal(*row) for row in rows]


def not_transformed(engine: Engine, product_store_id: str, older_than: timedelta) -> list[str]:
    """Name the orders that the order store exported and nobody transformed or quarantined since."""
    was_transformed = exists().where(
        transformed_order.c.product_store_id == product_store_id,
        transformed_order.c.order_id == order_header.c.order_id,
    )
    was_reported = exists().where(
        invoice_failure.c.product_store_id == product_store_id,
        invoice_failure.c.order_id == order_header.c.order_id,
    )
    with transaction(engine) as connection:
        found = connection.scalars(
            select(order_header.c.order_id)
            .join(
                order_fulfillment_history,
                order_fulfillment_history.c.order_id == order_header.c.order_id,
            )
            .join(feed, feed.c.feed_id == order_fulfillment_history.c.feed_id)
            .where(
                order_header.c.product_store_id == product_store_id,
                feed.c.created_at <= database_now(connection) - older_than,
                ~was_transformed,
                ~was_reported,
            )
            .order_by(order_header.c.order_id)
        )
        return list(found)


def not_accepted(engine: Engine, product_store_id: str, older_than: timedelta) -> list[str]:
    """Name the orders that were transformed and never came into the ledger."""
    in_ledger = exists().where(
        _order.product_store_id == product_store_id,
        _order.order_id == transformed_order.c.order_id,
    )
    with transaction(engine) as connection:
        found = connection.scalars(
            select(transformed_order.c.order_id)
            .where(
                transformed_order.c.product_store_id == product_store_id,
                transformed_order.c.transformed_at <= database_now(connection) - older_than,
                ~in_ledger,
            )
            .distinct()
            .order_by(transformed_order.c.order_id)
        )
        return list(found)


def invoiced_twice(engine: Engine, product_store_id: str, within: timedelta) -> list[str]:
    """Name the orders that are invoiced under two numbers, one of them lately."""
    other = invoice_order.alias().c
    with transaction(engine) as connection:
        found = connection.scalars(
            select(_order.order_id)
            .where(
                _order.product_store_id == product_store_id,
                _order.state == "CONFIRMED",
                _order.changed_at >= database_now(connection) - within,
                exists().where(
                    other.order_id == _order.order_id,
                    other.state == "CONFIRMED",
                    or_(
                        other.order_no != _order.order_no,
                        other.product_store_id != _order.product_store_id,
                    ),
                ),
            )
            .distinct()
            .order_by(_order.order_id)
        )
        return [order_id for order_id in found if order_id is not None]


def changed_lately(engine: Engine, product_store_id: str, within: timedelta) -> list[LedgerOrder]:
    """Give the orders that were sent at least once and changed lately, or whose outcome is open.

    Those of other servers as well, which cannot be compared with this one.
    """
    with transaction(engine) as connection:
        rows = connection.execute(
            select(
                _order.order_no,
                _order.state,
                _order.total,
                _order.line_count,
                _order.erp_ref,
                _order.server,
            )
            .where(
                _order.product_store_id == product_store_id,
                _order.state != "INFLIGHT",
                (_order.changed_at >= database_now(connection) - within)
                | _order.state.in_(("UNKNOWN", "PARKED")),
            )
            .order_by(_order.order_no)
        )
        return [LedgerOrder(*row) for row in rows]
