"""The end of a run of the ledger machine: whatever happened, every order can still come to its end.

Nothing is drawn here. Half of what is under way arrives, the other half is lost; then time passes, runs
look up and send, and a careful person decides what is left.
"""

from __future__ import annotations

from proof.ledger.invariants import END_STATES, Ledger
from proof.ledger.retail_pro import ANSWERS, NO_ANSWER
from proof.ledger.world import DAY, Decision, World

_MOST_ROUNDS = 12


def drive_to_the_end(world: World, ledger: Ledger) -> None:
    """Bring every order to an end.

    Raises:
        Broken: an invariant does not hold on the way, or an order comes to no end.
    """
    for number in range(_MOST_ROUNDS):
        _end_calls(world, lands=number % 2 == 0)
        world.pass_time(DAY, lands=number % 2 == 1)
        world.recover()
        world.look_up("well")
        ledger.check(has_changed=True)
        if not world.is_restoring and _is_over(ledger):
            break
        _decide(world, ledger)
        if world.is_restoring:
            for file, request in list(world.handed):
                world.hand_over(request, file)
            world.end_restore()
        ledger.check(has_changed=True)
        _send(world, ledger)
        ledger.check(has_changed=True)
    ledger.check_reports(world.report(is_mailed=True))
    ledger.check_end()


def _end_calls(world: World, *, lands: bool) -> None:
    for call in world.calls:
        if call.is_underway and lands:
            world.deliver(call, ANSWERS["invoiced"], books=True, is_hidden=False)
        if call.lives and (call.answer or call.sender == "waiting"):
            world.settle(call, call.answer or NO_ANSWER)
        elif call.lives:
            world.kill(call)


def _is_over(ledger: Ledger) -> bool:
    return all(row.state in END_STATES - {"PARKED"} for row in ledger.rows.values())


def _decide(world: World, ledger: Ledger) -> None:
    for number, row in ledger.rows.items():
        if row.state in {"PARKED", "HELD"} or row.conflict_sha256:
            done = world.decide(number, row.total, Decision.SEND_AGAIN, is_hasty=False)
            if not done and row.state == "HELD":
                # Each of its numbers waits for the other; this is the one that must not be.
                world.decide(number, row.total, Decision.CANCEL, is_hasty=False)


def _send(world: World, ledger: Ledger) -> None:
    world.probe("w1")
    world.close("w1", is_well=True)
    world.review()
    for number in ledger.rows:
        call = world.claim(number, "w1")
        if call:
            ledger.check_claim(call)
            ledger.check_sent(call, world.send(call))
            world.deliver(call, ANSWERS["invoiced"], books=True, is_hidden=False)
