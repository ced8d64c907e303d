"""The nightly control totals: what was handed over, what the ledger says, and what Retail Pro has.

They catch what every other rule has missed, so a difference is an incident for a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine

from tillbridge.errors import RecordRejected
from tillbridge.invoicing.clearing import Find
from tillbridge.invoicing.doubt_policy import LookUp, judge_look_up
from tillbridge.invoicing.ledger import servers, totals
from tillbridge.invoicing.ledger.totals import LedgerOrder, StateTotal
from tillbridge.limits import Whole

DAYS = Whole(1, 60)
"""How many days back orders can be compared."""

_ON_ITS_WAY = timedelta(days=1)
"""An order may take so long from one step to the next before it counts as lost."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One order that does not agree, and what to do."""

    order: str
    what: str
    next_step: str


@dataclass(frozen=True, slots=True)
class ControlTotals:
    """The ledger's totals, how many orders were compared with Retail Pro, and what does not agree.

    `elsewhere` orders belong to another server, and were not compared.
    """

    states: Sequence[StateTotal]
    compared: int
    elsewhere: int
    differences: Sequence[Difference]


def check_totals(
    engine: Engine, product_store_id: str, server: str, days: int, find: Find | None
) -> ControlTotals:
    """Compare, with the Retail Pro at `server` what changed in the last `days`; without `find` it is left out.

    Raises:
        Unavailable: Retail Pro could not be asked; nothing is known.
        ConfigurationProblem: not in so many days, or the look-up settings of the Retail Pro block are
            wrong.
    """
    DAYS.require("days", days)
    lost = [
        *(
            Difference(order, "exported, but never transformed", _HAND_OVER)
            for order in totals.not_transformed(engine, product_store_id, _ON_ITS_WAY)
        ),
        *(
            Difference(order, "transformed, but never taken for invoicing", _HAND_OVER)
            for order in totals.not_accepted(engine, product_store_id, _ON_ITS_WAY)
        ),
    ]
    within = timedelta(days=days)
    twice = [
        Difference(order, "invoiced under two numbers", _VOID)
        for order in totals.invoiced_twice(engine, product_store_id, within)
    ]
    sent = totals.changed_lately(engine, product_store_id, within) if find else []
    here = [order for order in sent if servers.belongs_to(order.server, server)]
    compared = [_compare(order, find) for order in here] if find else []
    return ControlTotals(
        totals.by_state(engine, product_store_id),
        len(compared),
        len(sent) - len(here),
        [*lost, *twice, *(difference for difference in compared if difference)],
    )


_VOID = "Compare the two invoices in Retail Pro, and void one unless that was done."
_HAND_OVER = "Look for its file; hand it over again with replay-orders."


def _compare(order: LedgerOrder, find: Find) -> Difference | None:
    try:
        found = judge_look_up(find(order.order_no), order.total, order.line_count)
    except RecordRejected:
        return None
    return difference_of(order, found)


def difference_of(order: LedgerOrder, found: LookUp) -> Difference | None:
    """Say what does not agree between the ledger and a look-up. Pure."""
    if order.state == "CONFIRMED":
        if found.result == "absent":
            what = f"the ledger has invoice {order.erp_ref}, Retail Pro has none"
            return Difference(order.order_no, what, "Find out whether it was voided.")
        if found.result == "different":
            return Difference(
                order.order_no, f"in Retail Pro, {found.difference}", "Correct it in Retail Pro."
            )
        return None
    if found.result == "absent":
        return None
    if order.state in {"UNKNOWN", "PARKED"}:
        step = "Decide with resolve-order, as invoiced if it is the same order."
    else:
        step = "Find out who made the invoice; then decide with resolve-order."
    what = f"it is {order.state} in the ledger, Retail Pro has invoice {found.reference}"
    return Difference(order.order_no, what, step)
