"""Sales that must have happened and did not arrive: gaps in a register's numbers, halves of exchanges. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from tillbridge.ingestion.numbering import missing_numbers, place_of
from tillbridge.profile import SequenceRule

_PAIRED_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """A transaction that arrived. Moments are aware UTC; `carried_over` was paid with returned goods."""

    order_id: str
    store: str
    workstation_id: str | None
    sequence_number: int | None
    business_day: date
    began_at: datetime
    arrived_at: datetime
    currency: str
    returned: Decimal
    carried_over: Decimal


@dataclass(frozen=True, slots=True)
class MissingSale:
    """A number of a register that never came, between two that did."""

    order_id: str
    store: str
    before: str
    after: str
    business_day: date


def missing_sales(
    seen: Iterable[Seen], refused: Collection[str], rule: SequenceRule, now: datetime
) -> Iterator[MissingSale]:
    """Give every number that is missing between two sales, once the later one has been there long enough.

    `refused` are the order ids that came and could not be used; those are not missing.
    """
    registers: defaultdict[tuple[str, str], dict[int, Seen]] = defaultdict(dict)
    for one in seen:
        if one.workstation_id is not None and one.sequence_number is not None:
            registers[one.store, one.workstation_id].setdefault(one.sequence_number, one)
    # An order id is used once, so a number that came from another store is not missing here.
    came: defaultdict[str, set[int]] = defaultdict(set)
    for (_, register), numbers in registers.items():
        came[register] |= numbers.keys()
    for order_id in refused:
        if place := place_of(order_id, rule):
            came[place[0]].add(place[1])
    latest = now - timedelta(minutes=rule.report_after_minutes)
    for (store, register), numbers in sorted(registers.items()):
        for gap in missing_numbers(numbers, rule.longest_gap):
            before, after = numbers[gap.start - 1], numbers[gap.stop]
            if after.arrived_at > latest:
                continue
            width = len(after.order_id) - len(register)
            for number in gap:
                if number not in came[register]:
                    yield MissingSale(
                        f"{register}{number:0{width}}",
                        store,
                        before.order_id,
                        after.order_id,
                        after.business_day,
                    )


def exchanges_without_return(
    seen: Iterable[Seen], after: timedelta, now: datetime
) -> Iterator[Seen]:
    """Give the sales that were paid with goods whose return did not come within `after`.

    Nothing published names the other half, so a return of the same store and amount within an hour of the
    sale is taken for it, each for one sale only.
    """
    transactions = sorted(seen, key=lambda one: one.began_at)
    free = [one for one in transactions if one.returned]
    for sale in transactions:
        if not sale.carried_over or sale.returned:
            continue
        partner = next((one for one in free if _is_other_half(sale, one)), None)
        if partner:
            free.remove(partner)
        elif sale.arrived_at <= now - after:
            yield sale


def _is_other_half(sale: Seen, back: Seen) -> bool:
    return (
        back.store == sale.store
        and back.currency == sale.currency
        # Of what came back more may have been worth than the sale; the rest was paid out.
        and back.returned >= sale.carried_over
        and (
            back.order_id == sale.order_id
            or abs(back.arrived_at - sale.arrived_at) <= _PAIRED_WITHIN
            or abs(back.began_at - sale.began_at) <= _PAIRED_WITHIN
        )
    )
