"""The designs that are checked: tempting ones that are wrong, ones that hold, and the product's own.

A checker that never fails proves nothing, so what must break stands beside what must hold. What the
switches do is in `actions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["retry", "wait", "L0", "L1", "L2", "L3"]
"""The way out of doubt: the product's four, `retry` (it counts as not booked), `wait` (do nothing)."""

ALL_LEVELS: tuple[Level, ...] = ("L0", "L1", "L2", "L3")

I1 = "I1 booked at most once"
I2 = "I2 CONFIRMED means booked once"
I3 = "I3 REJECTED means never booked"
I6 = "I6 one attempt armed per epoch"
I7 = "I7 the epoch never decreases"
I8 = "I8 only the product's edges"
I9 = "I9 no dead ends"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One design: its switches, and what must be found about it.

    Args:
        breaks: the invariant that it breaks; None when it must hold.
        writes_ahead: whether INFLIGHT is committed before the first byte.
        waits: whether an order in doubt is looked up only after the quiet period.
        absences: how many look-ups in a row must find nothing before an order is sent again.
        fence: what keeps a worker that lost the order from booking it after it was sent again. `lease`: it
            cannot send without its lease; `session`: Retail Pro ends its session at the take-over;
            `record`: the order is sent again only when each sender has itself recorded its end.
        trusts_refusals: whether a 4xx proves that no earlier attempt was booked either.
        resends: which orders in doubt are sent again at once. `same key`: those whose attempts all had the
            key, at L3; `any key`: all, at L3; `no key`: those whose attempts had the key, at every level.
        person: what the evidence of a person covers: `hasty` that no invoice exists and no request is
            under way; `careful` also that no worker is left which could still send.
        levels: what a person may set instead of `level`, at any time and as often as they like. Two runs
            with different settings are the same to an order.
        is_product: whether its edges must be those of the product.
    """

    name: str
    sentence: str
    level: Level
    breaks: str | None = None
    writes_ahead: bool = True
    waits: bool = True
    absences: int = 1
    fence: Literal["none", "lease", "session", "record"] = "none"
    trusts_refusals: bool = False
    resends: Literal["same key", "any key", "no key"] = "same key"
    person: Literal["hasty", "careful"] | None = None
    levels: tuple[Level, ...] = ()
    is_product: bool = False


def _product(name: str, level: Level, sentence: str, **switches: object) -> Variant:
    """Make a variant that has every rule of the product, but for `switches`."""
    rules: dict[str, object] = {"fence": "record", "absences": 2, "person": "careful"}
    return Variant(
        name=name,
        sentence=sentence,
        level=level,
        is_product=True,
        **(rules | switches),  # type: ignore[arg-type]
    )


TEMPTING: tuple[Variant, ...] = (
    Variant(
        name="M0",
        sentence="The engine retries; nothing is written before the sending",
        level="retry",
        writes_ahead=False,
        trusts_refusals=True,
        breaks=I1,
    ),
    Variant(
        name="M1",
        sentence="Write-ahead; a 5xx or no answer counts as not invoiced",
        level="retry",
        trusts_refusals=True,
        breaks=I1,
    ),
    Variant(
        name="M2",
        sentence="What is in doubt is parked, but nothing is written before the sending",
        level="L0",
        writes_ahead=False,
        trusts_refusals=True,
        breaks=I1,
    ),
    Variant(
        name="M3",
        sentence="Write-ahead; what is in doubt is parked",
        level="L0",
        trusts_refusals=True,
    ),
    Variant(
        name="M4",
        sentence="Look up at once, send again when absent",
        level="L2",
        waits=False,
        trusts_refusals=True,
        breaks=I1,
    ),
    Variant(
        name="M5",
        sentence="M4 after a quiet period",
        level="L2",
        trusts_refusals=True,
        breaks=I1,
    ),
    Variant(
        name="M6",
        sentence="M5; checking the lease and sending cannot be parted",
        level="L2",
        fence="lease",
        trusts_refusals=True,
    ),
    Variant(
        name="M7",
        sentence="M5; a take-over ends the old worker's session at Retail Pro",
        level="L2",
        fence="session",
        trusts_refusals=True,
    ),
    Variant(
        name="M8",
        sentence="Send again at once under the same key",
        level="L3",
        trusts_refusals=True,
        breaks=I3,
    ),
    Variant(
        name="M9",
        sentence="M8; a 4xx after an attempt in doubt is no proof",
        level="L3",
    ),
    Variant(
        name="M10",
        sentence="M6; a 4xx after an attempt in doubt is no proof",
        level="L2",
        fence="lease",
    ),
    Variant(
        name="M11",
        sentence="M7; a 4xx after an attempt in doubt is no proof",
        level="L2",
        fence="session",
    ),
    Variant(
        name="M12",
        sentence="Write-ahead; what is in doubt waits for a late answer",
        level="wait",
        breaks=I9,
    ),
)

PRODUCT: tuple[Variant, ...] = (
    _product("P0", "L0", "What is in doubt is parked; a person decides by evidence"),
    _product(
        "P0-hasty",
        "L0",
        "P0; the person does not ask whether a worker is left that could still send",
        person="hasty",
        breaks=I3,
    ),
    _product("P1", "L1", "Look up after the quiet period: adopt when found, park when absent"),
    _product(
        "P2",
        "L2",
        "Send again when absent twice after the quiet period and each sender recorded its end",
    ),
    _product(
        "P2-broken",
        "L2",
        "P2 without the senders' records: a paused worker wakes",
        fence="none",
        breaks=I1,
    ),
    _product("P3", "L3", "Send again at once under the same key"),
    _product(
        "P3-broken",
        "L3",
        "P3, but a 4xx counts as a proof even after an attempt in doubt",
        trusts_refusals=True,
        breaks=I3,
    ),
    _product(
        "P3-lowered",
        "L3",
        "P3, lowered to L2 or raised again at any moment; a doubt is handled by the level now set",
        levels=("L2", "L3"),
    ),
    _product(
        "P3-lowered-broken",
        "L3",
        "P3-lowered; what was sent with its key is sent again at once, now without it",
        levels=("L2", "L3"),
        resends="no key",
        breaks=I1,
    ),
    _product(
        "P3-lowered-hurried",
        "L3",
        "P3-lowered; a doubt from before is looked up, and the order sent again, without a quiet period",
        levels=("L2", "L3"),
        waits=False,
        breaks=I1,
    ),
    _product(
        "P3-raised-broken",
        "L2",
        "P2, raised to L3; what was sent without a key is sent again at once with one",
        levels=("L2", "L3"),
        resends="any key",
        breaks=I1,
    ),
    _product(
        "P-any",
        "L0",
        "Any of the four levels is set at any moment, or two runs have different ones",
        levels=ALL_LEVELS,
    ),
)

VARIANTS = TEMPTING + PRODUCT
