"""A till that posts what it sells, as PredictSpring does: once, and never again by itself.

It can be told to misbehave: to skip sales, to post some twice, out of order, or with a broken body.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import httpx

from sandbox.baskets import Basket
from tillbridge.contracts import json_text


@dataclass(frozen=True)
class Mischief:
    """How many of a till's documents go wrong, each chosen by chance."""

    skipped: int = 0
    repeated: int = 0
    reordered: int = 0
    corrupted: int = 0


@dataclass
class TillReport:
    """What a till did, by order id, and the status of each answer."""

    posted: list[Basket] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    corrupted: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def add(self, other: TillReport) -> None:
        """Add what another till did."""
        for name in ("posted", "skipped", "repeated", "corrupted", "statuses"):
            getattr(self, name).extend(getattr(other, name))


def post_all(
    url: str,
    headers: Mapping[str, str],
    baskets: Iterable[Basket],
    mischief: Mischief = Mischief(),
    *,
    seed: int = 1,
    rate: float | None = None,
) -> TillReport:
    """Post baskets one after the other, `rate` of them a second or as fast as they are taken."""
    documents = list(baskets)
    report, random = TillReport(), Random(seed)
    sales = [one for one in documents if one.kind != "return"]
    # The first and the last of a register are kept: a gap is between two sales.
    report.skipped = _some(sales[1:-1], mischief.skipped, random)
    rest = [one for one in documents if one.order_id not in report.skipped]
    report.repeated = _some(rest, mischief.repeated, random)
    report.corrupted = _some(
        [one for one in rest[1:-1] if one.kind == "in_store"], mischief.corrupted, random
    )
    for _ in range(mischief.reordered):
        place = random.randrange(len(rest) - 1)
        rest[place], rest[place + 1] = rest[place + 1], rest[place]
    with httpx.Client(headers=dict(headers), timeout=60) as client:
        for basket in rest:
            body = json_text.write(basket.document)
            if basket.order_id in report.corrupted and basket.kind == "in_store":
                body = body.replace(b'"totalAmount":', b'"totalAmount":1')
            for _ in range(1 + (basket.order_id in report.repeated)):
                answer = client.post(
                    url, content=body, headers={"content-type": "application/json"}
                )
                report.statuses.append(answer.status_code)
                if rate:
                    time.sleep(1 / rate)
            report.posted.append(basket)
    return report


def _some(baskets: Sequence[Basket], count: int, random: Random) -> list[str]:
    order_ids = list(dict.fromkeys(one.order_id for one in baskets))
    return random.sample(order_ids, min(count, len(order_ids)))
