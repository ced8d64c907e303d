"""The five flows one after the other, against a real Prefect server, SFTP, HTTP and SMTP."""

from __future__ import annotations

import json

import pytest

from flows.export_completed_orders import export_completed_orders
from flows.invoice_orders import invoice_orders
from flows.reconcile_inventory import reconcile_inventory
from flows.report_invoice_failures import report_invoice_failures
from flows.transform_completed_orders import transform_completed_orders
from sandbox.books import draw_up
from sandbox.kinds import DEFECTS, EXCLUDED, GOOD
from tests.fixtures_prefect import Installation

FEEDS = "hotwax/completed-orders"
REQUESTS = "retail-pro/order-to-invoice"


def test_orders_become_invoices_and_the_books_balance(installation: Installation) -> None:
    """Every good order has one invoice, bad ones are in quarantine and in the mail, stock agrees."""
    seeded = installation.seed(50)
    good = seeded.numbers(GOOD)
    installation.far_ends.retail_pro.program("reject", order_no=good[0])
    installation.far_ends.retail_pro.program("drop", order_no=good[1], commit=True)

    for flow in (
        export_completed_orders,
        transform_completed_orders,
        invoice_orders,
        report_invoice_failures,
        reconcile_inventory,
    ):
        state = installation.run(flow)
        assert state.is_completed(), state.message

    books = draw_up(installation.far_ends)
    assert books.problems == ()
    assert (books.invoiced, books.rejected, books.parked) == (len(good) - 2, 1, 1)
    # The order without a product store stays in the order store: the export asks for one.
    assert books.quarantined == len(seeded.numbers(DEFECTS)) - len(seeded.numbers(["no_store"]))
    assert installation.far_ends.retail_pro.invoices(seeded.numbers(EXCLUDED)[0]) == []
    (mail,) = installation.far_ends.inbox.messages()
    assert good[0] in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    (responses,) = installation.folder(f"{REQUESTS}/responses")
    stored = json.loads(
        (installation.far_ends.files / REQUESTS / "responses" / responses).read_text()
    )
    assert {response["orderNo"] for response in stored} == set(good)


def test_running_everything_again_changes_nothing(installation: Installation) -> None:
    """Each flow may run at any time: no second feed, no second request, no second mail."""
    installation.seed(50)
    pipeline = (
        export_completed_orders,
        transform_completed_orders,
        invoice_orders,
        report_invoice_failures,
    )
    for flow in pipeline:
        installation.run(flow)
    calls = len(installation.far_ends.retail_pro.requests())
    before = draw_up(installation.far_ends)

    for flow in (*reversed(pipeline), *pipeline):
        assert installation.run(flow).is_completed()

    assert draw_up(installation.far_ends) == before
    assert len(installation.far_ends.retail_pro.requests()) == calls


@pytest.mark.parametrize("folder", [FEEDS, REQUESTS])
def test_the_same_file_twice_is_done_once(installation: Installation, folder: str) -> None:
    """A file that comes again under another name is put away as a duplicate."""
    installation.seed(50)
    installation.run(export_completed_orders)
    installation.run(transform_completed_orders)
    installation.run(invoice_orders)
    archive = installation.far_ends.files / folder / "archive"
    (name,) = installation.folder(f"{folder}/archive")
    (archive.parent / "again.json").write_bytes((archive / name).read_bytes())
    calls = len(installation.far_ends.retail_pro.requests())

    installation.run(transform_completed_orders)
    installation.run(invoice_orders)

    assert installation.folder(f"{folder}/archive") == sorted([name, "again.json"])
    assert len(installation.far_ends.retail_pro.requests()) == calls


def test_a_feed_that_cannot_be_read_is_quarantined_and_mailed(installation: Installation) -> None:
    """A truncated feed costs the other feed nothing."""
    installation.seed(50)
    installation.run(export_completed_orders)
    feeds = installation.far_ends.files / FEEDS
    (name,) = installation.folder(FEEDS)
    content = (feeds / name).read_bytes()
    (feeds / "A-truncated.json").write_bytes(content[: len(content) // 2])
    (feeds / "B-empty.json").write_bytes(b"")
    (feeds / "C-utf16.json").write_bytes("[]".encode("utf-16"))

    assert installation.run(transform_completed_orders).is_completed()
    installation.run(report_invoice_failures)

    kept = [
        each
        for each in installation.folder(f"{FEEDS}/quarantine")
        if each[:2] in {"A-", "B-", "C-"}
    ]
    assert [each for each in kept if not each.endswith(".report.json")] == [
        "A-truncated.json",
        "B-empty.json",
        "C-utf16.json",
    ]
    assert len(installation.folder(REQUESTS)) == 1
    (mail,) = installation.far_ends.inbox.messages()
    assert "A-truncated.json" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_quarantined_orders_can_be_dropped_again_after_the_cause_is_mended(
    installation: Installation,
) -> None:
    """Too early they are reported again; afterwards they are invoiced, with the file as it was."""
    seeded = installation.seed(50)
    for flow in (export_completed_orders, transform_completed_orders):
        installation.run(flow)
    feeds = installation.far_ends.files / FEEDS
    (kept,) = [name for name in installation.folder(f"{FEEDS}/quarantine") if "report" not in name]
    content = (feeds / "quarantine" / kept).read_bytes()
    installation.run(report_invoice_failures)

    (feeds / "again.json").write_bytes(content)
    installation.run(transform_completed_orders)
    installation.run(report_invoice_failures, send_now=True)
    assert len(installation.far_ends.inbox.messages()) == 2

    text = installation.config.read_text()
    store = '[profiles.tillbridge.stores]\n"SV-NEW" = {invoicing_store = "SVNEW", store = "NEW"}\n'
    installation.config.write_text(text + store)
    installation.again()
    (feeds / "again.json").write_bytes(content)
    installation.run(transform_completed_orders)
    installation.run(invoice_orders)

    (mended,) = seeded.numbers(["facility_without_code"])
    assert len(installation.far_ends.retail_pro.invoices(mended)) == 1


def test_a_name_that_comes_twice_with_other_content_blocks_nothing(
    installation: Installation,
) -> None:
    """The same bad order at another place of a feed of the same name is just another report."""
    installation.seed(50)
    installation.run(export_completed_orders)
    feeds = installation.far_ends.files / FEEDS
    (name,) = installation.folder(FEEDS)
    orders = json.loads((feeds / name).read_text())
    (feeds / name).unlink()
    for some in (orders, orders[::-1]):
        (feeds / "CompletedOrders.json").write_text(json.dumps(some))
        assert installation.run(transform_completed_orders).is_completed()

    assert installation.run(invoice_orders).is_completed()
    assert draw_up(installation.far_ends).invoiced == 40
