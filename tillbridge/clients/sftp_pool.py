"""A small pool of SFTP sessions: some connections, each with some channels, opened when needed.

Threads share it. A session that broke is never lent again.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import paramiko

from tillbridge.clients.sftp_channel import Broken, Refused, SftpChannel
from tillbridge.clients.sftp_connection import SftpConnection
from tillbridge.clients.sftp_settings import SftpSettings
from tillbridge.errors import TillbridgeError

T = TypeVar("T")


class _Line:
    """One connection of the pool: opened when first needed, and anew after it broke."""

    def __init__(self, settings: SftpSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._current: SftpConnection | None = None
        self._retired: list[SftpConnection] = []
        self._failure: TillbridgeError | None = None
        self._failed_at = 0.0

    def connection(self, other_than: SftpConnection | None) -> SftpConnection:
        """Give the current connection, or a new one when the current is the one that broke.

        Other threads may still be at work on the old one, so it is closed with the pool.
        """
        asked_at = time.monotonic()
        with self._lock:
            if self._current is not None and self._current is other_than:
                self._retired.append(self._current)
                self._current = None
            if self._current is None:
                # One try stands for all who waited for it: ten threads are not ten wrong logins.
                if self._failure is not None and self._failed_at >= asked_at:
                    raise self._failure
                self._current = self._connect()
            return self._current

    def _connect(self) -> SftpConnection:
        try:
            return SftpConnection(self._settings)
        except TillbridgeError as error:
            self._failure, self._failed_at = error, time.monotonic()
            raise

    def close(self) -> None:
        with self._lock:
            if self._current is not None:
                self._retired.append(self._current)
                self._current = None
            while self._retired:
                self._retired.pop().close()


@dataclass(slots=True)
class _Slot:
    """A place in the pool, with the session that fills it once somebody needed it."""

    line: _Line
    connection: SftpConnection | None = None
    channel: SftpChannel | None = None

    def fill(self) -> SftpChannel:
        if self.channel is None:
            self.connection = self.line.connection(other_than=self.connection)
            self.channel = self.connection.open_channel()
        return self.channel

    def drop(self) -> None:
        channel, self.channel = self.channel, None
        if channel is not None:
            with suppress(EOFError, OSError, paramiko.SSHException):
                channel.close()


class SftpPool:
    """Lends SFTP sessions to threads, at most connections x channels at a time."""

    def __init__(self, settings: SftpSettings) -> None:
        lines = [_Line(settings) for _ in range(settings.connections)]
        self._lines = lines
        # Last in, first out: a caller alone keeps using one session, and opens no second connection.
        self._slots: queue.LifoQueue[_Slot] = queue.LifoQueue()
        for _ in range(settings.channels_per_connection):
            for line in reversed(lines):
                self._slots.put(_Slot(line))

    def run(self, work: Callable[[SftpChannel, bool], T]) -> T:
        """Do `work` in a session of its own; when that breaks, once more in a fresh connection.

        `work` is told whether it is the second try, in which case the first may have had its effect.

        Raises:
            Broken: the second try broke too.
        """
        with self._lent() as slot:
            try:
                return work(slot.fill(), False)
            except Broken:
                slot.drop()
            return work(slot.fill(), True)

    def describe(self) -> str:
        """Say in one sentence what the first connection is."""
        return self._lines[0].connection(other_than=None).describe()

    def close(self) -> None:
        """Close all connections. A thread still at work gets `Broken`."""
        for line in self._lines:
            line.close()

    @contextmanager
    def _lent(self) -> Iterator[_Slot]:
        slot = self._slots.get()
        try:
            yield slot
        except (Refused, TillbridgeError):
            raise
        except BaseException:
            slot.drop()  # an answer may be half read
            raise
        finally:
            self._slots.put(slot)
