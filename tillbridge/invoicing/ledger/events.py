"""The log of what happened to each order: who, when, from which state to which, and why. Only added to."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert

from tillbridge.database.ledger_tables import invoice_event
from tillbridge.invoicing.states import EDGES, State


class OrderKey(NamedTuple):
    """The identity of an order: exact text, never folded or trimmed."""

    product_store_id: str
    order_no: str


def note(
    connection: Connection,
    key: OrderKey,
    from_state: State | None,
    to_state: State,
    who: str,
    why: str,
    at: datetime,
) -> None:
    """Add one change of state.

    Raises:
        ValueError: the states have no such edge; the transaction must not be committed.
    """
    if to_state not in EDGES[from_state]:
        raise ValueError(f"order {key.order_no} cannot go from {from_state} to {to_state}")
    _add(connection, key, from_state, to_state, who, why, at)


def remark(
    connection: Connection, key: OrderKey, state: State, who: str, why: str, at: datetime
) -> None:
    """Add something that was done to an order without moving it."""
    _add(connection, key, state, state, who, why, at)


def _add(
    connection: Connection,
    key: OrderKey,
    from_state: State | None,
    to_state: State,
    who: str,
    why: str,
    at: datetime,
) -> None:
    connection.execute(
        insert(invoice_event),
        {
            **key._asdict(),
            "at": at,
            "who": who,
            "from_state": from_state,
            "to_state": to_state,
            "why": why,
        },
    )
