"""The world of one run of the ledger machine: the real ledger, Retail Pro, and the requests between them.

Each method is one thing that can happen, done with the product's own functions. What must be true after
it is in `invariants`; which of them happens next is drawn in `machine`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from proof.ledger.places import Place
from proof.ledger.retail_pro import ANSWERS, Answer, Invoice, RetailPro
from tillbridge.contracts.http_exchange import Exchange
from tillbridge.contracts.invoice_answer import AnswerReading
from tillbridge.contracts.invoice_lookup import FoundInvoice
from tillbridge.database.engine import transaction
from tillbridge.database.group_commit import GroupCommit
from tillbridge.errors import Finding, RecordRejected, Unavailable
from tillbridge.invoicing import marker
from tillbridge.invoicing.clearing import clear_doubts
from tillbridge.invoicing.doubt_policy import DoubtPolicy, Level
from tillbridge.invoicing.ledger import (
    attempts,
    circuit,
    hands,
    orders,
    restores,
    sendings,
    two_numbers,
)
from tillbridge.invoicing.ledger.attempts import Attempt, Terms
from tillbridge.invoicing.ledger.events import OrderKey
from tillbridge.invoicing.ledger.hands import Decision, Endpoint, Statement
from tillbridge.invoicing.ledger.orders import Acceptance
from tillbridge.invoicing.marker import Mark
from tillbridge.invoicing.outcome import Sent, Verdict, judge
from tillbridge.invoicing.transform import InvoiceRequest
from tillbridge.reporting import reports

STORE, SERVER, PERSON = "CASA_STORE", "https://retailpro.example.com", "Mara"
LEASE, ABSENT, QUIET = timedelta(hours=1), timedelta(hours=1), timedelta(hours=3)
KEY_LIFE, DAY = timedelta(hours=24), timedelta(hours=25)
READING = AnswerReading()

POLICIES: dict[Level, DoubtPolicy] = {
    level: DoubtPolicy(level, QUIET, ABSENT, KEY_LIFE) for level in ("L0", "L1", "L2", "L3")
}


@dataclass
class Call:
    """One attempt in a worker's hands, and its request, which lives on when the worker does not."""

    attempt: Attempt
    worker: str
    policy: DoubtPolicy
    key: str | None
    armed_at: timedelta
    sender: Literal["armed", "waiting", "ended", "dead"] = "armed"
    paused: bool = False
    is_underway: bool = False
    was_sent: bool = False
    was_sent_late: bool = False
    lands_by: timedelta = timedelta(0)
    answer: Exchange | None = None
    invoice: Invoice | None = None
    was_lost: bool = False
    is_proven: bool = False
    is_holder: bool = False

    def __str__(self) -> str:
        return f"{self.order_no}/{self.attempt.number}"

    @property
    def order_no(self) -> str:
        """The order it is about."""
        return self.attempt.key.order_no

    @property
    def lives(self) -> bool:
        """Whether its worker may still act, now or when it wakes."""
        return self.sender in {"armed", "waiting"}

    @property
    def counts(self) -> bool:
        """Whether an invoice came of it, or may still."""
        return self.may_book or self.invoice is not None

    @property
    def may_book(self) -> bool:
        """Whether an invoice may still come of it."""
        return self.is_underway or self.sender == "armed"


@dataclass
class World:
    """Everything there is in one run. `now` is the time since its beginning."""

    place: Place
    level: Level
    now: timedelta = timedelta(0)
    calls: list[Call] = field(default_factory=list)
    handed: list[tuple[str, InvoiceRequest]] = field(default_factory=list)
    misjudged: set[str] = field(default_factory=set)
    marked: Mark | None = None
    backed_up_at: timedelta | None = None
    was_restored: bool = False
    is_restoring: bool = False
    is_tripped: bool = False
    files: int = 0
    first_use: dict[str, timedelta] = field(default_factory=dict)
    retail_pro: RetailPro = field(default_factory=lambda: RetailPro(KEY_LIFE))

    @property
    def policy(self) -> DoubtPolicy:
        """What is set now."""
        return POLICIES[self.level]

    @property
    def files_handed(self) -> list[str]:
        """The files that were handed over."""
        return list(dict.fromkeys(file for file, _ in self.handed))

    def numbers_of(self, order_no: str) -> set[str]:
        """Give every number under which the orders of this one were handed over, this one included."""
        ids = {one.order_id for _, one in self.handed if one.order_no == order_no}
        return {one.order_no for _, one in self.handed if one.order_id in ids}

    def calls_of(self, order_no: str) -> list[Call]:
        """Give all calls for an order."""
        return [call for call in self.calls if call.order_no == order_no]

    def begin(self) -> None:
        """Invoice order 0, so that look-ups have an invoice that is certainly there."""
        self.hand_over(order(0), self.next_file())
        call = self.claim("0", "w1")
        assert call
        self.send(call)
        self.deliver(call, ANSWERS["invoiced"], books=True, is_hidden=False)
        assert call.answer
        self.settle(call, call.answer)

    # --- orders come in

    def next_file(self) -> str:
        """Give a name for a new file, later than all before."""
        self.files += 1
        return f"OrderToInvoice-{self.files:04}.json"

    def hand_over(self, request: InvoiceRequest, file: str) -> Acceptance:
        """Enter an order from a file."""
        if (file, request) not in self.handed:
            self.handed.append((file, request))
        with transaction(self.place.engine) as connection:
            return orders.accept(connection, request, file, "run")

    def review(self) -> None:
        """Let a run hold what may not go under its number."""
        two_numbers.hold_what_may_not_go(self.place.engine, STORE, "run")

    # --- calls

    def claim(self, order_no: str, worker: str) -> Call | None:
        """Let a worker take an order, on the terms that are set now."""
        terms = Terms(worker, SERVER, LEASE, self.policy)
        attempt = attempts.arm(GroupCommit(self.place.engine), OrderKey(STORE, order_no), terms)
        if attempt is None:
            return None
        key = attempt.idempotency_key if self.policy.has_key else None
        if key and not any(other.key == key and other.counts for other in self.calls):
            self.first_use[key] = self.now
        call = Call(attempt, worker, self.policy, key, self.now)
        self.calls.append(call)
        return call

    def send(self, call: Call) -> str:
        """Move the marker on, and put a worker's request into the network; gives the digest of its bytes."""
        mark = Mark(self.standing().ledger_id, call.attempt.sending)
        self.marked = max(mark, self.marked or mark)
        call.was_sent = True
        call.sender, call.is_underway = "waiting", True
        call.was_sent_late = call.armed_at + LEASE <= self.now
        call.lands_by = self.now + LEASE + QUIET
        return hashlib.sha256(call.attempt.body).hexdigest()

    def land(self, call: Call, *, books: bool, is_hidden: bool) -> None:
        """Let a request reach Retail Pro; a hidden invoice is found only when its quiet time is over."""
        call.is_underway = False
        if books:
            seen_from = call.lands_by if is_hidden else self.now
            total = call.attempt.total
            call.invoice = self.retail_pro.book(call.order_no, total, call.key, self.now, seen_from)

    def deliver(self, call: Call, answer: Answer, *, books: bool, is_hidden: bool) -> None:
        """Let a request reach Retail Pro, and an answer go back if anybody is there to hear it."""
        self.land(call, books=books if answer.books is None else answer.books, is_hidden=is_hidden)
        if call.sender == "waiting":
            known = call.invoice or self.retail_pro.known(call.key, self.now)
            call.answer = answer.to(call.order_no, call.attempt.total, known)

    def settle(self, call: Call, exchange: Exchange) -> tuple[Verdict, str]:
        """Let a worker judge what came back and write it down."""
        attempt = call.attempt
        sent = Sent(call.order_no, attempt.total, attempt.doubtful)
        verdict = judge(exchange, sent, READING)
        engine = GroupCommit(self.place.engine)
        state = attempts.settle(engine, attempt, verdict, exchange, call.worker, call.policy)
        call.sender, call.paused, call.answer = "ended", False, None
        call.is_proven = verdict.state != "UNKNOWN" and not call.was_lost
        self._end_by(call, self.now + QUIET)
        return verdict, state

    def crash(self, worker: str) -> None:
        """Kill a worker with everything in its hands; what it sent goes on without it."""
        for call in self.calls:
            if call.lives and call.worker == worker:
                self.kill(call)

    def kill(self, call: Call) -> None:
        """End a call without a word."""
        call.sender, call.paused, call.answer = "dead", False, None

    # --- time

    def pass_time(self, by: timedelta, *, lands: bool) -> None:
        """Let time pass. What must have landed by then lands, or is lost.

        No worker sleeps so long that Retail Pro might have forgotten the key that it would send with.
        """
        then = self.now + by
        for call in self.calls:
            if call.is_underway and call.lands_by <= then:
                self.land(call, books=lands, is_hidden=False)
            is_old = call.key and self.first_use[call.key] + KEY_LIFE < then + LEASE + QUIET
            if call.lives and is_old:
                self.kill(call)
        self.place.age(by)
        self.now = then

    def recover(self) -> None:
        """Let a run put in doubt what vanished workers left; who is not dead is asleep."""
        attempts.recover(self.place.engine, STORE, "run", self.policy)
        for call in self.calls:
            if call.lives and call.armed_at + LEASE <= self.now:
                call.paused = call.was_lost = True

    def _end_by(self, call: Call, moment: timedelta) -> None:
        call.lands_by = min(call.lands_by, moment)
        if call.invoice:
            call.invoice.seen_from = min(call.invoice.seen_from, moment)

    # --- doubts

    def look_up(self, how: Literal["well", "down", "refused"]) -> None:
        """Let a run look up what is due; Retail Pro answers truly, or not at all."""

        def find(order_no: str) -> list[FoundInvoice]:
            if how == "down":
                raise Unavailable("HTTP 503")
            if how == "refused" and order_no != "0":
                raise RecordRejected(order_no, (Finding("/OrderNo", order_no, "plain text"),))
            return self.retail_pro.find(order_no, self.now)

        clear_doubts(self.place.engine, find, STORE, SERVER, self.policy, "run")

    def decide(self, order_no: str, total: Decimal, wish: Decision, *, is_hasty: bool) -> str:
        """Let a person decide by what is seen in Retail Pro; gives what was decided, if anything.

        An invoice with another total is corrected there first. A worker is said to be gone when it is,
        and nothing is on its way that it sent after it had lost the order; a hasty person says so without
        asking, and what comes of that is their mistake.
        """
        seen = self.retail_pro.find(order_no, self.now)
        if len(seen) > 1:
            return ""
        is_gone = not any(
            call.lives or (call.was_sent_late and (call.is_underway or self._is_hidden(call)))
            for call in self.calls_of(order_no)
        )
        statement = Statement(PERSON, "looked it up", "documents", is_gone or is_hasty)
        decision, number = wish, None
        others = self.numbers_of(order_no) - {order_no}
        if any(self.retail_pro.find(other, self.now) for other in others):
            decision = Decision.CANCEL
        if seen:
            decision, number = Decision.INVOICED, seen[0].reference
            (invoice,) = (one for one in self.retail_pro.invoices if one.reference == number)
            invoice.total = total
        key = OrderKey(STORE, order_no)
        done = hands.resolve(
            self.place.engine,
            key,
            decision,
            statement,
            number,
            Endpoint(SERVER, QUIET),
            dry_run=False,
        )
        if done.refusal:
            return ""
        if not seen and not is_gone and is_hasty:
            self.misjudged.add(order_no)
        return f"{decision}: {done.after}"

    def _is_hidden(self, call: Call) -> bool:
        return call.invoice is not None and call.invoice.seen_from > self.now

    # --- the whole installation

    def back_up(self) -> None:
        """Take a backup of the database."""
        self.place.back_up()
        self.backed_up_at = self.now

    def standing(self) -> Mark:
        """Return which ledger this is, and how many sendings it knows of."""
        return sendings.standing(self.place.engine, STORE)

    def objection(self) -> str:
        """Say why the next run must not send; empty when it may."""
        found = {"marker": self.marked} if self.marked else {}
        return marker.objection(self.standing(), found, "markers")

    def put_back(self) -> None:
        """Stop every worker and put the backup in place of the database."""
        assert self.backed_up_at is not None
        for call in self.calls:
            if call.lives:
                self.kill(call)
            self._end_by(call, self.now + QUIET)
        self.place.put_back()
        self.place.age(self.now - self.backed_up_at)
        self.was_restored = True
        self.is_restoring = bool(restores.why_nothing_is_sent(self.place.engine))
        self.is_tripped = bool(circuit.why_open(self.place.engine, SERVER))

    def begin_restore(self) -> None:
        """Say that the database was put back; the next run puts this ledger's marker in place of others."""
        restores.begin(self.place.engine, PERSON, "the disk was lost")
        self.is_restoring = True
        self.marked = self.standing()
        for call in self.calls:
            call.was_sent = False  # its order is in doubt now, known or not

    def end_restore(self) -> bool:
        """Let orders be sent, unless one is in doubt; all files must have been handed over again."""
        if restores.in_doubt(self.place.engine):
            return False
        restores.end(self.place.engine, PERSON, "all handed over")
        self.is_restoring = False
        return True

    def trip(self, pause: float | None) -> None:
        """Let a run open the circuit."""
        circuit.trip(self.place.engine, SERVER, "sick", pause)
        self.is_tripped = True

    def probe(self, worker: str) -> str:
        """Let a worker's run ask how it may use the circuit."""
        return circuit.enter(self.place.engine, SERVER, worker).kind

    def close(self, worker: str, is_well: bool) -> bool:
        """Let a worker's run say how its canaries went; gives whether the circuit is closed now."""
        (circuit.close if is_well else circuit.give_back)(self.place.engine, SERVER, worker)
        self.is_tripped = bool(circuit.why_open(self.place.engine, SERVER))
        return not self.is_tripped

    def report(self, *, is_mailed: bool) -> list[tuple[int, int]]:
        """Let a run report; gives the reports and the failures in them."""
        opened = reports.open_reports(self.place.engine, STORE)
        if is_mailed:
            for one in opened:
                reports.mark_mailed(self.place.engine, one.id)
        return [(one.id, failure.id) for one in opened for failure in one.failures]


def renumbered(number: int, content: str = "v1") -> InvoiceRequest:
    """Make the same order under another number."""
    other = f"{number}0"
    body = f'{{"OrderNo":"{other}","content":"{content}"}}'.encode()
    return replace(order(number, content), order_no=other, body=body)


def order(number: int, content: str = "v1", order_id: str | None = None) -> InvoiceRequest:
    """Make an order; each content of each order has a total of its own."""
    digest = hashlib.sha256(f"{number} {content} {order_id}".encode()).digest()
    return InvoiceRequest(
        product_store_id=STORE,
        order_id=order_id or f"M{number}",
        order_no=str(number),
        currency="EUR",
        total=Decimal(int.from_bytes(digest[:3], "big") + 1) / 100,
        invoicing_store="PTL01",
        line_count=1,
        body=f'{{"OrderNo":"{number}","content":"{content}"}}'.encode(),
    )
