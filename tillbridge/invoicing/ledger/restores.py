"""Restores of the database from a backup. While one is open nothing is sent: the ledger has forgotten.

Every order that may have been sent after the backup was taken is UNKNOWN until it is looked up or a
person has decided; see `docs/runbooks/after-a-restore.md`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Engine, exists, func, insert, select, update

from tillbridge.database.engine import database_now, transaction
from tillbridge.database.ledger_tables import invoice_order, ledger_restore
from tillbridge.errors import ConfigurationProblem
from tillbridge.invoicing.ledger import sendings
from tillbridge.invoicing.ledger.moves import KNOWN, Why, move
from tillbridge.limits import require_said

_FORGOTTEN = Why(
    "restored",
    "The database was restored from a backup; what was sent after that is not known.",
    "Look the order up in Retail Pro before anything is sent again.",
)


_ONGOING = (
    "A restore is not finished, so nothing is sent. When every order in doubt is cleared, run "
    "`tillbridge end-restore`."
)


def is_open() -> ColumnElement[bool]:
    """Give the condition that a restore is not finished."""
    return exists().where(ledger_restore.c.ended_at.is_(None))


def began_at(connection: Connection) -> datetime | None:
    """Say when the restore began that is open, up to which orders may have been sent; or None."""
    moment: datetime | None = connection.scalar(
        select(ledger_restore.c.began_at).where(ledger_restore.c.ended_at.is_(None))
    )
    return moment


def last_began_at(engine: Engine) -> datetime | None:
    """Say when the last restore began; None when there never was one."""
    with transaction(engine) as connection:
        moment: datetime | None = connection.scalar(select(func.max(ledger_restore.c.began_at)))
        return moment


def why_nothing_is_sent(engine: Engine) -> str:
    """Say that a restore is open; empty when none is."""
    with transaction(engine) as connection:
        is_ongoing = began_at(connection) is not None
    return _ONGOING if is_ongoing else ""


def begin(engine: Engine, who: str, why: str) -> int:
    """Stop all sending and put every order in doubt that is not at its end; gives how many.

    Every worker must have been stopped. Beginning again while a restore is open starts it anew. The
    ledger gets a new id, so that a copy of it with the old one, should there be any, sends nothing.

    Raises:
        ConfigurationProblem: it was not said who does it and why; nothing was done.
    """
    require_said(who, reason=why)
    with transaction(engine) as connection:
        now = database_now(connection)
        sendings.begin_anew(connection)
        already = connection.execute(
            update(ledger_restore).where(ledger_restore.c.ended_at.is_(None)).values(began_at=now)
        )
        if not already.rowcount:
            connection.execute(insert(ledger_restore).values(began_at=now, began_by=who, why=why))
        rows = connection.execute(
            select(*KNOWN)
            .where(invoice_order.c.state.in_(("READY", "INFLIGHT", "REJECTED", "UNKNOWN")))
            .with_for_update()
        ).all()
        for row in rows:
            values = {"doubts": row.doubts + 1, "absent_since": None, "keyed_since": None}
            move(connection, row, ["UNKNOWN"], _FORGOTTEN, who, now, sent_until=now, **values)
        # What waits for a person, or was closed, may have been released and sent after the backup as well.
        waits = invoice_order.c.state.in_(("PARKED", "HELD", "REPLACED"))
        connection.execute(update(invoice_order).where(waits).values(sent_until=now))
        return len(rows)


def in_doubt(engine: Engine) -> int:
    """Count the orders that are still UNKNOWN."""
    with transaction(engine) as connection:
        rows = connection.execute(
            select(invoice_order.c.order_no).where(invoice_order.c.state == "UNKNOWN")
        )
        return len(rows.all())


def end(engine: Engine, who: str, evidence: str) -> None:
    """Let orders be sent again.

    Raises:
        ConfigurationProblem: no restore is open, or it was not said who ends it and what shows that all
            orders were handed over again.
    """
    require_said(who, evidence=evidence)
    with transaction(engine) as connection:
        ended = connection.execute(
            update(ledger_restore)
            .where(ledger_restore.c.ended_at.is_(None))
            .values(ended_at=database_now(connection), ended_by=who, evidence=evidence)
        )
        if not ended.rowcount:
            raise ConfigurationProblem("no restore is open; orders are being sent already")
