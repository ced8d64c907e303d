"""Every sale of a till that is missing or could not be used, in the UI and by e-mail, once."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from blocks.brand import load_brand
from blocks.loading import BlockName
from flows.parameters import profile, send_now, threads
from tasks.reports import send_reports
from tasks.waiting_runs import cancel_waiting_runs


@flow(name="report-till-failures", task_runner=threads(1), on_running=[cancel_waiting_runs])
def report_till_failures(
    profile: BlockName = profile(),
    send_now: bool = send_now(),
) -> State[Any]:
    """Report every new failure once: missing, in conflict, refused by the order store, unreadable.

    It keeps to the same rules as report-invoice-failures, in a mail of its own.
    """
    brand = load_brand(profile)
    rules, engine = brand.profile, brand.get_engine()
    mail = brand.load_mail_notification()
    return send_reports("tills", rules, engine, mail, send_now=send_now)
