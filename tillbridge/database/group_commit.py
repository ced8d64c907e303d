"""One commit for many threads: a commit waits for the disk, and that wait is the same for one or ten.

Each thread does its work in turn inside one open transaction; the last of those that wait commits for
all. Nobody returns before the commit, so what a thread wrote is as durable as in a transaction of its
own. When the database fails one of them, all of them fail: part of a group is never kept.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, exc

_MOST = 32
"""Members of a group at most, so that other processes get their turn at the database."""


class _Group:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.members = 0
        self.is_over = threading.Event()
        self.problem: exc.SQLAlchemyError | None = None


class GroupCommit:
    """Stands in for an engine wherever threads of one run write small transactions side by side."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._turn = threading.Lock()
        self._waiting = 0
        self._waiting_lock = threading.Lock()
        self._open: _Group | None = None

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Run the block in the group's transaction; its own failure undoes only the block.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the database failed; nothing of the group was kept.
        """
        with self._in_turn():
            group = self._join()
            try:
                with group.connection.begin_nested():
                    yield group.connection
            except exc.DBAPIError as problem:
                # The database may have undone the whole transaction, not only this block.
                group.problem = problem
                raise
            finally:
                if group.problem or not self._waiting or group.members >= _MOST:
                    self._finish(group)
        group.is_over.wait()
        if group.problem:
            raise group.problem

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        with self._waiting_lock:
            self._waiting += 1
        with self._turn:
            with self._waiting_lock:
                self._waiting -= 1
            yield

    def _join(self) -> _Group:
        if self._open is None:
            connection = self.engine.connect()
            try:
                connection.begin()
            except BaseException:
                connection.close()
                raise
            self._open = _Group(connection)
        self._open.members += 1
        return self._open

    def _finish(self, group: _Group) -> None:
        self._open = None
        try:
            if group.problem:
                group.connection.rollback()
            else:
                group.connection.commit()
        except exc.SQLAlchemyError as problem:
            group.problem = group.problem or problem
        finally:
            group.connection.close()
            group.is_over.set()
