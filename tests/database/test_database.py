"""Opening a database, transactions, and what money and time look like after a round trip."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, func, literal, select, update
from sqlalchemy.exc import IntegrityError

from tests.fixtures_database import as_owner
from tillbridge.database.engine import connect, database_now, transaction
from tillbridge.database.insertion import insert_new, insert_or_update
from tillbridge.database.metadata import Moment, Units
from tillbridge.errors import ConfigurationProblem, Unavailable

scratch = Table(
    "scratch",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("amount", Units),
    Column("at", Moment),
)


@pytest.fixture
def scratch_engine(engine: Engine) -> Iterator[Engine]:
    """A database with one more table, to write into."""
    with as_owner(engine) as owner:
        with transaction(owner) as connection:
            scratch.create(connection)
        yield owner


@pytest.mark.parametrize("amount", ["0", "-0.0001", "0.1", "123456789012.3456", "-40", "12.5"])
def test_an_amount_comes_back_to_the_last_digit(scratch_engine: Engine, amount: str) -> None:
    """Amounts that a float or SQLite's NUMERIC would round are kept exactly."""
    with transaction(scratch_engine) as connection:
        connection.execute(scratch.insert().values(id=1, amount=Decimal(amount)))
        assert str(connection.scalar(select(scratch.c.amount))) == amount


def test_no_row_and_no_parameter_is_ever_logged(
    scratch_engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """Rows hold customers; with debug logging on, statements are told and values are not."""
    with caplog.at_level("DEBUG", "sqlalchemy"), transaction(scratch_engine) as connection:
        connection.execute(scratch.insert().values(id=4711, amount=Decimal(3)))
        assert connection.execute(select(scratch.c.id, literal("Quintanar"))).all()
    assert "INSERT INTO scratch" in caplog.text
    assert "4711" not in caplog.text
    assert "Quintanar" not in caplog.text


@pytest.mark.parametrize("amount", [1.5, 1, "1", Decimal("0.00001")])
def test_an_amount_that_is_no_exact_decimal_is_refused(
    scratch_engine: Engine, amount: object
) -> None:
    """A float, or a fifth decimal, stops the transaction instead of being rounded."""
    with (
        pytest.raises(Exception, match=r"Decimal|finer"),
        transaction(scratch_engine) as connection,
    ):
        connection.execute(scratch.insert().values(id=1, amount=amount))


def test_a_time_comes_back_in_utc_and_sorts(scratch_engine: Engine) -> None:
    """The zone a time was written in does not matter, the moment does."""
    noon = datetime(2026, 11, 22, 12, 0, 0, 123_456, tzinfo=timezone(timedelta(hours=-6)))
    with transaction(scratch_engine) as connection:
        rows = [{"id": 1, "at": noon}, {"id": 2, "at": noon.astimezone(UTC) - timedelta(hours=1)}]
        connection.execute(scratch.insert(), rows)
        found = connection.scalars(select(scratch.c.at).order_by(scratch.c.at)).all()
        later = connection.scalars(select(scratch.c.id).where(scratch.c.at >= noon)).all()
    assert found == [noon - timedelta(hours=1), noon]
    assert {moment.tzinfo for moment in found} == {UTC}
    assert later == [1]


def test_a_time_without_a_zone_is_refused(scratch_engine: Engine) -> None:
    """Nobody could say later which zone it was in."""
    with pytest.raises(Exception, match="naive"), transaction(scratch_engine) as connection:
        connection.execute(scratch.insert().values(id=1, at=datetime(2026, 11, 22)))  # noqa: DTZ001


def test_the_database_clock_is_read_in_utc(engine: Engine) -> None:
    """Leases of several workers are measured by one clock."""
    with transaction(engine) as connection:
        now = database_now(connection)
    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_failed_transaction_leaves_nothing(scratch_engine: Engine) -> None:
    """What was written before the error is gone."""

    def write_the_same_twice() -> None:
        with transaction(scratch_engine) as connection:
            connection.execute(scratch.insert().values(id=1))
            connection.execute(scratch.insert().values(id=1))

    with pytest.raises(IntegrityError):
        write_the_same_twice()
    with transaction(scratch_engine) as connection:
        assert connection.execute(select(scratch)).all() == []


def test_rows_that_are_there_are_skipped_and_the_new_ones_counted(scratch_engine: Engine) -> None:
    """Who inserts what another may have inserted learns how many rows were really new."""
    rows = [{"id": number, "amount": Decimal(number)} for number in range(1, 2501)]
    with transaction(scratch_engine) as connection:
        assert insert_new(connection, scratch, {"id": 7, "amount": Decimal(0)}) == 1
        assert insert_new(connection, scratch, rows) == 2499
        assert insert_new(connection, scratch, rows) == 0
        assert insert_new(connection, scratch, {"id": 7, "amount": Decimal(1)}) == 0
        insert_or_update(connection, scratch, rows[:10])
        amount = select(scratch.c.amount).where(scratch.c.id == 7)
        assert connection.scalar(amount) == 7


def test_many_threads_lose_no_update(scratch_engine: Engine) -> None:
    """Read, add one, write: with 8 threads at it every addition counts."""
    with transaction(scratch_engine) as connection:
        connection.execute(scratch.insert().values(id=1, amount=Decimal(0)))

    def add_one(_: int) -> None:
        with transaction(scratch_engine) as connection:
            amount = connection.scalar(select(scratch.c.amount).with_for_update())
            assert amount is not None
            connection.execute(update(scratch).values(amount=amount + 1))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add_one, range(40)))
    with transaction(scratch_engine) as connection:
        assert connection.scalar(select(scratch.c.amount)) == 40


@pytest.mark.parametrize(
    "url", ["nonsense", "", "mysql://joe:hunter2@localhost/shop", "sqlite://", "sqlite:///:memory:"]
)
def test_an_unusable_url_is_explained_without_its_password(url: str) -> None:
    """The setting can be mended from the message, and the message can be shown around."""
    with pytest.raises(ConfigurationProblem, match=r"sqlite:///path/to/file\.db") as problem:
        connect(url)
    assert "hunter2" not in str(problem.value)


def test_a_server_out_of_reach_is_unavailable_and_keeps_its_password() -> None:
    """A run that finds the database down says where, and stops."""
    engine = connect("postgresql://joe:hunter2@127.0.0.1:1/shop")
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1/shop") as problem, transaction(engine):
        pass
    assert "hunter2" not in str(problem.value)


def test_a_missing_postgresql_database_is_a_configuration_problem(postgresql_server: str) -> None:
    """A wrong name in the URL is told apart from a server that is down."""
    engine = connect(f"{postgresql_server}/not_there")
    with pytest.raises(ConfigurationProblem, match="not_there"), transaction(engine):
        pass


def test_a_file_that_is_no_database_is_a_configuration_problem(tmp_path: Path) -> None:
    """A path to some other file is refused, and the file is left as it was."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be taken for one" * 20)
    engine = connect(f"sqlite:///{path}")
    with pytest.raises(ConfigurationProblem, match=r"notes\.txt"), transaction(engine):
        pass
    assert path.read_text().startswith("not a database")


def test_the_folder_of_a_new_database_is_made(tmp_path: Path) -> None:
    """A fresh machine needs no preparation."""
    engine = connect(f"sqlite:///{tmp_path}/new/folder/orders.db")
    with transaction(engine):
        pass
    engine.dispose()
    assert (tmp_path / "new/folder/orders.db").exists()


def test_a_locked_file_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who cannot get the lock in time is told so; nothing of its work is kept."""
    monkeypatch.setattr("tillbridge.database.engine._WAIT_SECONDS", 0.05)
    url = f"sqlite:///{tmp_path}/orders.db"
    holder, other = connect(url), connect(url)
    with transaction(holder), pytest.raises(Unavailable, match="locked"), transaction(other):
        pass
    holder.dispose()
    other.dispose()


def test_a_full_disk_is_unavailable_and_keeps_nothing(tmp_path: Path) -> None:
    """Nothing may be sent on the strength of a row that could not be written."""
    engine = connect(f"sqlite:///{tmp_path}/orders.db")
    with transaction(engine) as connection:
        scratch.create(connection)
    rows = [{"id": number} for number in range(10_000)]

    def write_too_much() -> None:
        with transaction(engine) as connection:
            connection.exec_driver_sql("PRAGMA max_page_count=8")
            connection.execute(scratch.insert(), rows)

    with pytest.raises(Unavailable, match="full"):
        write_too_much()
    with transaction(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(scratch)) == 0
    engine.dispose()


def test_a_lost_server_connection_is_unavailable_and_the_next_one_works(
    postgresql_server: str,
) -> None:
    """A restart of the server costs one transaction, not the process."""
    engine = connect(f"{postgresql_server}/postgres")
    with pytest.raises(Unavailable), transaction(engine) as connection:
        connection.execute(select(func.pg_terminate_backend(func.pg_backend_pid())))
    with transaction(engine) as connection:
        assert connection.scalar(select(1)) == 1
    engine.dispose()
