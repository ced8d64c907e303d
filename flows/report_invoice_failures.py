"""Everything that was not invoiced and not reported yet, in the UI and by e-mail."""

from __future__ import annotations

from typing import Any

from prefect import flow, unmapped
from prefect.client.schemas.objects import State
from prefect.states import Completed

from blocks import MailNotification, OrderDatabase, ProductStoreProfile
from blocks.loading import load
from flows.parameters import block_name, threads
from tasks.reports import mail_report
from tillbridge.invoicing.ledger import failures


@flow(name="report-invoice-failures", task_runner=threads(1))
def report_invoice_failures(
    profile: str = block_name("Product Store Profile"),
    database: str = block_name("Order Database"),
    mail_notification: str = block_name("Mail Notification"),
) -> State[Any]:
    """Report every new failure once, as artifacts and as one e-mail with a CSV file.

    Nothing new, no mail. A mail that cannot be sent is sent by the next run, with the same failures.
    """
    rules = load(ProductStoreProfile, profile)
    engine = load(OrderDatabase, database).get_engine()
    reports = failures.open_reports(engine, rules.product_store_id)
    if not reports:
        return Completed(message="nothing new to report")
    reported = mail_report.map(
        [report.id for report in reports],
        reports,
        unmapped(rules),
        unmapped(load(MailNotification, mail_notification)),
        unmapped(engine),
    ).result()
    return Completed(message=f"{sum(reported)} failures in {len(reports)} mails")
