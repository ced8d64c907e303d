"""Stores a TLog durably, once, and says what may be answered. Nothing is answered before it is safe.

The order of steps is the promise: the receipt's row is committed, then the file is written under the
name in it, then the row says so. A crash between two of them leaves a row that a repeat goes on from.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, TypeVar

from sqlalchemy import Connection, Engine

from tillbridge.database.engine import transaction
from tillbridge.database.group_commit import GroupCommit
from tillbridge.errors import TillbridgeError, Unavailable
from tillbridge.receiver import inbox, receipts
from tillbridge.receiver.aside import Allowance
from tillbridge.receiver.document import TillDocument
from tillbridge.receiver.files import Aside, TlogFiles
from tillbridge.receiver.inbox import Waiting
from tillbridge.receiver.metrics import Metrics
from tillbridge.receiver.receipts import ACCEPTED, STORED, STORING, Receipt, Standing
from tillbridge.receiver.turns import Turns

T = TypeVar("T")
Result = Literal["stored", "accepted", "repeated", "conflict", "in_progress"]

WAIT_SECONDS = 5.0
"""How long a request waits for another one that stores the same order, and for a slot."""

_LOOK_AGAIN_SECONDS = 0.1
_SQL_THREADS = 8

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a TLog, and the receipt of its order; None while that is `in_progress`.

    `is_to_be_seen` is said where a person has to look at a file.
    """

    result: Result
    receipt: Receipt | None
    is_to_be_seen: bool = False


class Store:
    """Stores TLogs for one event loop; what blocks runs in threads.

    `writers` is how many files are written at the same time, `most` how many TLogs are under way in all,
    and `seconds` how long a caller waits for one of them.
    """

    def __init__(
        self,
        engine: Engine,
        files: TlogFiles,
        ack: Literal["sftp", "inbox"],
        allowance: Allowance,
        metrics: Metrics,
        *,
        writers: int,
        most: int,
        seconds: float,
    ) -> None:
        # A PostgreSQL server groups the commits of its connections itself.
        is_sqlite = engine.dialect.name == "sqlite"
        self._database = GroupCommit(engine) if is_sqlite else engine
        self._files = files
        self._ack = ack
        self._allowance = allowance
        self._metrics = metrics
        self._seconds = seconds
        self._turns = Turns()
        self._sql_threads = ThreadPoolExecutor(_SQL_THREADS, "receipts")
        self._file_threads = ThreadPoolExecutor(writers, "files")
        self._slots = asyncio.Semaphore(most)
        self._under_way: set[asyncio.Task[Kept]] = set()

    async def keep(self, document: TillDocument) -> Kept:
        """Store a TLog, or say what stands against it.

        Raises:
            TillbridgeError: it may not be stored; it must not be acknowledged. The client may repeat it.
        """
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._slots.acquire()
        except TimeoutError:
            raise Unavailable("Too many TLogs are being stored already.") from None
        # What takes too long is answered, and goes on in its slot: the client's repeat finds it done.
        task = asyncio.create_task(self._keep_in_turn(document))
        self._under_way.add(task)
        task.add_done_callback(self._forget)
        try:
            return await asyncio.wait_for(asyncio.shield(task), self._seconds)
        except TimeoutError:
            raise Unavailable(f"Storing took longer than {self._seconds:g} seconds.") from None

    async def keep_aside(self, client: str, body: bytes, aside: Aside) -> bool:
        """Keep bytes that no receipt speaks of, for a person to look at; says whether they are kept.

        Raises as `keep`.
        """
        digest = hashlib.sha256(body).hexdigest()
        name = f"tlog_{datetime.now(UTC):%Y%m%d}_{client}_{digest[:16]}_{digest[-8:]}.json"
        saving = self._save_aside(
            client, digest, Waiting(self._files.path(name, aside), body, None)
        )
        try:
            return await asyncio.wait_for(saving, self._seconds)
        except TimeoutError:
            raise Unavailable(f"Storing took longer than {self._seconds:g} seconds.") from None

    async def find(self, client: str, receipt_id: str) -> Receipt | None:
        """Give a receipt of this client. Raises as `keep`."""
        return await self.sql(lambda connection: receipts.find(connection, client, receipt_id))

    async def clients_of(self, identities: Collection[str]) -> set[str]:
        """Return the clients whose order has one of these identities. Raises as `keep`."""
        return await self.sql(lambda connection: receipts.clients_of(connection, identities))

    async def sql(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction of its own, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(
            self._sql_threads, self.sql_now, work
        )

    def sql_now(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction of its own, in this thread."""
        with transaction(self._database) as connection:
            return work(connection)

    async def close(self, seconds: float) -> None:
        """Let what is under way come to its end for so long, then give up on it."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)
        self._sql_threads.shutdown(wait=False, cancel_futures=True)
        self._file_threads.shutdown(wait=False, cancel_futures=True)

    def _forget(self, task: asyncio.Task[Kept]) -> None:
        self._slots.release()
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # else asyncio complains of one that was answered as too slow

    async def _keep_in_turn(self, document: TillDocument) -> Kept:
        until = asyncio.get_running_loop().time() + WAIT_SECONDS
        try:
            async with self._turns.of(document.identity, WAIT_SECONDS):
                return await self._keep(document, until)
        except TimeoutError:
            return Kept("in_progress", None)

    async def _keep(self, document: TillDocument, until: float) -> Kept:
        while True:
            standing, receipt = await self.sql(lambda c: receipts.claim(c, document))
            match standing:
                case Standing.OURS:
                    return await self._store(document, receipt)
                case Standing.REPEAT:
                    return Kept("repeated", receipt)
                case Standing.CONFLICT:
                    path = self._files.path(document.file_name(receipt.received_at), "conflict")
                    waiting = Waiting(path, document.body, None)
                    digest = document.body_sha256
                    is_kept = await self._save_aside(document.client, digest, waiting)
                    return Kept("conflict", receipt, is_to_be_seen=is_kept)
                case Standing.ABANDONED:
                    ours = await self._succeed(document, receipt)
                    if ours is not None:
                        return await self._store(document, ours)
                case Standing.BUSY:
                    if asyncio.get_running_loop().time() > until:
                        return Kept("in_progress", None)
                    await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def _store(self, document: TillDocument, receipt: Receipt) -> Kept:
        path = self._files.path(receipt.file_name)
        if self._ack == "inbox":
            waiting = Waiting(path, document.body, receipt.identity)
            settled, now = await self.sql(lambda c: _accept(c, receipt, waiting))
        else:
            settled, now = await self._in_file_thread(
                lambda: self._write(receipt, path, document.body)
            )
        if settled:
            is_elsewhere = now.file_name != receipt.file_name
            return Kept("accepted" if self._ack == "inbox" else "stored", now, is_elsewhere)
        if now.state != STORING and now.canonical_sha256 == document.canonical_sha256:
            return Kept("repeated", now)
        return Kept("in_progress", None)

    async def _succeed(self, document: TillDocument, abandoned: Receipt) -> Receipt | None:
        """Take the place of content that was never acknowledged, unless its file turns out to stand."""
        path = self._files.path(abandoned.file_name)
        if await self._in_file_thread(lambda: self._files.stands(path, abandoned.body_sha256)):
            await self.sql(lambda c: receipts.settle(c, abandoned, STORED))
            return None
        return await self.sql(lambda c: receipts.take_over(c, abandoned, document))

    def _write(self, receipt: Receipt, path: str, body: bytes) -> tuple[bool, Receipt]:
        try:
            written = self._files.write_beside(path, body, receipt.receipt_id[:8])
        except TillbridgeError:
            self._release(receipt)
            raise
        named = replace(receipt, file_name=written.rpartition("/")[2])
        return self.sql_now(lambda connection: receipts.settle(connection, named, STORED))

    def _release(self, receipt: Receipt) -> None:
        try:
            self.sql_now(lambda connection: receipts.release(connection, receipt))
        except TillbridgeError as problem:
            _log.warning("The lease of receipt %s ends by itself: %s", receipt.receipt_id, problem)

    async def _save_aside(self, client: str, digest: str, waiting: Waiting) -> bool:
        """Keep it for a person to see, as long as the client's allowance for the day lasts."""
        today = datetime.now(UTC).date()
        if not self._allowance.take(client, digest, len(waiting.body), today):
            self._metrics.not_kept_aside(client)
            if self._allowance.is_news(client, today):
                _log.error(
                    "Today's allowance of %s is used up: nothing more of it is kept in conflict/ or refused/ "
                    "until tomorrow. See what is there already.",
                    client,
                )
            return False
        await self._save(waiting)
        return True

    async def _save(self, waiting: Waiting) -> None:
        if self._ack == "inbox":
            await self.sql(lambda c: inbox.put(c, waiting))
        else:
            await self._in_file_thread(lambda: self._files.write(waiting.path, waiting.body))

    async def _in_file_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._file_threads, work)


def _accept(connection: Connection, receipt: Receipt, waiting: Waiting) -> tuple[bool, Receipt]:
    settled, now = receipts.settle(connection, receipt, ACCEPTED)
    if settled:
        inbox.put(connection, waiting)
    return settled, now
