"""What one run of invoicing came to. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tillbridge.invoicing.ledger.orders import Acceptance
from tillbridge.invoicing.sending import Outcome, Result
from tillbridge.invoicing.states import State


@dataclass(frozen=True)
class RunSummary:
    """The outcomes of the orders of a run, what else was seen, and what stood in the way.

    Args:
        outcomes: what became of orders, in the order in which it was found; the last one counts.
        taken: orders of the files taken, counted by `Acceptance`.
        adopted: orders in doubt whose invoice was found.
        standing: all orders of the product store by state, after the run.
        problems: why the run could not do all of its job; empty when it did.
    """

    outcomes: Sequence[Outcome]
    taken: Mapping[str, int]
    adopted: int
    standing: Mapping[State, int]
    problems: Sequence[str]

    @property
    def last_outcomes(self) -> list[Outcome]:
        """Give one outcome for each order."""
        return list({one.order_no: one for one in self.outcomes}.values())

    @property
    def counts(self) -> dict[Result, int]:
        """Count orders by result; every result is there, in the order of `Result`."""
        counts = Counter(one.result for one in self.last_outcomes)
        counts[Result.ALREADY_INVOICED] += self.taken.get(Acceptance.INVOICED, 0)
        counts[Result.IN_DOUBT] = self.standing.get("UNKNOWN", 0)
        counts[Result.WAITING] = max(counts[Result.WAITING], self.standing.get("READY", 0))
        return {result: counts[result] for result in Result}

    @property
    def not_invoiced(self) -> list[Outcome]:
        """Give the orders that are not invoiced, and why."""
        invoiced = {Result.INVOICED, Result.ALREADY_INVOICED}
        return [one for one in self.last_outcomes if one.result not in invoiced]

    @property
    def also(self) -> str:
        """Say what else needs or needed attention; empty when nothing did."""
        seen = {
            "in conflict": self.taken.get(Acceptance.CONFLICT),
            "held back": self.standing.get("HELD"),
            "handed over again": self.taken.get(Acceptance.REVISED),
            "in doubt found invoiced": self.adopted,
        }
        return ", ".join(f"{number} {words}" for words, number in seen.items() if number)

    @property
    def message(self) -> str:
        """Say it in one line."""
        counts = self.counts
        # Only some endpoints leave orders in doubt.
        shown = [one for one in counts if one != Result.IN_DOUBT or counts[one]]
        numbers = ", ".join([*(f"{counts[result]} {result}" for result in shown), self.also])
        return " ".join([f"{numbers.removesuffix(', ')}.", *self.problems])
