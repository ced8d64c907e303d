"""Many threads share a commit, and none of them can tell."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, exc, insert, select

from tillbridge.database.engine import connect, database_now, transaction
from tillbridge.database.group_commit import GroupCommit
from tillbridge.database.ledger_tables import taken_file


def _mark(group: GroupCommit, name: str) -> None:
    with group.begin() as connection:
        row = {"folder": "f", "sha256": name, "name": name, "size": 1, "result": "done"}
        row |= {"orders": 0, "done_at": database_now(connection)}
        connection.execute(insert(taken_file), row)


def _names(engine: Engine) -> set[str]:
    """Read with a connection of its own, which sees committed rows only."""
    other = connect(engine.url.render_as_string(hide_password=False))
    with transaction(other) as connection:
        names = set(connection.scalars(select(taken_file.c.name)))
    other.dispose()
    return names


def test_what_a_thread_wrote_is_committed_when_it_goes_on(engine: Engine) -> None:
    """Sixteen threads write at once; each finds its own row from outside at once."""
    group = GroupCommit(engine)

    def write(number: int) -> bool:
        _mark(group, f"file-{number}")
        return True

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(write, range(200)))
    assert _names(engine) == {f"file-{number}" for number in range(200)}


def test_a_thread_that_fails_takes_nobody_with_it(engine: Engine) -> None:
    """Only its own rows are undone."""
    group = GroupCommit(engine)
    gate = threading.Barrier(8)

    def write(number: int) -> str:
        gate.wait(30)
        try:
            with group.begin() as connection:
                row = {"folder": "f", "sha256": f"{number}", "name": f"{number}", "size": 1}
                row |= {"result": "done", "orders": 0, "done_at": database_now(connection)}
                connection.execute(insert(taken_file), row)
                if number % 2:
                    raise RuntimeError("a fault of this thread")
        except RuntimeError:
            return "failed"
        return "kept"

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(write, range(8)))
    assert said == ["kept", "failed"] * 4
    assert _names(engine) == {"0", "2", "4", "6"}


def test_when_the_database_fails_nobody_of_the_group_goes_on(engine: Engine) -> None:
    """What is not sure to be kept is reported as failed, to each member."""
    group = GroupCommit(engine)
    _mark(group, "there")
    first_is_in, second_waits = threading.Event(), threading.Event()
    results: dict[str, BaseException | None] = {}

    def first() -> None:
        try:
            with group.begin() as connection:
                first_is_in.set()
                second_waits.wait(30)
                row = {"folder": "f", "sha256": "new", "name": "new", "size": 1}
                row |= {"result": "done", "orders": 0, "done_at": database_now(connection)}
                connection.execute(insert(taken_file), row)
        except exc.SQLAlchemyError as problem:
            results["first"] = problem

    def second() -> None:
        first_is_in.wait(30)
        try:
            _mark(group, "there")
        except exc.SQLAlchemyError as problem:
            results["second"] = problem

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    for thread in threads:
        thread.start()
    first_is_in.wait(30)
    # The second is in the same group only if it waits before the first is done.
    while not group._waiting:
        pass
    second_waits.set()
    for thread in threads:
        thread.join(30)

    assert isinstance(results["first"], exc.IntegrityError)
    assert isinstance(results["second"], exc.IntegrityError)
    assert _names(engine) == {"there"}


def test_a_failed_group_does_not_spoil_the_next(engine: Engine) -> None:
    """The connection goes back clean."""
    group = GroupCommit(engine)
    _mark(group, "there")
    with pytest.raises(exc.IntegrityError):
        _mark(group, "there")
    _mark(group, "next")
    assert _names(engine) == {"there", "next"}
