"""Mails one failure report to everybody who still lacks it. When that is tried is the outbox's business."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from tillbridge.clients.mail import Attachment, Delivery
from tillbridge.counting import counted
from tillbridge.errors import Unavailable
from tillbridge.reporting import mail_outbox, reports
from tillbridge.reporting.mail_outbox import Outbox
from tillbridge.reporting.report import FailureReport
from tillbridge.reporting.reports import OpenReport


class Mailer(Protocol):
    """Sends a mail to a fixed list of people, or to some of them only."""

    def send(  # noqa: D102 - the block says it
        self,
        subject: str,
        text: str,
        html: str | None = None,
        attachments: Sequence[Attachment] = (),
        message_id: str | None = None,
        only: Sequence[str] = (),
    ) -> Delivery: ...


def mail_report(
    engine: Engine, opened: OpenReport, report: FailureReport, mailer: Mailer
) -> tuple[str, ...]:
    """Mail a report and remember it; gives the recipients that the server refused for good.

    Raises:
        Unavailable: not everybody could get it. Those who have it do not get it again.
    """
    delivery = mailer.send(
        report.subject(),
        report.as_text(),
        report.as_html(),
        [Attachment(f"{report.wording.key}.csv", report.as_csv(), "text/csv")],
        opened.message_id,
        mail_outbox.still_without(engine, opened.id),
    )
    if delivery.put_off:
        mail_outbox.keep_for(engine, opened.id, delivery.put_off)
        raise Unavailable(
            f"The mail server takes nothing for {', '.join(delivery.put_off)} now; the others have report "
            f"{report.reference}. It is sent to them later."
        )
    reports.mark_mailed(engine, opened.id)
    return delivery.refused


def sum_up(outbox: Outbox, mailed: Sequence[int], problems: Sequence[str], time_zone: str) -> str:
    """Say what a run mailed (failures in each mail), and what waits for what."""
    parts = (
        [f"{counted(sum(mailed), 'failure')} in {counted(len(mailed), 'mail')}"] if mailed else []
    )
    if outbox.held_back and outbox.opens_at:
        opens_at = outbox.opens_at.astimezone(ZoneInfo(time_zone))
        parts.append(
            f"{counted(outbox.held_back, 'new entry waits', 'new entries wait')} for the next report, "
            f"from {opens_at:%H:%M} on"
        )
    if unsent := len(outbox.due) - len(mailed) + outbox.waiting:
        parts.append(f"not through yet and sent later: {counted(unsent, 'report')}")
    return ". ".join(["; ".join(parts) or "nothing new to report", *dict.fromkeys(problems)])
