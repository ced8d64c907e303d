"""The rules of the ledger machine for workers, the network and Retail Pro."""

from __future__ import annotations

from typing import Any

from hypothesis.stateful import precondition, rule

from proof.ledger.drawing import (
    COIN,
    DEEDS,
    NOBODY,
    REASONS,
    WORKERS,
    Deed,
    can_be_lost,
    is_answered,
    is_armed,
    is_asleep,
    is_late,
    is_on_its_way,
    is_unanswered,
    lives,
    one_of,
    some_call,
    some_order,
    step,
)
from proof.ledger.orders import OrdersComeIn
from proof.ledger.retail_pro import ANSWERS, NO_ANSWER, NOT_SENT
from proof.ledger.world import Call, Exchange

calls = OrdersComeIn.calls


class WorkersSend(OrdersComeIn):
    """Two workers that send orders, one of which may stand still, or die, at any moment."""

    @precondition(some_order("READY", "UNKNOWN"))
    @rule(target=calls, number=one_of(lambda m: m.orders_in("READY", "UNKNOWN")), worker=WORKERS)
    @step
    def claim(self, number: str, worker: str) -> Any:
        """A worker takes an order, if the ledger lets it."""
        call = self.world.claim(number, worker)
        if call is None:
            return NOBODY
        self.ledger.check_claim(call)
        return call

    @precondition(lambda m: m.not_to_be_sent())
    @rule(number=one_of(lambda m: m.not_to_be_sent()), worker=WORKERS)
    @step
    def claim_in_vain(self, number: str, worker: str) -> None:
        """A worker asks for an order that is not to be sent, and does not get it."""
        self.ledger.check_not_claimed(number, self.world.claim(number, worker))

    def not_to_be_sent(self) -> list[str]:
        """Name the orders that nobody may claim, but for the one with which each run begins."""
        no_more = {"0", *self.orders_in("READY", "UNKNOWN")}
        return [number for number in self.ledger.rows if number not in no_more]

    @precondition(some_call(is_armed))
    @rule(call=calls.filter(is_armed))
    @step
    def send(self, call: Call) -> None:
        """A worker puts its request into the network, perhaps long after its lease ran out."""
        self.ledger.check_sent(call, self.world.send(call))

    @precondition(some_call(is_on_its_way))
    @rule(call=calls.filter(is_on_its_way), deed=DEEDS)
    @step
    def deliver(self, call: Call, deed: Deed) -> None:
        """A request reaches Retail Pro, which does and says any of what it may."""
        self.world.deliver(call, ANSWERS[deed.says], books=deed.books, is_hidden=deed.hides)
        self.tally.answers[deed.says] += 1

    @precondition(some_call(can_be_lost))
    @rule(call=calls.filter(can_be_lost))
    @step
    def drop(self, call: Call) -> None:
        """The network loses a request or an answer."""
        call.is_underway, call.answer = False, None

    @precondition(some_call(is_unanswered))
    @rule(call=calls.filter(is_unanswered))
    @step
    def delay(self, call: Call) -> None:
        """A worker's deadline passes without an answer; its request may still arrive later."""
        self.tally.answers["no answer"] += 1
        self.world.settle(call, NO_ANSWER)

    @precondition(some_call(is_answered))
    @rule(call=calls.filter(is_answered), twice=COIN)
    @step
    def answer(self, call: Call, *, twice: bool) -> None:
        """A worker that holds the order settles it; perhaps it says so twice."""
        assert call.answer
        self._settle(call, call.answer, twice=twice)

    @precondition(some_call(is_armed))
    @rule(call=calls.filter(is_armed), why=REASONS, twice=COIN)
    @step
    def give_up(self, call: Call, why: str, *, twice: bool) -> None:
        """A worker knows that it never sent, whether or not it still holds the order."""
        self.tally.answers[why] += 1
        self._settle(call, NOT_SENT[why], twice=twice)

    @precondition(some_call(is_late))
    @rule(call=calls.filter(is_late), twice=COIN)
    @step
    def late_answer(self, call: Call, *, twice: bool) -> None:
        """A worker that lost the order records what came of its attempt."""
        self._settle(call, call.answer or NO_ANSWER, twice=twice)

    def _settle(self, call: Call, exchange: Exchange, *, twice: bool) -> None:
        was_holder, before = call.is_holder, self.ledger.rows[call.order_no]
        verdict, state = self.world.settle(call, exchange)
        if not was_holder:
            self.ledger.check_late(call, before, verdict, state)
        if twice:
            settled = self.ledger.read(call.order_no)
            self.world.settle(call, exchange)
            self.ledger.check_kept(settled, "an answer that was written down twice")

    @precondition(some_call(lives))
    @rule(worker=one_of(lambda m: sorted({call.worker for call in m.world.calls if call.lives})))
    @step
    def crash(self, worker: str) -> None:
        """A worker is killed with all that it was doing; what it sent goes on without it."""
        self.world.crash(worker)

    @precondition(some_call(is_asleep))
    @rule(call=calls.filter(is_asleep))
    @step
    def resume(self, call: Call) -> None:
        """A worker that was asleep goes on where it stood."""
        call.paused = False
