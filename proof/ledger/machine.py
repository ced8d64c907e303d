"""The machine: the real ledger on a real database, driven through any order of what can happen to it.

Its rules bear the names of the actions of the protocol model. Each does something in the world, and checks
what must be true of that alone; what must hold after every step is in `invariants`. The product is met
through `world`, which does things to it, and `reading`, which reads it.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from proof.ledger.drawing import (
    COIN,
    DECISIONS,
    WAITS,
    WORKERS,
    lives,
    one_of,
    some_call,
    some_order,
    step,
)
from proof.ledger.ending import drive_to_the_end
from proof.ledger.workers import WorkersSend
from proof.ledger.world import LEASE, POLICIES, Decision


class LedgerMachine(WorkersSend):
    """The whole: also time, doubts, the people who decide, and what befalls the installation."""

    tried_by = "w1"

    # --- time, doubts and people

    @precondition(some_order("INFLIGHT"))
    @rule(lands=COIN)
    @step
    def expire(self, *, lands: bool) -> None:
        """Leases run out, and the next run finds the orders; their workers are dead or asleep."""
        self.world.pass_time(LEASE, lands=lands)
        self.world.recover()

    @precondition(
        lambda m: m.orders_in("INFLIGHT", "UNKNOWN", "PARKED") or not m.orders_in("READY")
    )
    @rule(by=st.sampled_from(("three hours", "an hour", "a day", "three hours")), lands=COIN)
    @step
    def tick(self, by: str, *, lands: bool) -> None:
        """Time passes."""
        self.world.pass_time(WAITS[by], lands=lands)

    @precondition(some_order("UNKNOWN"))
    @rule(how=st.sampled_from(("well", "well", "down", "refused")))
    @step
    def query(self, how: str) -> None:
        """A run looks up the orders in doubt."""
        self.world.look_up(how)  # type: ignore[arg-type]

    @rule(number=one_of(lambda m: m.to_be_decided()), wish=DECISIONS, is_hasty=COIN)
    @step
    def human(self, number: str, wish: Decision, *, is_hasty: bool) -> bool:
        """A person decides about an order by what is seen in Retail Pro."""
        row = self.ledger.rows[number]
        done = self.world.decide(number, row.total, wish, is_hasty=is_hasty)
        if not done:
            self.ledger.check_kept(row, "a decision that was refused")
        return bool(done)

    def to_be_decided(self) -> list[str]:
        """Name all orders, and those that wait for a person more often."""
        return [*self.orders_in("PARKED", "UNKNOWN", "HELD") * 4, *self.ledger.rows]

    @precondition(lambda machine: any(len(number) > 1 for number in machine.ledger.rows))
    @rule()
    @step
    def review(self) -> None:
        """A run holds what may not go under its number, where an order has two."""
        self.world.review()

    @precondition(some_call(lives))
    @rule(level=one_of(lambda m: [level for level in POLICIES if level != m.world.level]))
    @step
    def set_level(self, level: str) -> None:
        """An operator sets another level; calls under way keep theirs."""
        self.world.level = level  # type: ignore[assignment]

    # --- the whole installation

    @precondition(some_call(lives))
    @rule()
    @step
    def restart(self) -> None:
        """The database is closed and opened anew, while workers are at it."""
        self.place.reopen()

    @precondition(lambda m: m.place.has_backups and m.ledger.last_event != m.backed_up)
    @rule()
    @step
    def back_up(self) -> None:
        """A backup is taken, where the database is a file and has changed."""
        self.world.back_up()
        self.ledger.remember()
        self.backed_up = self.ledger.last_event

    @precondition(lambda m: 0 < m.backed_up < m.ledger.last_event)
    @rule(is_told=COIN)
    @step
    def restore(self, *, is_told: bool) -> None:
        """The database is lost, and the last backup is put back."""
        self.world.put_back()
        self.ledger.forget()
        is_found_out = bool(self.world.objection())
        self.ledger.check_put_back(is_found_out=is_found_out)
        if is_found_out or is_told:
            self.world.begin_restore()
            return
        # Nobody noticed, and nobody has to: everything that was sent is known. What came in since comes again.
        self.ledger.check(has_changed=True)
        self._hand_over_again()

    @precondition(lambda m: m.world.is_restoring)
    @rule()
    @step
    def end_restore(self) -> bool:
        """All files are handed over again, and when nothing is in doubt, orders are sent again."""
        self._hand_over_again()
        return self.world.end_restore()

    @precondition(lambda m: not m.world.is_tripped and m.orders_in("READY"))
    @rule(pauses=COIN)
    @step
    def trip(self, *, pauses: bool) -> None:
        """A run finds that Retail Pro is sick."""
        self.world.trip(pause=1800.0 if pauses else None)

    @precondition(lambda m: m.world.is_tripped)
    @rule(worker=WORKERS)
    @step
    def probe(self, worker: str) -> bool:
        """A run asks whether it may send, and becomes the one that tries."""
        is_to_try = self.world.probe(worker) == "canaries"
        self.tried_by = worker if is_to_try else self.tried_by
        return is_to_try

    @precondition(lambda m: m.world.is_tripped)
    @rule(worker=one_of(lambda m: [m.tried_by] * 4 + ["w1", "w2"]), is_well=COIN)
    @step
    def close(self, worker: str, *, is_well: bool) -> bool:
        """The run that tried says how it went."""
        return self.world.close(worker, is_well)

    @precondition(lambda m: m.ledger.failed.total() > len(m.ledger.reported))
    @rule(is_mailed=COIN)
    @step
    def report(self, *, is_mailed: bool) -> None:
        """A run reports what failed, and its mail goes out or not."""
        self.ledger.check_reports(self.world.report(is_mailed=is_mailed))

    # A rule is drawn the more often, the more names it has.
    claim_2 = claim_3 = WorkersSend.claim
    send_2 = send_3 = WorkersSend.send
    deliver_2 = deliver_3 = deliver_4 = WorkersSend.deliver
    answer_2 = answer_3 = answer_4 = answer_5 = answer_6 = WorkersSend.answer
    probe_2 = probe_3 = probe
    close_2 = close_3 = close_4 = close
    late_answer_2 = late_answer_3 = late_answer_4 = WorkersSend.late_answer

    # --- always, and at last

    @invariant()
    def holds(self) -> None:
        """Everything that must hold after each step."""
        if not self.is_over:
            self.ledger.check(has_changed=self.has_changed)
            self.is_sound = True

    @precondition(lambda m: m.is_over or m.steps >= m.at_least)
    @rule()
    def all_ends(self) -> None:
        """Whatever happened, every order comes to its end, and nothing happens after it.

        By its name it is the first of the rules without arguments, and so the one to which Hypothesis
        shrinks every other: what breaks at the end only is told without what led nowhere.
        """
        if not self.is_over:
            self._end()

    def teardown(self) -> None:
        """Bring a run to its end that was not there yet."""
        if self.is_sound and not self.is_over:
            self._end()

    def _end(self) -> None:
        self.is_over = True
        drive_to_the_end(self.world, self.ledger)
        self.tally.fired["all_ends"] += 1
        self.tally.runs += 1


RULES = frozenset(one.function.__name__ for one in LedgerMachine.setup_state().rules)
"""The names of everything that can happen."""
