"""Which ledger may send from a folder, as an operator meets it."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from flows.export_completed_orders import export_completed_orders
from flows.invoice_orders import invoice_orders
from flows.transform_completed_orders import transform_completed_orders
from tests.fixtures_prefect import Installation
from tillbridge.database.upgrading import upgrade

REQUESTS = "retail-pro/order-to-invoice"
FORGED = "InvoiceResponses-9999-12-31-23-59-59-1.json"


def test_old_answers_may_be_cleared_and_forged_ones_stop_nothing(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    """An empty ledger in place of the true one sends nothing, though no answer is left to warn it."""
    installation.seed(20)
    installation.run(export_completed_orders)
    installation.run(transform_completed_orders)
    files = installation.far_ends.files / REQUESTS
    (files / "responses").mkdir(exist_ok=True)
    (files / "responses" / FORGED).touch()
    with caplog.at_level(logging.WARNING):
        assert installation.run(invoice_orders).is_completed()
    assert f"{FORGED} is a file that tillbridge did not write" in caplog.text
    calls = len(installation.far_ends.retail_pro.requests())
    assert calls >= 13

    shutil.rmtree(files / "responses")
    (archived,) = (files / "archive").iterdir()
    shutil.copy(archived, files / archived.name)
    database = Path(str(installation.engine.url.database))
    kept = database.with_suffix(".kept")
    installation.engine.dispose()
    database.rename(kept)
    upgrade(installation.engine)

    refused = installation.run(invoice_orders)
    assert refused.is_failed()
    assert "sent orders from here last, but this is ledger" in str(refused.message)
    assert "Nothing is sent" in str(refused.message)

    # The true one goes on as if nothing had been: its orders are known, wherever their files come from.
    installation.engine.dispose()
    kept.rename(database)
    assert installation.run(invoice_orders).is_completed()
    assert len(installation.far_ends.retail_pro.requests()) == calls
    assert len(installation.far_ends.retail_pro.invoices()) == calls
