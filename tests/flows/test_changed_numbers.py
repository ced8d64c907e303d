"""A setting that changes order numbers, and everything handed over again: no order is invoiced twice."""

from __future__ import annotations

from sqlalchemy import select

from flows.export_completed_orders import export_completed_orders
from flows.invoice_orders import invoice_orders
from flows.replay_orders import replay_orders
from flows.transform_completed_orders import transform_completed_orders
from tests.fixtures_prefect import Installation
from tillbridge.database.engine import transaction
from tillbridge.database.ledger_tables import invoice_failure, invoice_order

FEEDS = "hotwax/completed-orders"


def test_orders_that_get_other_numbers_are_not_invoiced_again(installation: Installation) -> None:
    """They are held and told; the run says how many, and Retail Pro hears nothing of them."""
    installation.seed(12)
    installation.run(export_completed_orders)
    installation.run(transform_completed_orders)
    installation.run(invoice_orders)
    before = installation.far_ends.retail_pro.invoices()
    assert before

    text = installation.config.read_text()
    installation.config.write_text(
        text.replace(
            "[profiles.tillbridge]\n", '[profiles.tillbridge]\norder_number_strip = "^0+"\n'
        )
    )
    installation.again()
    files = installation.folder(f"{FEEDS}/archive")
    installation.run(replay_orders, files=files, by="Mara", reason="other numbers", dry_run=False)
    installation.run(transform_completed_orders)
    state = installation.run(invoice_orders)

    assert installation.far_ends.retail_pro.invoices() == before
    assert f"{len(before)} held back" in str(state.message)
    with transaction(installation.engine) as connection:
        held = connection.scalars(
            select(invoice_order.c.order_id).where(invoice_order.c.state == "HELD")
        ).all()
        told = connection.scalars(
            select(invoice_failure.c.order_id).where(
                invoice_failure.c.reason_code == "order-has-two-numbers"
            )
        ).all()
    assert len(held) == len(before)
    assert sorted(told) == sorted(held)
