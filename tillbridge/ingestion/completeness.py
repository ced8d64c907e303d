"""Looks for sales of tills that did not arrive, and sees that people are told of each once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Engine, select

from tillbridge.database.engine import database_now, transaction
from tillbridge.database.ledger_tables import invoice_failure
from tillbridge.database.till_tables import till_transaction
from tillbridge.handover import failures
from tillbridge.handover.failures import NewFailure
from tillbridge.ingestion.missing import (
    MissingSale,
    Seen,
    exchanges_without_return,
    missing_sales,
)
from tillbridge.ingestion.summary import BatchResult
from tillbridge.limits import Whole
from tillbridge.profile import Profile

DAYS = Whole(1, 400)
"""How many days back can be looked."""


@dataclass(frozen=True, slots=True)
class Completeness:
    """What is missing now, whether or not people were told before."""

    sales: Sequence[MissingSale]
    halves: Sequence[Seen]
    looked_at: int


def look_for_missing(engine: Engine, profile: Profile, days: int) -> Completeness:
    """Look at the sales of the last `days`, and have the report say what is missing, each once.

    Raises:
        ConfigurationProblem: not in so many days.
    """
    DAYS.require("days", days)
    store = profile.product_store_id
    tills = profile.tills
    with transaction(engine) as connection:
        now = database_now(connection)
    seen = _seen(engine, store, now - timedelta(days=days))
    found = Completeness(
        list(missing_sales(seen, _refused(engine, store), tills.sequence, now)),
        list(exchanges_without_return(seen, timedelta(hours=tills.exchange_half_after_hours), now)),
        len(seen),
    )
    with transaction(engine) as connection:
        for sale in found.sales:
            failures.add(connection, _missing_sale(sale, store))
        for half in found.halves:
            failures.add(connection, _missing_half(half, store))
    return found


def report_absent(engine: Engine, profile: Profile, results: Sequence[BatchResult]) -> int:
    """Have the report say what arrived of the stores and days of end-of-day files but is not in them.

    Gives how many transactions that is.
    """
    places = {place for result in results for place in result.places}
    order_ids = {order_id for result in results for order_id in result.order_ids}
    absent = _absent_from(engine, profile, places, order_ids)
    with transaction(engine) as connection:
        for one in absent:
            failures.add(connection, _absent(one, profile.product_store_id))
    return len(absent)


def _absent_from(
    engine: Engine,
    profile: Profile,
    places: Collection[tuple[str, date]],
    order_ids: Collection[str],
) -> list[Seen]:
    oldest = min((day for _, day in places), default=None)
    if oldest is None:
        return []
    since = datetime.fromisoformat(f"{oldest}T00:00:00+00:00") - timedelta(days=1)
    return [
        one
        for one in _seen(engine, profile.product_store_id, since)
        if (one.store, one.business_day) in places and one.order_id not in order_ids
    ]


def _seen(engine: Engine, product_store_id: str, since: datetime) -> list[Seen]:
    made = till_transaction.c
    with transaction(engine) as connection:
        rows = connection.execute(
            select(
                made.order_id,
                made.store,
                made.workstation_id,
                made.sequence_number,
                made.business_day_date,
                made.began_at,
                made.arrived_at,
                made.currency,
                made.returns_total,
                made.carried_over,
            )
            .where(made.product_store_id == product_store_id, made.arrived_at >= since)
            .order_by(made.began_at, made.order_id)
        )
        return [Seen(*row) for row in rows]


def _refused(engine: Engine, product_store_id: str) -> set[str]:
    failure = invoice_failure.c
    with transaction(engine) as connection:
        return set(
            connection.scalars(
                select(failure.order_id).where(
                    failure.product_store_id == product_store_id,
                    failure.journey == "tills",
                    failure.kind != "missing",
                )
            )
        )


def _missing_sale(sale: MissingSale, product_store_id: str) -> NewFailure:
    return _failure(
        sale,
        product_store_id,
        "number-missing",
        f"The till's numbers go from {sale.before} to {sale.after}; this one never came.",
        "Look it up in PredictSpring. If it is a sale, press Repost there; if it was voided, nothing is to "
        "be done.",
    )


def _missing_half(sale: Seen, product_store_id: str) -> NewFailure:
    found = _failure(
        sale,
        product_store_id,
        "exchange-half-missing",
        f"It was paid with goods worth {sale.carried_over} {sale.currency} that came back, but no return over "
        "that amount came from the store.",
        "Look for the return in PredictSpring and press Repost there.",
    )
    return replace(found, amount=sale.carried_over, currency=sale.currency)


def _absent(seen: Seen, product_store_id: str) -> NewFailure:
    found = _failure(
        seen,
        product_store_id,
        "not-at-end-of-day",
        f"It came from the till, but the end-of-day file of {seen.store} for {seen.business_day} does not "
        "have it.",
        "Compare it with PredictSpring; it stays taken in.",
    )
    return replace(found, kind="conflict")


def _failure(
    sale: MissingSale | Seen, product_store_id: str, code: str, reason: str, next_step: str
) -> NewFailure:
    return NewFailure(
        kind="missing",
        journey="tills",
        product_store_id=product_store_id,
        order_no=sale.order_id,
        order_id=sale.order_id,
        store=sale.store,
        amount=None,
        currency=None,
        reason_code=code,
        reason=reason,
        next_step=next_step,
        source_file="",
        occasion=code,
    )
