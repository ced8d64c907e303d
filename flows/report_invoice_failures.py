"""Everything that was not invoiced and not reported yet, in the UI and by e-mail."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from blocks import MailNotification, OrderDatabase, ProductStoreProfile
from blocks.loading import load
from flows.parameters import block_name, send_now, threads
from tasks.reports import send_reports


@flow(name="report-invoice-failures", task_runner=threads(1))
def report_invoice_failures(
    profile: str = block_name("Product Store Profile"),
    database: str = block_name("Order Database"),
    mail_notification: str = block_name("Mail Notification"),
    send_now: bool = send_now(),
) -> State[Any]:
    """Report every new failure once, as artifacts and as one e-mail with a CSV file.

    Nothing new, no mail, and one report in a quarter of an hour at most. A mail that cannot be sent is
    sent by later runs, with the same failures; after a day of that every run fails.
    """
    rules = load(ProductStoreProfile, profile)
    engine = load(OrderDatabase, database).get_engine()
    mail = load(MailNotification, mail_notification)
    return send_reports("invoicing", rules, engine, mail, send_now=send_now)
