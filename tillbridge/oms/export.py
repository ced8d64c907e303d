"""Completed orders out of the order store, as feeds in an SFTP folder."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine

from tillbridge.clients.exchange import Folder
from tillbridge.contracts import feed_manifest, json_text
from tillbridge.contracts.feed_manifest import Manifest, manifest_name
from tillbridge.contracts.json_spool import ArraySpool
from tillbridge.oms import feed as feeds
from tillbridge.oms.feed import Feed


def publish(engine: Engine, folder: Folder, feed: Feed, now: datetime) -> None:
    """Write one feed into the folder and remember that it is there; doing it again is harmless.

    Where the folder's files have manifests, it gets its own after it.

    Raises:
        Unavailable: the SFTP server cannot take it now. The feed stays unsent and the next run sends it.
    """
    with (
        TemporaryDirectory(prefix="tillbridge-") as scratch,
        ArraySpool(Path(scratch) / "feed.json") as orders,
    ):
        total = Decimal(0)
        for document in feeds.documents(engine, feed.feed_id):
            orders.add(json_text.write(document))
            total += document["grandTotal"]
        file = orders.finish()
        sha256 = folder.publish(feed.file_name, file)
        if folder.with_manifests:
            manifest = Manifest(sha256, file.stat().st_size, orders.count, total)
            folder.publish(manifest_name(feed.file_name), feed_manifest.write(manifest))
    feeds.mark_sent(engine, feed.feed_id, now)
