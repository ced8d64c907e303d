"""Whether a TLog could be stored right now: the database and the SFTP server answer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from tillbridge.errors import TillbridgeError
from tillbridge.receiver.files import TlogFiles
from tillbridge.receiver.metrics import Metrics
from tillbridge.receiver.storing import Store

_KEPT_SECONDS = 5.0
_LONGEST_SECONDS = 5.0

_log = logging.getLogger(__name__)


class Readiness:
    """Tries the far ends, and remembers for a few seconds what came of it."""

    def __init__(self, store: Store, files: TlogFiles, metrics: Metrics) -> None:
        self._store = store
        self._files = files
        self._metrics = metrics
        self._thread = ThreadPoolExecutor(1, "readiness")
        self._one_at_a_time = asyncio.Lock()
        self._found: dict[str, bool] = {}
        self._tried_at = 0.0

    async def check(self) -> dict[str, bool]:
        """Say for each far end whether it is there."""
        async with self._one_at_a_time:
            if not self._found or time.monotonic() - self._tried_at > _KEPT_SECONDS:
                loop = asyncio.get_running_loop()
                database, sftp = await asyncio.gather(
                    self._try("database", self._store.sql(lambda c: c.execute(select(1)))),
                    self._try("sftp", loop.run_in_executor(self._thread, self._files.check)),
                )
                self._found = {"database": database, "sftp": sftp}
                self._tried_at = time.monotonic()
            return self._found

    def close(self) -> None:
        """Give up the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _try(self, part: str, attempt: Awaitable[object]) -> bool:
        try:
            await asyncio.wait_for(attempt, _LONGEST_SECONDS)
            is_ready = True
        except TimeoutError:
            _log.warning("Not ready: the %s did not answer within 5 seconds.", part)
            is_ready = False
        except TillbridgeError as problem:
            _log.warning("Not ready: %s", problem)
            is_ready = False
        self._metrics.ready(part, is_ready)
        return is_ready
