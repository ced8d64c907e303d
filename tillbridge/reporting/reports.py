"""SQL of the reports that failures go into.

A report owns its failures from the moment it is opened, so that a mail that could not be sent is sent
again with the same failures, and no failure is in two reports.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from sqlalchemy import Connection, Engine, delete, exists, insert, or_, select, update

from tillbridge.database.engine import database_now, transaction
from tillbridge.database.ledger_tables import failure_report, invoice_failure, invoice_order
from tillbridge.handover.kind import Journey
from tillbridge.reporting.report import Failure


@dataclass(frozen=True, slots=True)
class OpenReport:
    """A report that has not been mailed yet."""

    id: int
    message_id: str
    created_at: datetime
    failures: tuple[Failure, ...]


def open_reports(
    engine: Engine,
    product_store_id: str,
    journey: Journey = "invoicing",
    *,
    with_new: bool = True,
    due_only: bool = False,
) -> list[OpenReport]:
    """Put everything new into a report, and give every report that still has to be mailed.

    A report keeps its message id, so that a mail that was sent twice is recognised as one. What is new
    waits unless `with_new`; `due_only` leaves out the reports whose next try is still to come.
    """
    with transaction(engine) as connection:
        now = database_now(connection)
        new = (
            invoice_failure.c.report_id.is_(None),
            invoice_failure.c.product_store_id == product_store_id,
            invoice_failure.c.journey == journey,
        )
        if with_new and connection.scalar(select(exists().where(*new))):
            message_id = f"{journey}-failures-{uuid4().hex}"
            report_id = connection.execute(
                insert(failure_report).values(
                    message_id=message_id,
                    product_store_id=product_store_id,
                    journey=journey,
                    created_at=now,
                )
            ).inserted_primary_key[0]  # type: ignore[index]
            taken = connection.execute(
                update(invoice_failure).where(*new).values(report_id=report_id)
            )
            if not taken.rowcount:
                # Another run has just put them all into its report.
                connection.execute(delete(failure_report).where(failure_report.c.id == report_id))
        unsent = (
            select(failure_report)
            .where(
                failure_report.c.mailed_at.is_(None),
                failure_report.c.product_store_id == product_store_id,
                failure_report.c.journey == journey,
            )
            .order_by(failure_report.c.id)
        )
        if due_only:
            next_try_at = failure_report.c.next_try_at
            unsent = unsent.where(or_(next_try_at.is_(None), next_try_at <= now))
        reports = connection.execute(unsent).all()
        return [
            OpenReport(row.id, row.message_id, row.created_at, _failures_of(connection, row.id))
            for row in reports
        ]


def mark_mailed(engine: Engine, report_id: int) -> None:
    """Remember that the report's mail was handed over; it is not sent again."""
    with transaction(engine) as connection:
        connection.execute(
            update(failure_report)
            .where(failure_report.c.id == report_id)
            .values(mailed_at=database_now(connection))
        )


def _failures_of(connection: Connection, report_id: int) -> tuple[Failure, ...]:
    names = Failure.__dataclass_fields__
    invoiced_since = exists().where(
        invoice_order.c.product_store_id == invoice_failure.c.product_store_id,
        invoice_order.c.state == "CONFIRMED",
        invoice_failure.c.kind.not_in(("conflict", "notice")),
        invoice_failure.c.journey == "invoicing",
        or_(
            invoice_order.c.order_id == invoice_failure.c.order_id,
            invoice_order.c.order_no == invoice_failure.c.order_no,
        ),
    )
    rows = connection.execute(
        select(*(invoice_failure.c[name] for name in names), invoiced_since.label("invoiced"))
        .where(invoice_failure.c.report_id == report_id)
        .order_by(invoice_failure.c.id)
    )
    return tuple(_up_to_date(Failure(*row[:-1]), row.invoiced) for row in rows)


def _up_to_date(failure: Failure, invoiced: bool) -> Failure:
    """Keep a reader from making an invoice by hand that was made since."""
    if not invoiced:
        return failure
    return replace(
        failure,
        reason_code="invoiced-since",
        reason=f"It was invoiced since. Before that: {failure.reason}",
        next_step="Nothing to do.",
    )
