"""What a till must have sent and did not is noticed, told of once, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from tests.fixtures_database import as_owner
from tests.ingestion.baskets import ARRIVED_AT, BRAND, OPENS_AT, day, rules, sale, till_profile
from tillbridge.clients.sftp import SftpClient
from tillbridge.contracts import json_text
from tillbridge.database.engine import transaction
from tillbridge.database.ledger_tables import invoice_failure
from tillbridge.ingestion.completeness import look_for_missing, report_absent
from tillbridge.ingestion.ingesting import Ingestion
from tillbridge.ingestion.missing import Seen, exchanges_without_return, missing_sales
from tillbridge.ingestion.numbering import missing_numbers, place_of
from tillbridge.ingestion.summary import RunSummary, sum_up
from tillbridge.profile import Profile, SequenceRule

RULE = SequenceRule()
EAGER = {"sequence": SequenceRule(report_after_minutes=0), "exchange_half_after_hours": 1}


def seen(number: int, store: str = "A", **changes: Any) -> Seen:
    """A sale of a register, long arrived."""
    values = {
        "order_id": f"T1-{number:06}",
        "store": store,
        "workstation_id": "T1-",
        "sequence_number": number,
        "business_day": date(2026, 11, 20),
        "began_at": OPENS_AT,
        "arrived_at": OPENS_AT,
        "currency": "USD",
        "returned": Decimal(0),
        "carried_over": Decimal(0),
    }
    return Seen(**{**values, **changes})


def missing(*found: Seen, refused: tuple[str, ...] = (), now: datetime = ARRIVED_AT) -> list[str]:
    """Name the missing sales."""
    return [one.order_id for one in missing_sales(found, refused, RULE, now)]


@given(st.sets(st.integers(0, 300), min_size=1))
def test_exactly_the_numbers_between_the_first_and_the_last_are_missing(numbers: set[int]) -> None:
    """However they came."""
    gaps = [number for gap in missing_numbers(numbers, 1000) for number in gap]
    assert sorted(numbers | set(gaps)) == list(range(min(numbers), max(numbers) + 1))
    assert not numbers & set(gaps)


def test_registers_and_stores_count_for_themselves() -> None:
    """Each store has gaps of its own; but an order id is used once, so it may have come from elsewhere."""
    assert missing(seen(1), seen(4), seen(5, store="B"), seen(7, store="B")) == [
        "T1-000002",
        "T1-000003",
        "T1-000006",
    ]
    assert missing(seen(1), seen(3), seen(2, store="B")) == []


def test_a_sale_that_was_refused_is_not_missing() -> None:
    """It is told of as what it is."""
    assert missing(seen(1), seen(3), refused=("T1-000002",)) == []


def test_a_sale_may_be_late() -> None:
    """It is missing only when the one after it has been there for an hour."""
    after = seen(3, arrived_at=ARRIVED_AT - timedelta(minutes=30))
    assert missing(seen(1), after) == []
    assert missing(seen(1), after, now=ARRIVED_AT + timedelta(minutes=31)) == ["T1-000002"]


def test_a_register_that_starts_anew_has_no_gap() -> None:
    """A jump of more than a thousand is no thousand of missing sales."""
    assert missing(seen(1), seen(2000)) == []


@pytest.mark.parametrize(
    ("order_id", "place"),
    [
        ("DT00002288", ("DT", 2288)),
        ("A32-T1-000001", ("A32-T1-", 1)),
        ("000123", ("", 123)),
        ("no number", None),
        ("9" * 40, None),
        ("T1-١٢", None),
    ],
)
def test_an_order_id_names_register_and_number(order_id: str, place: Any) -> None:
    """Where it does not, nothing is guessed."""
    assert place_of(order_id, RULE) == place


def test_the_halves_of_an_exchange_find_each_other() -> None:
    """One return stands for one sale."""
    sales = [seen(number, carried_over=Decimal(20)) for number in (1, 2)]
    back = seen(9, returned=Decimal(20))
    after = timedelta(hours=24)
    assert list(exchanges_without_return([*sales, back], after, ARRIVED_AT)) == [sales[1]]
    both = seen(8, returned=Decimal(20), carried_over=Decimal(20))
    assert list(exchanges_without_return([sales[0], both], after, ARRIVED_AT)) == []
    elsewhere = seen(9, store="B", returned=Decimal(20))
    assert list(exchanges_without_return([sales[0], elsewhere], after, ARRIVED_AT)) == [sales[0]]
    soon = OPENS_AT + timedelta(hours=1)
    assert list(exchanges_without_return([sales[0]], after, soon)) == []


@pytest.fixture
def take_in(
    engine: Engine, sftp: SftpClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., RunSummary]:
    """Put documents on SFTP and take them in, as a till's or as an end-of-day file."""
    monkeypatch.setattr("tillbridge.clients.exchange.sleep", lambda seconds: None)

    def take_in(
        *documents: Any, profile: Profile, folder: str = "predictspring/tlog"
    ) -> RunSummary:
        is_end_of_day = "end-of-day" in folder
        place = tmp_path / "exchange" / folder
        place.mkdir(parents=True, exist_ok=True)
        for number, document in enumerate(documents):
            (place / f"file-{number:04}.json").write_bytes(json_text.write(document))
        ingestion = Ingestion(
            engine, sftp, profile, rules(profile), "run", folder, is_end_of_day=is_end_of_day
        )
        results = [ingestion.ingest(batch) for batch in ingestion.batches()]
        if is_end_of_day:
            report_absent(engine, profile, results)
        return sum_up(results)

    return take_in


def told(engine: Engine) -> list[tuple[str, str, str]]:
    """Give what people are told of."""
    columns = invoice_failure.c
    with transaction(engine) as connection:
        return [
            tuple(row)
            for row in connection.execute(
                select(columns.order_id, columns.kind, columns.reason_code).order_by(columns.id)
            )
        ]


def test_a_gap_is_told_of_once(engine: Engine, take_in: Callable[..., RunSummary]) -> None:
    """A second look finds it again, but nobody gets a second mail for it."""
    profile = till_profile(**EAGER)
    sales = [one.document for one in day(customers=12) if one.kind != "return"]
    gone = sales.pop(4)
    take_in(*sales, profile=profile)
    for _ in range(2):
        found = look_for_missing(engine, profile, 400)
        assert [one.order_id for one in found.sales] == [gone["orderId"]]
    assert told(engine) == [(gone["orderId"], "missing", "number-missing")]
    take_in(gone, profile=profile)
    assert look_for_missing(engine, profile, 400).sales == []


def test_an_end_of_day_file_fills_gaps_and_is_compared(
    engine: Engine, take_in: Callable[..., RunSummary]
) -> None:
    """What only it has is taken in and told of; what it lacks, or has otherwise, is told of too."""
    profile = till_profile(**EAGER)
    first, second, third = (
        sale(orderId=f"A32-T1-00000{number}", storeId=BRAND.facilities[0].external_id)
        for number in (1, 2, 3)
    )
    take_in(first, third, profile=profile)
    summary = take_in([first, second], profile=profile, folder="predictspring/end-of-day")
    assert summary.message.startswith("1 transaction taken in")
    assert told(engine) == [
        ("A32-T1-000002", "missing", "only-at-end-of-day"),
        ("A32-T1-000003", "conflict", "not-at-end-of-day"),
    ]
    assert look_for_missing(engine, profile, 400).sales == []


def test_half_of_an_exchange_is_told_of(engine: Engine, take_in: Callable[..., RunSummary]) -> None:
    """The sale that was paid with goods that nobody brought back."""
    profile = till_profile(**EAGER)
    tender = {
        "paymentMethod": "Cash",
        "amountAuthorized": Decimal("18.88"),
        "totalAmountCarriedOverForExchange": Decimal(20),
    }
    take_in(sale(tenders=[tender]), profile=profile)
    with as_owner(engine) as owner, transaction(owner) as connection:
        connection.exec_driver_sql("UPDATE till_transaction SET arrived_at = '2026-11-20 15:00:00'")
    look_for_missing(engine, profile, 400)
    assert told(engine) == [("A32-T1-000001", "missing", "exchange-half-missing")]
