"""Brings what is in the inbox to SFTP, in a thread of its own, also what an earlier process left there."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import Connection

from tillbridge.errors import TillbridgeError
from tillbridge.receiver import inbox, receipts
from tillbridge.receiver.files import TlogFiles
from tillbridge.receiver.inbox import Waiting
from tillbridge.receiver.metrics import Metrics
from tillbridge.receiver.storing import Store

_AT_ONCE = 64
_IDLE_SECONDS = 1.0
_LONGEST_WAIT = 30.0

_log = logging.getLogger(__name__)


class Shipper:
    """Ships until it is stopped. What fails stays in the inbox and is tried again."""

    def __init__(
        self,
        store: Store,
        files: TlogFiles,
        metrics: Metrics,
        shipped: Callable[[], None],
        writers: int,
    ) -> None:
        self._store = store
        self._files = files
        self._metrics = metrics
        self._shipped = shipped
        self._writers = ThreadPoolExecutor(writers, "shipper")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shipper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Let the file at hand come to its end for so long."""
        self._stopped.set()
        self._thread.join(seconds)
        self._writers.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        wait = _IDLE_SECONDS
        while not self._stopped.wait(wait):
            try:
                went_well = self._ship_all()
            except TillbridgeError as problem:
                _log.warning("The inbox cannot be emptied now: %s", problem)
                went_well = False
            wait = _IDLE_SECONDS if went_well else min(2 * wait, _LONGEST_WAIT)

    def _ship_all(self) -> bool:
        """Ship all that waits, and say whether it all went well."""
        went_well = True
        while went_well and not self._stopped.is_set():
            self._measure()
            taken = self._store.sql_now(lambda connection: inbox.take(connection, _AT_ONCE))
            if not taken:
                break
            went_well = all(list(self._writers.map(self._ship, taken)))
        return went_well

    def _ship(self, waiting: Waiting) -> bool:
        try:
            path = self._files.write_beside(waiting.path, waiting.body, uuid4().hex[:8])
            self._store.sql_now(lambda connection: _done(connection, waiting, path))
        except TillbridgeError as problem:
            _log.warning("A TLog stays in the inbox for now: %s", problem)
            self._put_back(waiting)
            return False
        if waiting.identity is not None:
            self._shipped()
        return True

    def _put_back(self, waiting: Waiting) -> None:
        try:
            self._store.sql_now(lambda connection: inbox.put_back(connection, waiting.path))
        except TillbridgeError as problem:
            _log.warning("The lease of %s ends by itself: %s", waiting.path, problem)

    def _measure(self) -> None:
        count, oldest = self._store.sql_now(inbox.backlog)
        age = (datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0
        self._metrics.inbox(count, age)


def _done(connection: Connection, waiting: Waiting, path: str) -> None:
    inbox.remove(connection, waiting.path)
    if waiting.identity is not None:
        receipts.shipped(connection, waiting.identity, path.rpartition("/")[2])
