"""Every sale of a till that is missing or could not be used, in the UI and by e-mail, once."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from blocks import MailNotification, OrderDatabase, ProductStoreProfile
from blocks.loading import load
from flows.parameters import block_name, send_now, threads
from tasks.reports import send_reports


@flow(name="report-till-failures", task_runner=threads(1))
def report_till_failures(
    profile: str = block_name("Product Store Profile"),
    database: str = block_name("Order Database"),
    mail_notification: str = block_name("Mail Notification"),
    send_now: bool = send_now(),
) -> State[Any]:
    """Report every new failure once: missing, in conflict, refused by the order store, unreadable.

    It keeps to the same rules as report-invoice-failures, in a mail of its own.
    """
    rules = load(ProductStoreProfile, profile)
    engine = load(OrderDatabase, database).get_engine()
    mail = load(MailNotification, mail_notification)
    return send_reports("tills", rules, engine, mail, send_now=send_now)
