"""The tasks of the failure reports: shown in the UI, and mailed."""

from __future__ import annotations

from typing import Any

from prefect import task, unmapped
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import wait
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from sqlalchemy import Engine

from blocks import MailNotification
from tasks.artifacts import show_report
from tasks.ending import ended
from tasks.retrying import when_unavailable
from tillbridge.errors import TillbridgeError
from tillbridge.handover.kind import Journey
from tillbridge.profile import Profile
from tillbridge.reporting import mail_outbox, mailing
from tillbridge.reporting.report import WORDINGS, FailureReport
from tillbridge.reporting.reports import OpenReport


def send_reports(
    journey: Journey, rules: Profile, engine: Engine, mail: MailNotification, *, send_now: bool
) -> State[Any]:
    """Show and mail what is due of one journey, one task run per report; gives how the run ends."""
    store = rules.product_store_id
    outbox = mail_outbox.look(engine, store, journey, send_now=send_now)
    mailed: list[int] = []
    problems: list[str] = []
    if outbox.due:
        futures = mail_report.map(
            [report.id for report in outbox.due],
            list(outbox.due),
            unmapped(journey),
            unmapped(rules),
            unmapped(mail),
            unmapped(engine),
        )
        wait(list(futures))
        for report, future in zip(outbox.due, futures, strict=True):
            result = future.result(raise_on_failure=False)
            if isinstance(result, TillbridgeError):
                mail_outbox.put_off(engine, report.id)
                problems.append(str(result))
            else:
                mailed.append(future.result())
    if mail_outbox.refused_for_a_day(engine, store, journey):
        problems.append("Reports have not got through to the mail server for a day or longer.")
    message = mailing.sum_up(outbox, mailed, problems, rules.time_zone)
    return ended(message, failed=bool(problems))


@task(
    task_run_name="mail-report-{report_id}",
    retries=2,
    retry_delay_seconds=[10, 60],
    retry_condition_fn=when_unavailable,
    cache_policy=NO_CACHE,
)
def mail_report(
    report_id: int,
    opened: OpenReport,
    journey: Journey,
    rules: Profile,
    mail: MailNotification,
    engine: Engine,
) -> int:
    """Show and mail one report, and remember that it was mailed; returns how many failed orders are in it."""
    report = FailureReport(
        opened.failures, rules.time_zone, rules.brand, flow_run.ui_url, WORDINGS[journey]
    )
    show_report(report)
    refused = mailing.mail_report(engine, opened, report, mail)
    if refused:
        get_run_logger().warning("The mail server refused the recipients %s.", ", ".join(refused))
    return report.total.orders
