"""What one run of invoicing came to. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tillbridge.invoicing.ledger.events import OrderKey
from tillbridge.invoicing.ledger.orders import Acceptance
from tillbridge.invoicing.sending import Outcome, Result


@dataclass(frozen=True)
class RunSummary:
    """The outcomes of the orders that were sent, what else was seen, and what stood in the way.

    Args:
        outcomes: one for each order that was ready.
        taken: orders of the files taken, counted by `Acceptance`.
        lost: orders parked because their worker had vanished.
        still_ready: orders that the ledger would send, now or after a pause, or after a conflict.
        problems: why the run could not do all of its job; empty when it did.
    """

    outcomes: Sequence[Outcome]
    taken: Mapping[str, int]
    lost: Sequence[OrderKey]
    still_ready: int
    problems: Sequence[str]

    @property
    def counts(self) -> Counter[Result]:
        """Count orders by result."""
        lost = {key.order_no for key in self.lost}
        counts = Counter(one.result for one in self.outcomes if one.order_no not in lost)
        counts[Result.ALREADY_INVOICED] += self.taken.get(Acceptance.INVOICED, 0)
        counts[Result.PARKED] += len(lost)
        counts[Result.WAITING] = max(counts[Result.WAITING], self.still_ready)
        return counts

    @property
    def not_invoiced(self) -> list[Outcome]:
        """Give the orders that are not invoiced, and why."""
        invoiced = {Result.INVOICED, Result.ALREADY_INVOICED}
        lost = {key.order_no for key in self.lost}
        outcomes = [
            one for one in self.outcomes if one.result not in invoiced and one.order_no not in lost
        ]
        vanished = "the worker vanished while the order was being sent"
        return outcomes + [Outcome(key.order_no, Result.PARKED, vanished) for key in self.lost]

    @property
    def also(self) -> str:
        """Say what the files brought that needs attention besides; empty when nothing did."""
        seen = ((Acceptance.CONFLICT, "in conflict"), (Acceptance.REVISED, "handed over again"))
        return ", ".join(
            f"{self.taken[what]} {words}" for what, words in seen if self.taken.get(what)
        )

    @property
    def message(self) -> str:
        """Say it in one line."""
        counts = self.counts
        numbers = ", ".join([*(f"{counts[result]} {result}" for result in Result), self.also])
        return " ".join([f"{numbers.removesuffix(', ')}.", *self.problems])
