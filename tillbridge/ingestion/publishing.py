"""Records out of the outbox into files for the order store. Doing it again gives the same files."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Engine

from tillbridge.clients.exchange import Folder
from tillbridge.clients.sftp import SftpClient
from tillbridge.ingestion import tlogs
from tillbridge.ingestion.records import RecordKind
from tillbridge.ingestion.variance import variance_csv
from tillbridge.profile import Profile


def publish_all(engine: Engine, client: SftpClient, profile: Profile) -> list[str]:
    """Write the files of every batch that is not on SFTP yet; gives their names.

    Raises:
        Unavailable: the server cannot take them now; the next run writes them.
    """
    names = []
    for batch_id in tlogs.unpublished(engine, profile.product_store_id):
        for kind, bodies in tlogs.records_of(engine, batch_id).items():
            folder, name = _place(kind, batch_id, profile)
            Folder(client, folder).publish(name, _content(kind, bodies))
            names.append(name)
        tlogs.mark_published(engine, batch_id)
    return names


def _place(kind: RecordKind, batch_id: str, profile: Profile) -> tuple[str, str]:
    match kind:
        case "order":
            return profile.tills.order_import_folder, f"OrderImport-{batch_id}.json"
        case "return":
            return profile.tills.return_import_folder, f"ReturnImport-{batch_id}.json"
        case "variance":
            return profile.tills.inventory_variance_folder, f"InventoryVariance-{batch_id}.csv"


def _content(kind: RecordKind, bodies: Sequence[bytes]) -> bytes:
    if kind == "variance":
        return variance_csv(json.loads(body) for body in bodies)
    return b"[\n" + b",\n".join(bodies) + b"\n]\n"
