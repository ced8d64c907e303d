"""The task of the failure report: shown in the UI, and mailed."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from sqlalchemy import Engine

from blocks import MailNotification
from tasks.artifacts import show_report
from tasks.retrying import when_unavailable
from tillbridge.profile import Profile
from tillbridge.reporting import mailing
from tillbridge.reporting.report import FailureReport
from tillbridge.reporting.reports import OpenReport


@task(
    task_run_name="mail-report-{report_id}",
    retries=2,
    retry_delay_seconds=[10, 60],
    retry_condition_fn=when_unavailable,
    cache_policy=NO_CACHE,
)
def mail_report(
    report_id: int, opened: OpenReport, rules: Profile, mail: MailNotification, engine: Engine
) -> int:
    """Show and mail one report, and remember that it was mailed; returns the failures in it."""
    report = FailureReport(opened.failures, rules.time_zone, rules.brand, flow_run.ui_url)
    show_report(report)
    refused = mailing.mail_report(engine, opened, report, mail)
    if refused:
        get_run_logger().warning("The mail server refused the recipients %s.", ", ".join(refused))
    return len(opened.failures)
