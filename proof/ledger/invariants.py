"""What must be true after every step of the ledger machine: I1 to I12, with Retail Pro as the judge.

The facts of the ledger are read with queries of their own. An order that a hasty person misjudged may
have come to harm by that; everything that does not depend on it is still asked of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from proof.ledger import reading
from proof.ledger.world import (
    KEY_LIFE,
    LEASE,
    PERSON,
    QUIET,
    Acceptance,
    Call,
    InvoiceRequest,
    Verdict,
    World,
)
from proof.model.variants import I1, I2, I3, I6, I7, I8, I9

I4 = "I4 every accepted order has one row"
I5 = "I5 written down before the first byte"
ONE = "I12 one order has one invoice, whatever its numbers"
I10 = "I10 what is confirmed adds up"
I11 = "I11 every failure is told, in one report"
I12 = "I12 a ledger that may send knows all that was sent"
PRECISE = "parked only what is truly in doubt"
BLOCKED = "nothing passes an open circuit, restore or conflict"

END_STATES = frozenset({"CONFIRMED", "REJECTED", "PARKED", "CANCELLED", "REPLACED"})
NOTHING_BOOKED = frozenset({"READY", "REJECTED", "CANCELLED"})
NEVER_SENT = frozenset({"HELD", "REPLACED"})
"""States that say: no invoice was made, and none will be of what was sent before; after a restore the
second ones do not say so any more, and their orders count as in doubt."""


REPLACEABLE = frozenset({"READY", "HELD", "REJECTED"})
"""States in which other content, or another number, may still come in: nothing was booked."""

WAYS = {
    None: "READY UNKNOWN",
    "READY": "READY INFLIGHT UNKNOWN CONFIRMED REJECTED CANCELLED HELD REPLACED",
    "HELD": "READY CONFIRMED REJECTED CANCELLED REPLACED",
    "INFLIGHT": "READY CONFIRMED REJECTED UNKNOWN",
    "UNKNOWN": "UNKNOWN INFLIGHT CONFIRMED PARKED READY REJECTED CANCELLED HELD",
    "PARKED": "CONFIRMED READY REJECTED CANCELLED",
    "REJECTED": "READY UNKNOWN CONFIRMED CANCELLED REPLACED",
    "CONFIRMED": "CONFIRMED",
    "CANCELLED": "CONFIRMED",
    "REPLACED": "READY CONFIRMED",
}
"""From where to where an order may go: a statement of its own beside the product's `states.EDGES`."""


def _as_it_stands(row: Row[Any] | None) -> tuple[str, str] | None:
    return (row.state, row.body_sha256) if row else None


class Broken(AssertionError):
    """An invariant does not hold; the text says which, and of which order."""


@dataclass
class Ledger:
    """What the ledger says, as it was last read, and what it said before."""

    world: World
    rows: dict[str, Row[Any]] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    states: dict[str, str | None] = field(default_factory=dict)
    decisions: Counter[str] = field(default_factory=Counter)
    conflicts: set[tuple[str, str, int]] = field(default_factory=set)
    backed_up: set[tuple[str, str, int]] = field(default_factory=set)
    told: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    reported: dict[int, int] = field(default_factory=dict)
    last_event: int = 0

    def require(self, holds: object, invariant: str, about: str) -> None:
        """Stop the run unless an invariant holds."""
        if not holds:
            raise Broken(f"{invariant}: {about}")

    def remember(self) -> None:
        """Keep what a backup holds beside the rows."""
        self.backed_up = self.conflicts.copy()

    def forget(self) -> None:
        """Begin anew: the backup was put back."""
        self.rows, self.epochs, self.states = {}, {}, {}
        self.decisions, self.told, self.failed = Counter(), Counter(), Counter()
        self.conflicts = self.backed_up.copy()
        self.reported, self.last_event = {}, 0

    def _holds(self, call: Call) -> bool:
        """Say whether a call is the one that holds its order."""
        row = self.rows.get(call.order_no)
        return row is not None and row.state == "INFLIGHT" and row.epoch == call.attempt.epoch

    def read(self, order_no: str) -> Row[Any]:
        """Read an order anew."""
        self._read()
        return self.rows[order_no]

    # --- after every step

    def check(self, *, has_changed: bool) -> None:
        """Check what must always be true; the ledger is read again where it may have changed."""
        if has_changed:
            self._read()
        for number, row in self.rows.items():
            self._check_invoices(number, row)
            self._check_order(number)
        confirmed = [
            (number, row)
            for number, row in self.rows.items()
            if row.state == "CONFIRMED" and number not in self.world.misjudged
        ]
        ours = sum(row.total for _, row in confirmed)
        theirs = sum(
            one.total for number, _ in confirmed for one in self.world.retail_pro.of(number)
        )
        self.require(ours == theirs, I10, f"{ours} confirmed, {theirs} in Retail Pro")

    def _check_invoices(self, number: str, row: Row[Any]) -> None:
        made = self.world.retail_pro.of(number)
        if row.state == "CONFIRMED":
            self.require(made, I2, f"{number} has no invoice")
        if number in self.world.misjudged:
            return
        self.require(len(made) <= 1, I1, f"{number} has {len(made)} invoices")
        if row.state == "CONFIRMED":
            self.require(made[0].total == row.total, I2, f"{number} has another total")
            same = row.erp_ref in {None, made[0].reference}
            self.require(
                same, I2, f"{number} has the invoice {made[0].reference}, not {row.erp_ref}"
            )
        if row.state in NOTHING_BOOKED | (set() if self.world.was_restored else NEVER_SENT):
            self.require(not made, I3, f"{number} is {row.state}, but it has an invoice")
            late = [call.attempt.number for call in self.world.calls_of(number) if call.may_book]
            self.require(
                not late, I3, f"{number} is {row.state}, but attempt {late} may still book"
            )

    def _check_order(self, number: str) -> None:
        """Check that the orders of a number have one invoice each, under any of their numbers."""
        numbers = self.world.numbers_of(number)
        if numbers & self.world.misjudged:
            return
        bodies = defaultdict(set)
        for _, one in self.world.handed:
            bodies[one.order_id].add(one.body)
        for order_id in {one.order_id for _, one in self.world.handed if one.order_no == number}:
            made = {
                call.invoice.reference
                for other in numbers
                for call in self.world.calls_of(other)
                if call.invoice and call.attempt.body in bodies[order_id]
            }
            self.require(len(made) <= 1, ONE, f"{order_id} has the invoices {made}")

    def _read(self) -> None:
        found = reading.facts(self.world.place.engine, self.last_event)
        rows = {row.order_no: row for row in found.orders}
        self.require(self.rows.keys() <= rows.keys(), I4, f"{self.rows.keys() - rows.keys()} lost")
        self.rows = rows
        for number, row in rows.items():
            self.require(row.epoch >= self.epochs.get(number, 0), I7, f"{number}: {row.epoch}")
            self.require(row.attempts == row.epoch, I6, f"{number}: {row.attempts}, {row.epoch}")
            is_held = row.owner is not None
            self.require((row.state == "INFLIGHT") == is_held, I6, f"{number} is {row.owner}'s")
            self.epochs[number] = row.epoch
        failed = Counter(f"{row.order_no} {row.kind}" for row in found.failures)
        self.require(failed >= self.failed, I11, f"{self.failed - failed} lost")
        self.failed = failed
        self._check_events(found.events)
        for call in self.world.calls:
            call.is_holder = self._holds(call)

    def _check_events(self, events: Sequence[Row[Any]]) -> None:
        for one in events:
            number = one.order_no
            way = f"{number}: {one.from_state} -> {one.to_state}"
            self.require(one.from_state == self.states.get(number), I8, way)
            self.require(one.to_state in WAYS[one.from_state].split(), I8, way)
            self.states[number], self.last_event = one.to_state, one.id
            if one.to_state in {"PARKED", "REJECTED"} and one.who != PERSON:
                self.told[f"{number} {one.to_state}"] += 1
            self.decisions[number] += one.who == PERSON
            if one.to_state == "PARKED":
                self.require(self._is_in_doubt(number), PRECISE, f"{number}: {one.why}")
        now = {number: row.state for number, row in self.rows.items()}
        self.require(now == self.states, I8, f"the log says {self.states}, the rows {now}")
        for number in self.rows:
            parked = self.failed[f"{number} parked"] + self.failed[f"{number} conflict"]
            self.require(self.told[f"{number} PARKED"] <= parked, I11, f"{number} was parked")
            rejected = self.failed[f"{number} rejected"]
            self.require(self.told[f"{number} REJECTED"] <= rejected, I11, f"{number} was rejected")

    def _is_in_doubt(self, number: str) -> bool:
        calls = self.world.calls_of(number)
        return self.world.was_restored or not all(call.is_proven for call in calls)

    # --- after some steps

    def check_claim(self, call: Call) -> None:
        """Check that nothing of an order can be booked beside what is about to be sent."""
        engine = self.world.place.engine
        shut = reading.is_shut(engine, call)
        epochs = [one.epoch for one in reading.attempts(engine) if one.order_no == call.order_no]
        before = self.rows[call.order_no]
        is_blocked = shut or (before.state == "READY" and before.conflict_sha256)
        self.require(not is_blocked, BLOCKED, f"{call.order_no} by {call.worker}")
        self.require(len(epochs) == len(set(epochs)), I6, f"{call.order_no}: {epochs}")
        self.require(call.attempt.epoch in epochs, I5, f"{call.order_no}: no such attempt")
        if call.order_no in self.world.misjudged:
            return
        others = [
            one for one in self.world.calls_of(call.order_no) if one is not call and one.counts
        ]
        about = f"{call.order_no} is sent again beside {[one.attempt.number for one in others]}"
        self.require(all(one.key and one.key == call.key for one in others), I1, about)
        if others and call.key:
            forgotten = self.world.first_use[call.key] + KEY_LIFE
            is_known = self.world.now + LEASE + QUIET <= forgotten
            self.require(is_known, I1, f"{about}; its key is too old")

    def check_not_claimed(self, number: str, call: Call | None) -> None:
        """Check that nobody got an order that is neither ready nor in doubt."""
        self.require(call is None, I8, f"{number} was claimed, but is {self.rows[number].state}")

    def check_sent(self, call: Call, sha256: str) -> None:
        """Check that what is on the wire had been written down."""
        written = [
            one.body_sha256
            for one in reading.attempts(self.world.place.engine)
            if (one.order_no, one.number) == (call.order_no, call.attempt.number)
        ]
        self.require(written == [sha256], I5, f"{call.order_no}: {written} is not {sha256}")

    def check_late(self, call: Call, before: Row[Any], verdict: Verdict, after: str) -> None:
        """Check that an attempt that lost its order moves it only by a proof, or back into doubt."""
        allowed = {before.state}
        if verdict.state == "CONFIRMED":
            allowed = {"CONFIRMED"}
        elif verdict.state == "UNKNOWN" and before.state == "READY":
            allowed |= {"UNKNOWN", "PARKED"}
        about = f"{call.order_no}: {before.state} -> {after} by {verdict.reason_code}"
        self.require(after in allowed, I7, about)

    def check_accepted(
        self,
        request: InvoiceRequest,
        before: Row[Any] | None,
        told: int,
        result: Acceptance,
    ) -> None:
        """Check what became of an order that was handed over; `told` conflicts of it were told before."""
        about = f"{request.order_no}: {result}"
        self._read()
        after = self.rows[request.order_no]
        self.require(result != Acceptance.NEW or before is None, I4, about)
        same = _as_it_stands(after) == _as_it_stands(before)
        if after.state == "HELD" and result == Acceptance.CONFLICT and not same:
            # It was held by this. What only came to an order that was held before is told as to any other.
            self.require(self.failed[f"{request.order_no} conflict"] > told, I11, about)
            return
        if before is None:
            came_in = {Acceptance.NEW: {"READY", "UNKNOWN"}, Acceptance.KNOWN: {"REPLACED"}}
            self.require(after.state in came_in.get(result, set()), I4, about)
            return
        if after.state == "REPLACED":
            return
        if result in {Acceptance.KNOWN, Acceptance.INVOICED}:
            self.require(after == before, I4, about)
        if result == Acceptance.REVISED:
            was_open = before.state in REPLACEABLE | {"REPLACED"}
            self.require(was_open and not before.doubts, I4, about)
        if result == Acceptance.CONFLICT:
            self.require(same and after.conflict_sha256, I4, about)
            # A person hears of it once, and again when it comes back after a decision.
            conflict = (request.order_no, after.conflict_sha256, self.decisions[request.order_no])
            is_new = after.conflict_sha256 != before.conflict_sha256
            is_told = self.failed[f"{request.order_no} conflict"] > told
            self.require(is_told or not is_new or conflict in self.conflicts, I11, about)
            self.conflicts.add(conflict)

    def check_kept(self, before: Row[Any], about: str) -> None:
        """Check that an order is as it was."""
        after = self.read(before.order_no)
        self.require(after == before, I4, f"{before.order_no} was changed by {about}")

    def check_put_back(self, *, is_found_out: bool) -> None:
        """Check that a backup is found out when a request was sent that it knows nothing of."""
        known = {
            (one.order_no, one.number, one.epoch)
            for one in reading.attempts(self.world.place.engine)
        }
        unknown = [
            str(call)
            for call in self.world.calls
            if call.was_sent
            and (call.order_no, call.attempt.number, call.attempt.epoch) not in known
        ]
        self.require(is_found_out or not unknown, I12, f"{unknown} were sent")

    def check_reports(self, told: list[tuple[int, int]]) -> None:
        """Check that each failure is in one report, and in the same one each time."""
        for report, failure in told:
            first = self.reported.setdefault(failure, report)
            self.require(first == report, I11, f"failure {failure} is in {first} and {report}")
        untold = reading.untold(self.world.place.engine)
        self.require(not untold, I11, f"{untold} are in no report")

    def check_end(self) -> None:
        """Check that every order has come to an end, and that the ledger's own sums agree."""
        open_orders = [number for number, row in self.rows.items() if row.state not in END_STATES]
        self.require(not open_orders, I9, f"{open_orders} came to no end")
        handed = {request.order_no for _, request in self.world.handed}
        self.require(handed == self.rows.keys(), I4, f"{handed ^ self.rows.keys()}")
        by_state: dict[str, Decimal] = defaultdict(Decimal)
        for row in self.rows.values():
            by_state[row.state] += row.total
        sums = reading.sums(self.world.place.engine)
        self.require(sums == by_state, I10, f"{sums} are not {dict(by_state)}")
