"""Whether a TLog could be stored right now: database and SFTP server answer, and there is room."""

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

    def __init__(self, store: Store, files: TlogFiles, metrics: Metrics, least_free: int) -> None:
        self._store = store
        self._files = files
        self._metrics = metrics
        self._least_free = least_free
        self._free: int | None = None
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
                    self._try("sftp", loop.run_in_executor(self._thread, self._look)),
                )
                self._found = {"database": database, "sftp": sftp, "space": self._has_room()}
                self._tried_at = time.monotonic()
            return self._found

    def close(self) -> None:
        """Give up the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _look(self) -> None:
        self._files.check()
        self._free = self._files.free_bytes()

    def _has_room(self) -> bool:
        """Say whether enough is free; a server that does not tell is taken to have room."""
        has_room = self._free is None or self._free >= self._least_free
        if self._free is not None:
            self._metrics.free_space(self._free)
        if not has_room:
            _log.warning("Not ready: the SFTP server has %d bytes free.", self._free)
        self._metrics.ready("space", has_room)
        return has_room

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
