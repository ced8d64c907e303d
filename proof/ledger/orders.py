"""The rules by which orders come in, and how a run of the ledger machine begins."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
)

from proof.ledger.drawing import COIN, LEVELS, STAGES, Tally, one_of, step
from proof.ledger.invariants import Ledger
from proof.ledger.places import Place
from proof.ledger.world import Call, InvoiceRequest, World, order, renumbered

NUMBERS = ("1", "2", "3")


class OrdersComeIn(RuleBasedStateMachine):
    """Three orders, each of which may have a second number, changed content, and a stranger beside it."""

    calls: Bundle[Call] = Bundle("call")

    def __init__(self, place: Place, tally: Tally) -> None:
        super().__init__()
        self.place = place
        self.tally = tally
        self.versions: Counter[str] = Counter()
        self.other_numbers = self.backed_up = 0
        self.idle: set[str] = set()
        self.steps = 0
        self.is_sound = self.has_changed = self.is_over = False

    def orders_in(self, *states: str) -> list[str]:
        """Name the orders in these states."""
        return [number for number, row in self.ledger.rows.items() if row.state in states]

    def new_numbers(self) -> list[str]:
        """Name the orders that the ledger does not have, or refused."""
        rows = self.ledger.rows
        return [n for n in NUMBERS if n not in rows or rows[n].state == "REJECTED"]

    @initialize(
        target=calls,
        level=LEVELS,
        stages=st.lists(STAGES, min_size=1, max_size=len(NUMBERS)),
        at_least=st.integers(0, 60),
    )
    def open(self, level: str, stages: list[str], at_least: int) -> Any:
        """Begin with one order that is certainly invoiced, and others that came some way.

        The end comes after `at_least` steps, or when the run is as long as it may be.
        """
        self.at_least = at_least
        self.place.empty()
        self.world = World(self.place, level)  # type: ignore[arg-type]
        self.ledger = Ledger(self.world)
        self.has_changed = True
        self.world.begin()
        calls = []
        for number, stage in zip(NUMBERS, stages, strict=False):
            self.world.hand_over(order(int(number), "v0"), self.world.next_file())
            if stage != "ready":
                call = self.world.claim(number, f"w{int(number) % 2 + 1}")
                assert call
                calls.append(call)
                if stage == "sent":
                    self.world.send(call)
        return multiple(*calls)

    # --- orders come in

    @precondition(new_numbers)
    @rule(number=one_of(new_numbers))
    @step
    def ingest(self, number: str) -> None:
        """An order comes in, for the first time, or again after it was refused."""
        self._hand_over(order(int(number), f"v{self.versions[number]}"))

    @precondition(lambda machine: machine.changeable())
    @rule(number=one_of(lambda machine: machine.changeable()))
    @step
    def ingest_changed(self, number: str) -> None:
        """An order comes in with other content."""
        self.versions[number] += 1
        self._hand_over(order(int(number), f"v{self.versions[number]}"))

    def changeable(self) -> list[str]:
        """Name the orders whose content has not changed twice yet."""
        return [number for number in NUMBERS if self.versions[number] < 2]

    @precondition(lambda machine: machine.without_stranger())
    @rule(number=one_of(lambda machine: machine.without_stranger()))
    @step
    def ingest_other_order(self, number: str) -> None:
        """Another order comes in under the same number."""
        self._hand_over(order(int(number), "other", f"X{number}"))

    def without_stranger(self) -> list[str]:
        """Name the numbers under which no other order came in yet."""
        known = {request.order_id for _, request in self.world.handed}
        return [number for number in NUMBERS if f"X{number}" not in known]

    @precondition(lambda machine: machine.other_numbers < len(NUMBERS))
    @rule(number=st.sampled_from(NUMBERS), is_new=COIN)
    @step
    def ingest_other_number(self, number: str, *, is_new: bool) -> None:
        """An order comes in under another number, from a new file or from one that is older than all."""
        self.other_numbers += 1
        request = renumbered(int(number), f"v{self.versions[number]}")
        self._hand_over(request, None if is_new else "OrderToInvoice-0000.json")

    @rule(file=one_of(lambda machine: machine.world.files_handed))
    @step
    def duplicate_file(self, file: str) -> None:
        """A file comes again under its old name."""
        self._hand_over_again(file)

    def _hand_over(self, request: InvoiceRequest, file: str | None = None) -> None:
        before = self.ledger.rows.get(request.order_no)
        told = self.ledger.failed[f"{request.order_no} conflict"]
        result = self.world.hand_over(request, file or self.world.next_file())
        self.ledger.check_accepted(request, before, told, result)

    def _hand_over_again(self, only: str = "") -> None:
        for file, request in list(self.world.handed):
            if only in {"", file}:
                self._hand_over(request, file)
