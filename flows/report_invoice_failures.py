"""Everything that was not invoiced and not reported yet, in the UI and by e-mail."""

from __future__ import annotations

from typing import Any

from prefect import flow, unmapped
from prefect.client.schemas.objects import State
from prefect.futures import wait
from prefect.states import Completed, Failed
from pydantic import Field

from blocks import MailNotification, OrderDatabase, ProductStoreProfile
from blocks.loading import load
from flows.parameters import block_name, threads
from tasks.reports import mail_report
from tillbridge.errors import TillbridgeError
from tillbridge.reporting import mail_outbox
from tillbridge.reporting.mailing import sum_up


@flow(name="report-invoice-failures", task_runner=threads(1))
def report_invoice_failures(
    profile: str = block_name("Product Store Profile"),
    database: str = block_name("Order Database"),
    mail_notification: str = block_name("Mail Notification"),
    send_now: bool = Field(
        default=False, description="Send everything that is new or waits for its next try at once."
    ),
) -> State[Any]:
    """Report every new failure once, as artifacts and as one e-mail with a CSV file.

    Nothing new, no mail, and one report in a quarter of an hour at most. A mail that cannot be sent is
    sent by later runs, with the same failures; after a day of that every run fails.
    """
    rules = load(ProductStoreProfile, profile)
    engine = load(OrderDatabase, database).get_engine()
    store = rules.product_store_id
    outbox = mail_outbox.look(engine, store, send_now=send_now)
    mailed: list[int] = []
    problems: list[str] = []
    if outbox.due:
        futures = mail_report.map(
            [report.id for report in outbox.due],
            list(outbox.due),
            unmapped(rules),
            unmapped(load(MailNotification, mail_notification)),
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
    if mail_outbox.refused_for_a_day(engine, store):
        problems.append("Reports have not got through to the mail server for a day or longer.")
    state = Failed if problems else Completed
    return state(message=sum_up(outbox, mailed, problems, rules.time_zone))
