"""The circuit to a server: open after a streak of failures that are no order's fault, for every worker.

While it is open nothing is sent there. The next run sends a few orders one by one, the canaries; when
they are answered, it closes. One row for each server; no row means closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Engine, and_, exists, or_, select, update

from tillbridge.database.engine import database_now, transaction
from tillbridge.database.group_commit import GroupCommit
from tillbridge.database.insertion import insert_or_update
from tillbridge.database.ledger_tables import circuit

_CANARIES_TAKE_AT_MOST = timedelta(minutes=15)
"""After this a run that holds the circuit is taken for dead; three calls at the longest deadline fit."""


@dataclass(frozen=True, slots=True)
class Passage:
    """How a run may use the circuit; `reason` says why not freely."""

    kind: Literal["free", "canaries", "none"]
    reason: str = ""


def lets_through(server: ColumnElement[Any], who: ColumnElement[Any]) -> ColumnElement[bool]:
    """Give the condition that the circuit to `server` lets `who` send."""
    stopped = or_(
        circuit.c.state == "OPEN", and_(circuit.c.state == "HALF_OPEN", circuit.c.holder != who)
    )
    return ~exists().where(circuit.c.server == server, stopped)


def enter(engine: Engine, server: str, who: str) -> Passage:
    """Say whether a run may send, and make it the one that sends the canaries where they are due."""
    with transaction(engine) as connection:
        now = database_now(connection)
        found = connection.execute(
            select(circuit).where(circuit.c.server == server).with_for_update()
        ).one_or_none()
        if found is None or found.state == "CLOSED":
            return Passage("free")
        is_held = found.state == "HALF_OPEN" and found.changed_at > now - _CANARIES_TAKE_AT_MOST
        if is_held or (found.not_before and found.not_before > now):
            return Passage("none", found.reason)
        connection.execute(
            update(circuit)
            .where(circuit.c.server == server)
            .values(state="HALF_OPEN", holder=who, changed_at=now, not_before=None)
        )
        return Passage("canaries", found.reason)


def trip(engine: Engine | GroupCommit, server: str, reason: str, pause: float | None) -> None:
    """Open the circuit, for `pause` seconds at least."""
    with transaction(engine) as connection:
        now = database_now(connection)
        insert_or_update(
            connection,
            circuit,
            [
                {
                    "server": server,
                    "state": "OPEN",
                    "holder": None,
                    "reason": reason,
                    "not_before": now + timedelta(seconds=pause) if pause else None,
                    "changed_at": now,
                }
            ],
        )


def close(engine: Engine, server: str, who: str) -> None:
    """Close the circuit after the canaries of `who` were answered."""
    with transaction(engine) as connection:
        connection.execute(
            update(circuit)
            .where(
                circuit.c.server == server,
                circuit.c.state == "HALF_OPEN",
                circuit.c.holder == who,
            )
            .values(state="CLOSED", holder=None, changed_at=database_now(connection))
        )


def give_back(engine: Engine, server: str, who: str) -> None:
    """Leave the canaries to the next run; this one had too few orders to know."""
    with transaction(engine) as connection:
        connection.execute(
            update(circuit)
            .where(
                circuit.c.server == server,
                circuit.c.state == "HALF_OPEN",
                circuit.c.holder == who,
            )
            .values(state="OPEN", holder=None, changed_at=database_now(connection))
        )


def why_open(engine: Engine, server: str) -> str:
    """Give the reason why nothing is sent; empty when the circuit is closed."""
    with transaction(engine) as connection:
        reason: str | None = connection.scalar(
            select(circuit.c.reason).where(circuit.c.server == server, circuit.c.state != "CLOSED")
        )
        return reason or ""
