"""One order to Retail Pro: written down, posted, judged, settled.

It never decides by what a caller remembers: whether the order may be sent is asked of the ledger each
time, so calling it again is always safe.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import Engine

from tillbridge.clients.retail_pro_settings import RetailProSettings
from tillbridge.contracts.http_exchange import Exchange
from tillbridge.database.group_commit import GroupCommit
from tillbridge.errors import NotSent, Unavailable
from tillbridge.invoicing.brake import Brake
from tillbridge.invoicing.ledger import attempts, orders
from tillbridge.invoicing.ledger.attempts import Attempt
from tillbridge.invoicing.ledger.events import OrderKey
from tillbridge.invoicing.outcome import Sent, Verdict, judge
from tillbridge.invoicing.scrubbing import without_customer_data
from tillbridge.invoicing.states import State

_MARGIN = timedelta(seconds=30)
"""A lease outlives the deadline of its call by this much, for the database's sake."""


_SETTLE_PAUSES = (1, 5, 15, 30)
"""Seconds between tries to write down an answer, each of which also waits for a busy database."""


class Result(StrEnum):
    """What became of one order in this run."""

    INVOICED = "invoiced"
    ALREADY_INVOICED = "already invoiced"
    REJECTED = "rejected"
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
    "PARKED": Result.PARKED,
}


class _NotReady(Exception):
    """The ledger does not let this order go now."""


@dataclass(frozen=True)
class Sender:
    """What all orders of one run share.

    `post` makes one call; it asks for the bytes when nothing but sending them is left to do.
    """

    engine: Engine | GroupCommit
    post: Callable[[Callable[[], bytes]], Exchange]
    settings: RetailProSettings
    owner: str
    brake: Brake

    @property
    def lease(self) -> timedelta:
        """How long an order is held for one call."""
        return timedelta(seconds=self.settings.deadline) + _MARGIN

    def send(self, key: OrderKey) -> Outcome:
        """Send one order if the ledger allows it.

        Raises:
            NotSent: provably nothing was booked and the order is READY; call again later.
            Unavailable: the database is out of reach. If the order was in flight, it is parked when
                its lease ends.
        """
        if self.brake.is_pulled:
            return Outcome(key.order_no, Result.WAITING, self.brake.reason)
        armed: list[Attempt] = []

        def arm() -> bytes:
            # The wait for a free call may have been long.
            if self.brake.is_pulled:
                raise _NotReady
            attempt = attempts.arm(self.engine, key, self.owner, self.lease)
            if attempt is None:
                raise _NotReady
            armed.append(attempt)
            return attempt.body

        try:
            exchange = self.post(arm)
        except _NotReady:
            now, reason = orders.state_of(self.engine, key)
            why = self.brake.reason if now == "READY" else reason
            return Outcome(key.order_no, _RESULTS.get(now, Result.WAITING), why or "")
        verdict = self._judge(exchange, armed)
        # The brake first: settling waits for the database, and others would start meanwhile.
        self.brake.watch(verdict)
        state: State = self._settle(armed[0], verdict, exchange) if armed else "READY"
        if state == "CONFIRMED":
            return Outcome(key.order_no, Result.INVOICED)
        if state == "READY" and not self.brake.is_pulled:
            raise NotSent(f"order {key.order_no}: {verdict.reason}", verdict.retry_after)
        return Outcome(key.order_no, _RESULTS.get(state, Result.WAITING), verdict.reason)

    def _settle(self, attempt: Attempt, verdict: Verdict, exchange: Exchange) -> State:
        """Write down what came back, patiently: without it a clear answer becomes an order in doubt."""
        for pause in _SETTLE_PAUSES:
            try:
                return attempts.settle(self.engine, attempt, verdict, exchange, self.owner)
            except Unavailable:
                time.sleep(pause)
        return attempts.settle(self.engine, attempt, verdict, exchange, self.owner)

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
