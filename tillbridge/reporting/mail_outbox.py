"""When failure reports are mailed: the first at once, few after it, and each until it is through.

However many failures and runs there are, a mailbox gets one report in a quarter of an hour at most; and
however long the mail server refuses, no report is given up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, and_, exists, func, select, update

from tillbridge.database.engine import database_now, transaction
from tillbridge.database.ledger_tables import failure_report, invoice_failure
from tillbridge.handover.kind import Journey
from tillbridge.reporting import reports
from tillbridge.reporting.reports import OpenReport

INTERVAL = timedelta(minutes=15)
"""What is new within this time after a report waits for the next one."""

INTERVAL_WHILE_REFUSED = timedelta(hours=4)
"""The same while a report before it could not be mailed: there are few mails when the server is back."""

WAITS = tuple(timedelta(minutes=minutes) for minutes in (0, 5, 15, 60, 240))
"""How long a report waits after each run that could not mail it; the last one stands for all after it."""

ALARM_AFTER = timedelta(days=1)
"""After this a report is tried in every run, and every run fails as long as it is not through."""

_report = failure_report.c


@dataclass(frozen=True, slots=True)
class Outbox:
    """What a run has to mail now, and what waits: entries `held_back` until `opens_at`, and reports.

    An entry is a failure, or a notice with which nothing failed.
    """

    due: Sequence[OpenReport]
    held_back: int
    opens_at: datetime | None
    waiting: int


def look(
    engine: Engine, product_store_id: str, journey: Journey = "invoicing", *, send_now: bool = False
) -> Outbox:
    """Give what is due, with what is new in a report of its own; with `send_now` nothing waits."""
    with transaction(engine) as connection:
        opens_at = None if send_now else _opens_at(connection, product_store_id, journey)
    due = reports.open_reports(
        engine, product_store_id, journey, with_new=opens_at is None, due_only=not send_now
    )
    with transaction(engine) as connection:
        held_back = connection.scalar(
            select(func.count()).where(
                invoice_failure.c.report_id.is_(None),
                invoice_failure.c.product_store_id == product_store_id,
                invoice_failure.c.journey == journey,
            )
        )
        unsent = connection.scalar(
            select(func.count()).where(
                _report.mailed_at.is_(None),
                _report.product_store_id == product_store_id,
                _report.journey == journey,
            )
        )
    return Outbox(due, held_back or 0, opens_at, (unsent or 0) - len(due))


def put_off(engine: Engine, report_id: int) -> None:
    """Remember that a run could not mail this report, and when it is tried again."""
    with transaction(engine) as connection:
        now = database_now(connection)
        this = _report.id == report_id
        row = connection.execute(
            select(_report.created_at, _report.tries).where(this).with_for_update()
        ).one()
        after_wait = now + WAITS[min(row.tries, len(WAITS) - 1)]
        at_alarm = max(now, row.created_at + ALARM_AFTER)
        connection.execute(
            update(failure_report)
            .where(this)
            .values(tries=row.tries + 1, next_try_at=min(after_wait, at_alarm))
        )


def refused_for_a_day(
    engine: Engine, product_store_id: str, journey: Journey = "invoicing"
) -> bool:
    """Say whether a report could not be mailed for a day or longer."""
    with transaction(engine) as connection:
        late = exists().where(
            _report.mailed_at.is_(None),
            _report.product_store_id == product_store_id,
            _report.journey == journey,
            _report.tries > 0,
            _report.created_at <= database_now(connection) - ALARM_AFTER,
        )
        return bool(connection.scalar(select(late)))


def still_without(engine: Engine, report_id: int) -> tuple[str, ...]:
    """Give the recipients who lack a report that others have; none when nobody has it yet."""
    with transaction(engine) as connection:
        kept = connection.scalar(select(_report.put_off).where(_report.id == report_id))
        return tuple((kept or "").splitlines())


def keep_for(engine: Engine, report_id: int, recipients: Sequence[str]) -> None:
    """Remember that all have the report but these recipients."""
    with transaction(engine) as connection:
        connection.execute(
            update(failure_report)
            .where(_report.id == report_id)
            .values(put_off="\n".join(recipients))
        )


def _opens_at(connection: Connection, product_store_id: str, journey: Journey) -> datetime | None:
    """Say when the next report may be opened; None for now."""
    of_journey = and_(_report.product_store_id == product_store_id, _report.journey == journey)
    newest = connection.scalar(select(func.max(_report.created_at)).where(of_journey))
    if newest is None:
        return None
    is_refused = connection.scalar(select(exists().where(of_journey, _report.mailed_at.is_(None))))
    opens_at = newest + (INTERVAL_WHILE_REFUSED if is_refused else INTERVAL)
    return opens_at if opens_at > database_now(connection) else None
