"""Finds the TLogs that a person wants read again. A line that was handed on is not handed on again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, select

from tillbridge.clients.sftp import SftpClient
from tillbridge.database.engine import transaction
from tillbridge.database.ledger_tables import invoice_failure
from tillbridge.database.till_tables import till_transaction
from tillbridge.handover import replaying
from tillbridge.handover.replaying import Replayed, Selection
from tillbridge.profile import Profile


def choose(
    engine: Engine, client: SftpClient, profile: Profile, selection: Selection
) -> list[Replayed]:
    """Find TLogs and end-of-day files, by order id, name or time."""
    return replaying.choose(
        client,
        (profile.tills.tlog_folder, profile.tills.end_of_day_folder),
        selection,
        lambda orders: _files_with(engine, profile.product_store_id, orders),
    )


def _files_with(engine: Engine, product_store_id: str, order_ids: Sequence[str]) -> set[str]:
    made, failure = till_transaction.c, invoice_failure.c
    with transaction(engine) as connection:
        taken_in = connection.scalars(
            select(made.file_name).where(
                made.product_store_id == product_store_id, made.order_id.in_(order_ids)
            )
        ).all()
        refused = connection.scalars(
            select(failure.source_file).where(
                failure.product_store_id == product_store_id,
                failure.journey == "tills",
                failure.order_id.in_(order_ids),
                failure.source_file != "",
            )
        ).all()
    return {*taken_in, *refused}
