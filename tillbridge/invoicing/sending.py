"""One order to Retail Pro: written down, posted, judged, settled.

It never decides by what a caller remembers: whether the order may be sent is asked of the ledger each
time, so calling it again is always safe.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Self

from sqlalchemy import Engine

from tillbridge.clients.retail_pro_exchange import not_sent
from tillbridge.clients.retail_pro_settings import RetailProSettings
from tillbridge.contracts.http_exchange import Exchange, Posting
from tillbridge.database.group_commit import GroupCommit
from tillbridge.errors import NotSent, TillbridgeError, Unavailable
from tillbridge.invoicing.breaker import Breaker
from tillbridge.invoicing.doubt_policy import DoubtPolicy
from tillbridge.invoicing.ledger import attempts, circuit, orders, servers
from tillbridge.invoicing.ledger.attempts import Attempt, Terms
from tillbridge.invoicing.ledger.events import OrderKey
from tillbridge.invoicing.outcome import Sent, Verdict, judge
from tillbridge.invoicing.scrubbing import without_customer_data
from tillbridge.invoicing.states import State

_MARGIN = timedelta(seconds=30)
"""A lease outlives the deadline of its call by this much, for the sake of the database and the marker."""


_SETTLE_PAUSES = (1, 5, 15, 30)
"""Seconds between tries to write down an answer, each of which also waits for a busy database."""


_STOPPED = "The run was stopped; the next run sends it."


class Result(StrEnum):
    """What became of one order in this run."""

    INVOICED = "invoiced"
    ALREADY_INVOICED = "already invoiced"
    REJECTED = "rejected"
    IN_DOUBT = "in doubt"
    PARKED = "parked"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one order, and one sentence why."""

    order_no: str
    result: Result
    reason: str = ""


_RESULTS = {
    "CONFIRMED": Result.ALREADY_INVOICED,
    "REJECTED": Result.REJECTED,
    "UNKNOWN": Result.IN_DOUBT,
    "PARKED": Result.PARKED,
}


class _NotReady(Exception):
    """The ledger does not let this order go now."""


class _NotMarked(Exception):
    """The order is armed, but that could not be said on SFTP, so it must not go."""

    def __init__(self, problem: TillbridgeError) -> None:
        super().__init__(problem)
        self.problem = problem


def policy_of(settings: RetailProSettings) -> DoubtPolicy:
    """Say what an endpoint's settings allow for orders in doubt."""
    return DoubtPolicy(
        settings.capability,
        quiet=timedelta(minutes=settings.quiet_minutes),
        absent=timedelta(minutes=settings.absent_minutes),
        key_life=timedelta(hours=settings.key_hours),
    )


@dataclass(frozen=True)
class Sender:
    """What all orders of one run share; outside its `with` block no order is let go any more.

    `post` makes one call; it asks for the bytes when nothing but sending them is left to do. `reach` is
    told the number of each sending before that; what it raises keeps the order from going.
    """

    engine: Engine | GroupCommit
    post: Callable[[Callable[[], Posting]], Exchange]
    settings: RetailProSettings
    owner: str
    reach: Callable[[int], None]
    breaker: Breaker = field(default_factory=Breaker)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Threads may still wait for their call, as when the run was asked to stop. Their orders are not
        # sent, which must not look as if the far end were down: the next run is to go on as usual.
        self.breaker.stop(_STOPPED)

    @property
    def terms(self) -> Terms:
        """The terms on which the ledger lets this run send."""
        lease = timedelta(seconds=self.settings.deadline) + _MARGIN
        return Terms(self.owner, self.settings.base_url, lease, policy_of(self.settings))

    def send(self, key: OrderKey) -> Outcome:
        """Send one order if the ledger allows it.

        Raises:
            NotSent: provably nothing was booked and the order is READY; call again later.
            Unavailable: the database is out of reach. If the order was in flight, it is put in doubt
                when its lease ends.
        """
        if self.breaker.is_tripped:
            return Outcome(key.order_no, Result.WAITING, self.breaker.reason)
        armed: list[Attempt] = []

        def arm() -> Posting:
            # The wait for a free call may have been long.
            if self.breaker.is_tripped:
                raise _NotReady
            attempt = attempts.arm(self.engine, key, self.terms)
            if attempt is None:
                raise _NotReady
            armed.append(attempt)
            self._mark(attempt)
            with_key = self.terms.policy.has_key
            return Posting(attempt.body, attempt.idempotency_key if with_key else None)

        try:
            exchange = self.post(arm)
        except _NotReady:
            return self._not_sent(key)
        except _NotMarked as unmarked:
            exchange = not_sent(unmarked.problem)
        verdict = self._judge(exchange, armed)
        # The breaker first: settling waits for the database, and others would start meanwhile.
        trips = self.breaker.watch(verdict)
        state: State = self._settle(armed[0], verdict, exchange) if armed else "READY"
        if trips:
            circuit.trip(
                self.engine, self.settings.base_url, self.breaker.reason, self.breaker.pause
            )
        if state == "CONFIRMED":
            return Outcome(key.order_no, Result.INVOICED)
        if state == "READY" and not self.breaker.is_tripped:
            raise NotSent(f"order {key.order_no}: {verdict.reason}", verdict.retry_after)
        return Outcome(key.order_no, _RESULTS.get(state, Result.WAITING), verdict.reason)

    def _mark(self, attempt: Attempt) -> None:
        """Let the number of the sending stand on SFTP, in time for the call to end within its lease."""
        began = time.monotonic()
        try:
            self.reach(attempt.sending)
        except TillbridgeError as problem:
            raise _NotMarked(problem) from problem
        if time.monotonic() - began > _MARGIN.total_seconds():
            slow = Unavailable(f"the SFTP server took more than {_MARGIN.seconds} s for the marker")
            raise _NotMarked(slow)

    def _not_sent(self, key: OrderKey) -> Outcome:
        """Say why the ledger did not let an order go."""
        state, reason = orders.state_of(self.engine, key)
        if state == "READY":
            reason = self.breaker.reason or reason
        if state in {"READY", "UNKNOWN"}:
            reason = servers.why_not(self.engine, key, self.settings.base_url) or reason
        return Outcome(key.order_no, _RESULTS.get(state, Result.WAITING), reason or "")

    def _settle(self, attempt: Attempt, verdict: Verdict, exchange: Exchange) -> State:
        """Write down what came back, patiently: without it a clear answer becomes an order in doubt."""
        write_down = partial(
            attempts.settle,
            self.engine,
            attempt,
            verdict,
            exchange,
            self.owner,
            self.terms.policy,
        )
        for pause in _SETTLE_PAUSES:
            try:
                return write_down()
            except Unavailable:
                time.sleep(pause)
        return write_down()

    def _judge(self, exchange: Exchange, armed: list[Attempt]) -> Verdict:
        attempt = armed[0] if armed else None
        sent = Sent(attempt.key.order_no, attempt.total, attempt.doubtful) if attempt else None
        verdict = judge(
            exchange,
            sent,
            self.settings.answer,
            too_many_is_unapplied=self.settings.too_many_requests_is_unapplied,
        )
        # The reason for a confirmation is our own sentence; there is nothing to take out.
        if attempt is None or verdict.state == "CONFIRMED":
            return verdict
        return without_customer_data(verdict, attempt.body)
