"""What the flows do when a far end, a setting or a worker fails."""

from __future__ import annotations

import pytest

import flows.invoice_orders as invoice_flow
from flows.export_completed_orders import export_completed_orders
from flows.invoice_orders import invoice_orders
from flows.report_invoice_failures import report_invoice_failures
from flows.transform_completed_orders import transform_completed_orders
from sandbox.books import draw_up
from sandbox.mail import Fault
from tasks import invoices, reports
from tests.fixtures_prefect import Installation
from tillbridge.invoicing import breaker
from tillbridge.invoicing.ledger import orders

pytestmark = pytest.mark.faults

STORE = "SV_STORE"
STREAK = breaker.LONGEST_STREAK["unknown"]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries as many as ever, but without their waits."""
    quick = invoices.invoice_order.with_options(retry_delay_seconds=[0.5, 2, 2])
    monkeypatch.setattr(invoice_flow, "invoice_order", quick)
    monkeypatch.setattr(
        reports, "mail_report", reports.mail_report.with_options(retry_delay_seconds=0.1)
    )


@pytest.fixture
def ready(installation: Installation) -> Installation:
    """Fifty orders that are transformed and wait to be invoiced."""
    installation.seed(50)
    installation.run(export_completed_orders)
    installation.run(transform_completed_orders)
    return installation


def test_a_wrong_credential_stops_the_run_and_burns_no_order(ready: Installation) -> None:
    """401 fails the run with what to mend; afterwards every order is invoiced."""
    ready.far_ends.retail_pro.program("status", status=401, times=40)

    state = ready.run(invoice_orders)

    assert state.is_failed()
    assert "check the Retail Pro block" in (state.message or "")
    assert orders.counts(ready.engine, STORE) == {"READY": 40}
    assert len(ready.far_ends.retail_pro.requests()) <= 10
    ready.far_ends.retail_pro.retail_pro.faults.clear()
    assert ready.run(invoice_orders).is_completed()
    assert draw_up(ready.far_ends).invoiced == 40


def test_retail_pro_down_loses_nothing(ready: Installation) -> None:
    """A refused connection fails the run; the orders wait and go with the next run."""
    text = ready.config.read_text()
    ready.config.write_text(text.replace(ready.far_ends.retail_pro.base_url, "http://127.0.0.1:9"))
    ready.again()

    state = ready.run(invoice_orders)

    assert state.is_failed()
    assert orders.counts(ready.engine, STORE) == {"READY": 40}
    ready.config.write_text(text)
    ready.again()
    assert ready.run(invoice_orders).is_completed()
    assert draw_up(ready.far_ends).problems == ("6 failures, 0 of them mailed",)


def test_a_far_end_that_answers_nonsense_is_left_alone(ready: Installation) -> None:
    """The damage of a bad day is a few parked orders, not all of them; each is really in doubt."""
    ready.far_ends.retail_pro.program("status", status=502, commit=True, times=40)

    state = ready.run(invoice_orders)

    assert state.is_failed()
    counts = orders.counts(ready.engine, STORE)
    assert STREAK <= counts["PARKED"] <= STREAK + 10
    assert counts["READY"] == 40 - counts["PARKED"]


def test_too_many_calls_are_waited_out(ready: Installation) -> None:
    """429 with Retry-After is retried by Prefect, and every order is invoiced once."""
    ready.far_ends.retail_pro.program("status", status=429, retry_after="1", times=3)

    state = ready.run(invoice_orders)

    assert state.is_completed(), state.message
    assert draw_up(ready.far_ends).invoiced == 40


def test_a_mail_that_fails_is_sent_by_the_next_run_once(ready: Installation) -> None:
    """No failure is reported twice and none is forgotten."""
    ready.far_ends.inbox.answer("MAIL", *["451 4.3.0 Try later"] * 3)

    assert ready.run(report_invoice_failures).is_failed()
    assert not any(
        "orders need" in str(mail["Subject"]) for mail in ready.far_ends.inbox.messages()
    )
    ready.run(report_invoice_failures)
    ready.run(report_invoice_failures)

    mails = [str(mail["Subject"]) for mail in ready.far_ends.inbox.messages()]
    assert len([subject for subject in mails if "6 orders need attention" in subject]) == 1


def test_a_mail_whose_receipt_is_lost_is_recognised_as_the_same(ready: Installation) -> None:
    """Mail cannot be sent exactly once; the second copy has the id of the first."""
    ready.far_ends.inbox.answer("DATA", Fault.CLOSE)

    ready.run(report_invoice_failures)

    first, second = ready.far_ends.inbox.messages()
    assert first["Message-ID"] == second["Message-ID"]


def test_a_changed_host_key_stops_the_run_with_a_plain_sentence(ready: Installation) -> None:
    """Nobody is sent files who cannot prove to be the server."""
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKx8s8mFJ5n4m3e1oS1T2mP2m3YJ6m0o2mB4ZpQ9qR7s"
    text = ready.config.read_text()
    ready.config.write_text(text.replace(ready.far_ends.sftp.host_key, other))
    ready.again()

    state = ready.run(invoice_orders)

    assert state.is_failed()
    assert "host key" in (state.message or "")


def test_an_order_that_changed_after_it_was_invoiced_is_a_conflict(ready: Installation) -> None:
    """The invoice stays as it is, and a person is told."""
    ready.run(invoice_orders)
    folder = ready.far_ends.files / "retail-pro/order-to-invoice"
    (name,) = ready.folder("retail-pro/order-to-invoice/archive")
    text = (folder / "archive" / name).read_text()
    (folder / "changed.json").write_text(text.replace('"Qty":1', '"Qty":7', 1))
    calls = len(ready.far_ends.retail_pro.requests())

    ready.run(invoice_orders)
    ready.run(report_invoice_failures)

    assert len(ready.far_ends.retail_pro.requests()) == calls
    (mail,) = ready.far_ends.inbox.messages()
    assert "came again with other content" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
