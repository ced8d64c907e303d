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
        problems: why the run could not do all of its job; empty when it did.
    """

    outcomes: Sequence[Outcome]
    taken: Mapping[str, int]
    lost: Sequence[OrderKey]
    problems: Sequence[str]

    @property
    def counts(self) -> Counter[Result]:
        """Count orders by result."""
        counts = Counter(outcome.result for outcome in self.outcomes)
        counts[Result.ALREADY_INVOICED] += self.taken.get(Acceptance.INVOICED, 0)
        counts[Result.PARKED] += len(self.lost)
        return counts

    @property
    def not_invoiced(self) -> list[Outcome]:
        """Give the orders that are not invoiced, and why."""
        invoiced = {Result.INVOICED, Result.ALREADY_INVOICED}
        outcomes = [outcome for outcome in self.outcomes if outcome.result not in invoiced]
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
