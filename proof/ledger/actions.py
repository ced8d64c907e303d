"""The actions of the ledger machine, under the names of those of the protocol model.

Each chooses by chance among what it can be done to, does it in the world, and checks what must be true of
that action alone. It says what it did, or None when there was nothing to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import TypeVar

from proof.ledger.invariants import Ledger
from proof.ledger.retail_pro import ANSWER_KINDS, ANSWERS, NO_ANSWER, NOT_SENT
from proof.ledger.world import ABSENT, DAY, LEASE, POLICIES, QUIET, Call, World, order, renumbered
from tillbridge.contracts.http_exchange import Exchange
from tillbridge.invoicing.ledger.hands import Decision
from tillbridge.invoicing.transform import InvoiceRequest

T = TypeVar("T")

WORKERS = ("w1", "w2")
NUMBERS = (1, 2, 3)


@dataclass
class Run:
    """One run of the machine: its world, what the ledger says of it, and chance."""

    world: World
    ledger: Ledger
    chance: Random = field(default_factory=Random)
    versions: Counter[int] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    backed_up: int = 0

    def any_of(self, some: list[T]) -> T | None:
        """Choose one; None when there is none."""
        return self.chance.choice(some) if some else None

    def call(self, can: Callable[[Call], object]) -> Call | None:
        """Choose a call that can do something."""
        return self.any_of([call for call in self.world.calls if can(call)])

    def flip(self) -> bool:
        """Toss a coin."""
        return self.chance.random() < 0.5

    def has(self, *states: str) -> bool:
        """Say whether an order is in one of these states."""
        return any(row.state in states for row in self.ledger.rows.values())

    def order_in(self, *states: str) -> str | None:
        """Choose an order, most often one in these states."""
        rows = self.ledger.rows
        wanted = [number for number, row in rows.items() if row.state in states]
        return self.any_of(wanted if wanted and self.chance.random() < 0.8 else list(rows))


# --- orders come in


def ingest(run: Run) -> str | None:
    """An order comes in, for the first time, or again after it was refused."""
    rows = run.ledger.rows
    number = run.any_of(
        [n for n in NUMBERS if str(n) not in rows or rows[str(n)].state == "REJECTED"]
    )
    if number is None:
        return None
    return _hand_over(run, order(number, f"v{run.versions[number]}"))


def ingest_changed(run: Run) -> str:
    """An order comes in with other content."""
    number = run.chance.choice(NUMBERS)
    run.versions[number] += 1
    return _hand_over(run, order(number, f"v{run.versions[number]}"))


def ingest_other_order(run: Run) -> str:
    """Another order comes in under the same number."""
    number = run.chance.choice(NUMBERS)
    return _hand_over(run, order(number, "other", f"X{number}"))


def ingest_other_number(run: Run) -> str:
    """An order comes in under another number, from a new file or from one that is older than all."""
    number = run.chance.choice(NUMBERS)
    request = renumbered(number, f"v{run.versions[number]}")
    return _hand_over(run, request, None if run.flip() else "OrderToInvoice-0000.json")


def duplicate_file(run: Run) -> str:
    """A file comes again under its old name."""
    file, request = run.chance.choice(run.world.handed)
    return _hand_over(run, request, file)


def _hand_over(run: Run, request: InvoiceRequest, file: str | None = None) -> str:
    before = run.ledger.rows.get(request.order_no)
    told = run.ledger.failed[f"{request.order_no} conflict"]
    result = run.world.hand_over(request, file or run.world.next_file())
    about = f"{request.order_no}: {result}"
    run.ledger.check_accepted(request, before, told, result, about)
    return about


# --- workers, the network and Retail Pro


def claim(run: Run) -> str | None:
    """A worker takes an order, if the ledger lets it."""
    number = run.order_in("READY", "UNKNOWN")
    call = run.world.claim(number, run.chance.choice(WORKERS)) if number else None
    if call is None:
        return None
    run.ledger.check_claim(call)
    return f"{call} by {call.worker}"


def send(run: Run) -> str | None:
    """A worker puts its request into the network, perhaps long after its lease ran out."""
    call = run.call(lambda call: call.sender == "armed" and not call.paused)
    if call is None:
        return None
    run.ledger.check_sent(call, run.world.send(call))
    return str(call)


def deliver(run: Run) -> str | None:
    """A request reaches Retail Pro, which does and says any of what it may."""
    call = run.call(lambda call: call.is_underway)
    if call is None:
        return None
    name = run.chance.choice(run.chance.choice(ANSWER_KINDS))
    run.world.deliver(call, ANSWERS[name], books=run.flip(), is_hidden=run.flip())
    run.answers[name] += 1
    return f"{call}: {name}{', booked' if call.invoice else ''}"


def drop(run: Run) -> str | None:
    """The network loses a request or an answer."""
    call = run.call(lambda call: call.is_underway or call.answer)
    if call is None:
        return None
    call.is_underway, call.answer = False, None
    return str(call)


def delay(run: Run) -> str | None:
    """A worker's deadline passes without an answer; its request may still arrive later."""
    call = run.call(
        lambda call: call.sender == "waiting" and not call.answer and run.ledger.holds(call)
    )
    if call is None:
        return None
    run.answers["no answer"] += 1
    return f"{call}: {run.world.settle(call, NO_ANSWER)[1]}"


def answer(run: Run) -> str | None:
    """A worker that holds the order settles it, or knows that it never sent; perhaps it says so twice."""
    gives_up = run.chance.random() < 0.2
    call = run.call(
        lambda call: (
            run.ledger.holds(call) and (call.answer or (gives_up and call.sender == "armed"))
        )
    )
    if call is None:
        return None
    exchange = _finding(run, call)
    _, state = run.world.settle(call, exchange)
    if run.flip():
        before = run.ledger.read(call.order_no)
        run.world.settle(call, exchange)
        run.ledger.check_kept(before, "an answer that was written down twice")
    return f"{call}: {state}"


def late_answer(run: Run) -> str | None:
    """A worker that lost the order records what came of its attempt."""
    call = run.call(lambda call: call.lives and not call.paused and not run.ledger.holds(call))
    if call is None:
        return None
    before = run.ledger.rows[call.order_no]
    verdict, state = run.world.settle(call, _finding(run, call))
    run.ledger.check_late(call, before, verdict, state)
    return f"{call}: {verdict.state}, {state}"


def _finding(run: Run, call: Call) -> Exchange:
    if call.sender == "armed":
        why = run.chance.choice(list(NOT_SENT))
        run.answers[why] += 1
        return NOT_SENT[why]
    return call.answer or NO_ANSWER


def crash(run: Run) -> str | None:
    """A worker is killed with all that it was doing; what it sent goes on without it."""
    call = run.call(lambda call: call.lives)
    if call is None:
        return None
    run.world.crash(call.worker)
    return call.worker


def resume(run: Run) -> str | None:
    """A worker that was asleep goes on where it stood."""
    call = run.call(lambda call: call.paused)
    if call is None:
        return None
    call.paused = False
    return str(call)


# --- time, doubts and people


def expire(run: Run) -> str | None:
    """Leases run out, and the next run finds the orders; their workers are dead or asleep."""
    if not run.has("INFLIGHT"):
        return None
    run.world.pass_time(LEASE, lands=run.flip())
    run.world.recover()
    return ""


def tick(run: Run) -> str | None:
    """Time passes."""
    if not run.has("READY", "INFLIGHT", "UNKNOWN", "PARKED"):
        return None
    by: timedelta = run.chance.choice([ABSENT, QUIET, QUIET, QUIET, DAY])
    run.world.pass_time(by, lands=run.flip())
    return str(by)


def query(run: Run) -> str | None:
    """A run looks up the orders in doubt."""
    if not run.has("UNKNOWN"):
        return None
    how = run.chance.choice(["well", "well", "well", "well", "down", "refused"])
    run.world.look_up(how)  # type: ignore[arg-type]
    return how


def human(run: Run) -> str | None:
    """A person decides about an order by what is seen in Retail Pro."""
    number = run.order_in("PARKED", "UNKNOWN", "HELD")
    if number is None:
        return None
    row = run.ledger.rows[number]
    wish = run.chance.choice([Decision.SEND_AGAIN, Decision.MEND, Decision.CANCEL])
    done = run.world.decide(number, row.total, wish, is_hasty=run.chance.random() < 0.2)
    if not done:
        run.ledger.check_kept(row, "a decision that was refused")
        return None
    return f"{number}: {done}"


def review(run: Run) -> str | None:
    """A run holds what may not go under its number."""
    if len(run.ledger.rows) < 2:
        return None
    run.world.review()
    return ""


def set_level(run: Run) -> str | None:
    """An operator sets another level; calls under way keep theirs."""
    level = run.chance.choice(list(POLICIES))
    if level == run.world.level:
        return None
    run.world.level = level
    return level


# --- the whole installation


def restart(run: Run) -> str:
    """The database is closed and opened anew, while workers may be at it."""
    run.world.place.reopen()
    return ""


def back_up(run: Run) -> str | None:
    """A backup is taken, where the database is a file and has changed."""
    if not run.world.place.has_backups or run.ledger.last_event == run.backed_up:
        return None
    run.world.back_up()
    run.ledger.remember()
    run.backed_up = run.ledger.last_event
    return ""


def restore(run: Run) -> str | None:
    """The database is lost, and the last backup is put back."""
    if not 0 < run.backed_up < run.ledger.last_event:
        return None
    run.world.put_back()
    run.ledger.forget()
    is_found_out = bool(run.world.objection())
    run.ledger.check_put_back(is_found_out=is_found_out)
    if is_found_out or run.flip():
        run.world.begin_restore()
        return "found out" if is_found_out else "told"
    # Nobody noticed, and nobody has to: everything that was sent is known. What came in since comes again.
    run.ledger.check(has_changed=True)
    for file, request in list(run.world.handed):
        _hand_over(run, request, file)
    return "unnoticed"


def end_restore(run: Run) -> str | None:
    """All files are handed over again, and when nothing is in doubt, orders are sent again."""
    if not run.world.is_restoring:
        return None
    for file, request in list(run.world.handed):
        _hand_over(run, request, file)
    return "" if run.world.end_restore() else "refused"


def trip(run: Run) -> str | None:
    """A run finds that Retail Pro is sick."""
    if run.world.is_tripped or not run.has("READY"):
        return None
    run.world.trip(pause=1800.0 if run.flip() else None)
    return ""


def probe(run: Run) -> str | None:
    """A run asks whether it may send, and becomes the one that tries."""
    worker = run.chance.choice(WORKERS)
    return worker if run.world.is_tripped and run.world.probe(worker) == "canaries" else None


def close(run: Run) -> str | None:
    """The run that tried says how it went."""
    worker = run.chance.choice(WORKERS)
    return worker if run.world.is_tripped and run.world.close(worker, run.flip()) else None


def report(run: Run) -> str | None:
    """A run reports what failed, and its mail goes out or not."""
    if run.ledger.failed.total() <= len(run.ledger.reported):
        return None
    run.ledger.check_reports(run.world.report(is_mailed=run.flip()))
    return ""


OUTSIDE = frozenset({"send", "deliver", "drop", "crash", "resume", "set_level"})
"""Actions that do not touch the ledger."""

ACTIONS: dict[Callable[[Run], str | None], int] = {
    claim: 20, send: 20, deliver: 20, drop: 4, delay: 8, answer: 15, late_answer: 15, crash: 4,
    resume: 12, expire: 6, tick: 8, query: 12, human: 5, set_level: 1,
    ingest: 8, ingest_changed: 1, ingest_other_order: 1, ingest_other_number: 3, duplicate_file: 1, review: 2,
    restart: 1, back_up: 2, restore: 2, end_restore: 8, trip: 1, probe: 8, close: 15, report: 2,
}  # fmt: skip
"""Every action, and how often it happens beside the others where it can."""

NEEDED = frozenset({"ingest", "claim", "send", "deliver", "answer"})
"""Actions without which little else could happen."""
