"""Everything that was not invoiced and not reported yet, in the UI and by e-mail."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from blocks.brand import load_brand
from blocks.loading import BlockName
from flows.parameters import profile, send_now, threads
from tasks.reports import send_reports
from tasks.waiting_runs import cancel_waiting_runs


@flow(name="report-invoice-failures", task_runner=threads(1), on_running=[cancel_waiting_runs])
def report_invoice_failures(
    profile: BlockName = profile(),
    send_now: bool = send_now(),
) -> State[Any]:
    """Report every new failure once, as artifacts and as one e-mail with a CSV file.

    Nothing new, no mail, and one report in a quarter of an hour at most. A mail that cannot be sent is
    sent by later runs, with the same failures; after a day of that every run fails.
    """
    brand = load_brand(profile)
    rules, engine = brand.profile, brand.get_engine()
    mail = brand.load_mail_notification()
    return send_reports("invoicing", rules, engine, mail, send_now=send_now)
