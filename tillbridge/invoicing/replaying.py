"""Finds the files of the invoicing journey that a person wants handed over again."""

from __future__ import annotations

from sqlalchemy import Engine

from tillbridge.clients.sftp import SftpClient
from tillbridge.handover import replaying
from tillbridge.handover.replaying import Replayed, Selection
from tillbridge.invoicing.ledger import origins
from tillbridge.profile import Profile


def choose(
    engine: Engine, client: SftpClient, profile: Profile, selection: Selection
) -> list[Replayed]:
    """Find feeds and invoice requests, by order number, HotWax order id, name or time."""
    return replaying.choose(
        client,
        (profile.completed_orders_folder, profile.order_to_invoice_folder),
        selection,
        lambda orders: origins.names_with(engine, profile.product_store_id, orders),
    )
