"""Clears orders in doubt as far as the endpoint's capability goes, by looking them up in Retail Pro."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Engine

from tillbridge.contracts.invoice_lookup import FoundInvoice
from tillbridge.errors import ConfigurationProblem, RecordRejected, Unavailable
from tillbridge.invoicing.doubt_policy import DoubtPolicy, LookUp, judge_look_up
from tillbridge.invoicing.ledger import doubts
from tillbridge.invoicing.ledger.doubts import Doubt
from tillbridge.invoicing.ledger.events import OrderKey

Find = Callable[[str], list[FoundInvoice]]


@dataclass(frozen=True, slots=True)
class Cleared:
    """What became of the orders in doubt: how many by state, who was parked, and what stood in the way."""

    counts: Counter[str] = field(default_factory=Counter)
    parked: list[OrderKey] = field(default_factory=list)
    problem: str = ""


def clear_doubts(
    engine: Engine,
    find: Find,
    product_store_id: str,
    server: str,
    policy: DoubtPolicy,
    who: str,
) -> Cleared:
    """Look up at `server` what is due there, adopt what is found, and park what nothing can be done about."""
    counts: Counter[str] = Counter()
    problem = ""
    due = doubts.due(engine, product_store_id, server, policy) if policy.looks_up else []
    try:
        sound = bool(due) and _finds_a_known_one(engine, find, product_store_id, server)
        for doubt in due:
            result = _look_up(find, doubt)
            counts[doubts.record(engine, doubt.key, result, server, policy, who, sound)] += 1
    except (Unavailable, ConfigurationProblem) as trouble:
        problem = f"Orders in doubt could not be looked up: {trouble}"
    parked = doubts.park(engine, product_store_id, policy, who)
    return Cleared(counts, parked, problem)


def _finds_a_known_one(engine: Engine, find: Find, product_store_id: str, server: str) -> bool:
    known = doubts.known_invoice(engine, product_store_id, server)
    return known is not None and _look_up(find, known).result != "absent"


def _look_up(find: Find, doubt: Doubt) -> LookUp:
    try:
        found = find(doubt.key.order_no)
    except RecordRejected as problem:
        return LookUp("impossible", difference=str(problem))
    return judge_look_up(found, doubt.total, doubt.line_count)
