"""A folder full of files, and a file full of sales, in bounded memory; `make bench` has the full size."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from tests.ingestion.baskets import day, sale
from tests.ingestion.places import Run, drop, put_away
from tillbridge.contracts import json_text
from tillbridge.database.engine import connect, transaction
from tillbridge.database.till_tables import till_transaction
from tillbridge.database.upgrading import upgrade

pytestmark = pytest.mark.slow


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A database of the test's own."""
    engine = connect(f"sqlite:///{tmp_path}/orders.db")
    upgrade(engine)
    yield engine
    engine.dispose()


def taken_in(engine: Engine) -> tuple[int, Decimal]:
    """Count the sales that were taken in, and sum them up."""
    with transaction(engine) as connection:
        made = till_transaction.c
        rows = connection.execute(select(func.count(), func.sum(made.sales_total))).one()
    return rows[0], rows[1]


def megabytes() -> int:
    """Give the most memory that this process had at any time."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def test_a_folder_full_of_small_files(run: Run, exchange: Path, engine: Engine) -> None:
    """A backlog is taken in by one run."""
    whole = json_text.write(sale())
    documents = [whole.replace(b"000001", b"%06d" % number) for number in range(2_000)]
    drop(exchange, *documents)
    before = megabytes()
    summary = run()
    assert not summary.needs_help, summary.message
    assert taken_in(engine) == (2_000, 2_000 * Decimal("38.88"))
    assert len(put_away(exchange, "archive")) == 2_000
    assert megabytes() - before < 100


def test_a_file_of_ten_megabytes(run: Run, exchange: Path, engine: Engine) -> None:
    """An end-of-day file of a chain is taken in whole."""
    some = [one.document for one in day(customers=60) if one.kind != "return"]
    pieces, total, size = [], Decimal(0), 0
    while size < 10_000_000:
        again = some[len(pieces) % len(some)]
        pieces.append(json_text.write(again | {"orderId": f"A32-T1-{len(pieces):06}"}))
        total += again["totalAmount"]
        size += len(pieces[-1])
    drop(exchange, b"[" + b",".join(pieces) + b"]")
    before = megabytes()
    summary = run()
    assert not summary.needs_help, summary.message
    assert taken_in(engine) == (len(pieces), total)
    assert megabytes() - before < 200
