"""Completed orders out of the order store, as feeds in an SFTP folder."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine

from tillbridge.clients.exchange import Folder
from tillbridge.contracts import json_text
from tillbridge.contracts.json_spool import ArraySpool
from tillbridge.oms import feed as feeds
from tillbridge.oms.feed import Feed


def publish(engine: Engine, folder: Folder, feed: Feed, now: datetime) -> None:
    """Write one feed into the folder and remember that it is there; doing it again is harmless.

    Raises:
        Unavailable: the SFTP server cannot take it now. The feed stays unsent and the next run sends it.
    """
    with (
        TemporaryDirectory(prefix="tillbridge-") as scratch,
        ArraySpool(Path(scratch) / "feed.json") as orders,
    ):
        for document in feeds.documents(engine, feed.feed_id):
            orders.add(json_text.write(document))
        folder.publish(feed.file_name, orders.finish())
    feeds.mark_sent(engine, feed.feed_id, now)
