"""The oracle: what must be true after any number of crashes, whatever the ledger thinks of itself. Pure.

An order is *in doubt* when one of its attempts was never ended by its sender, or reached Retail Pro and
brought back no proof, and none of its attempts brought back the proof of an invoice. What Retail Pro
received and answered is taken from its journal, who was killed from the list of kills. That an answer
went out does not mean that all of it arrived before its sender's deadline: one whose proof is in its body
counts only where the bytes that the sender kept are the ones that were sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from proof.crashes.evidence import Attempt, Evidence
from sandbox.journal import Received
from tillbridge.contracts import feed_manifest
from tillbridge.invoicing.states import EDGES

FINAL = {"CONFIRMED", "REJECTED", "PARKED"}

_MOST_SHOWN = 5
_PROOF_IN_BODY = 200
"""The status that proves nothing by itself; a refusal by status does."""


@dataclass(frozen=True)
class HandedOver:
    """What went in: orders with their totals and requests' digests, files with theirs, unusable ones."""

    sent: Mapping[str, Decimal | None]
    files: Mapping[str, str]
    unusable: int
    bodies: Mapping[str, str]


@dataclass(frozen=True)
class Doubts:
    """The orders whose outcome nobody on our side can know.

    `reached`: a request of theirs came in. `unreached`: their worker was killed before one did.
    `unheard`: their sender got no answer and Retail Pro heard nothing, as when it was too busy to accept
    the connection before the deadline; or the answer came when the order had been given up for lost, and
    says that nothing was made. They may be parked.
    """

    reached: frozenset[str]
    unreached: frozenset[str]
    unheard: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        """Give those that have to be parked."""
        return self.reached | self.unreached


def doubts(found: Evidence) -> Doubts:
    """Find the orders in doubt."""
    reached, unreached, unheard = set(), set(), set()
    for order_no, attempts in found.attempts.items():
        ends = [*(one.armed_at for one in attempts[1:]), datetime.max.replace(tzinfo=UTC)]
        outcomes = [
            _outcome(
                one,
                _between(found.requests.get(order_no, ()), one.armed_at, end),
                was_given_up=_was_given_up(one, found.landed.get(order_no, ())),
            )
            for one, end in zip(attempts, ends, strict=True)
        ]
        if "invoiced" in outcomes:
            continue
        if "unproven" in outcomes:
            reached.add(order_no)
        elif "lost" in outcomes:
            unreached.add(order_no)
        elif "unheard" in outcomes:
            unheard.add(order_no)
    return Doubts(frozenset(reached), frozenset(unreached), frozenset(unheard))


def always(found: Evidence, given: HandedOver, killed: Collection[str]) -> list[str]:
    """List what must never be so, at any moment."""
    made = {number: len(some) for number, some in found.invoices.items()}
    quarantined = _quarantined(found)
    states = {number: order.state for number, order in found.orders.items()}
    return [
        *_those("invoiced more than once", (n for n, count in made.items() if count > 1)),
        *_those("invoiced under two numbers", _under_two_numbers(found)),
        *_those(
            "confirmed without its invoice",
            (n for n, state in states.items() if state == "CONFIRMED" and not made.get(n)),
        ),
        *_those("confirmed with another amount or number than the invoice's", _differing(found)),
        *_those(
            "rejected, but invoiced",
            (n for n, state in states.items() if state == "REJECTED" and made.get(n)),
        ),
        *_those("in the ledger, but never handed over", states.keys() - given.sent.keys()),
        *_those(
            "in the ledger with another total than was handed over",
            (
                n
                for n, order in found.orders.items()
                if given.sent.get(n) is not None and given.sent[n] != order.total
            ),
        ),
        *_those("sent with other bytes than were handed over", changed_on_the_way(found, given)),
        *_those("moved along no edge of the states", _off_the_edges(found)),
        *_those("on the wire without an attempt written down before", _unwritten(found)),
        *_those(
            "left open by a worker that was not killed",
            (
                one.order_no
                for one in _attempts(found)
                if one.ended_at is None
                and one.owner not in killed
                and states[one.order_no] != "INFLIGHT"
            ),
        ),
        *_those("stored twice among the answers", _repeated(found.responses)),
        *_those("exported twice", _repeated(found.exported)),
        *_those("failed, and in the list of two mails", _mailed_twice(found)),
        *(
            [f"{quarantined - given.unusable} more are reported as unusable than there are"]
            if quarantined > given.unusable
            else []
        ),
    ]


def in_the_end(
    found: Evidence, given: HandedOver, level: Literal["L0", "L1", "L2", "L3"]
) -> list[str]:
    """List what must not be so once every flow has run to its end."""
    states = {number: order.state for number, order in found.orders.items()}
    parked = {number for number, state in states.items() if state == "PARKED"}
    doubtful = doubts(found)
    in_doubt = doubtful.all
    stored = set(found.responses)
    ended = {(one.order_no, one.number) for one in _attempts(found) if one.ended_at}
    quarantined = _quarantined(found)
    reported = {one.order_no for one in found.failures}
    return [
        *_those("lost", given.sent.keys() - states.keys()),
        *_those("not at an end", (n for n, state in states.items() if state not in FINAL)),
        *_those("parked, though its outcome is known", parked - in_doubt - doubtful.unheard),
        *_those(
            "in doubt, but not parked",
            (in_doubt - parked) if level == "L0" else (),
        ),
        *_those(
            "rejected or parked, but not reported",
            (
                n
                for n, state in states.items()
                if state in FINAL - {"CONFIRMED"} and n not in reported
            ),
        ),
        *_those("without its answer stored", (str(one) for one in ended - stored)),
        *_those("stored without an answer", (str(one) for one in stored - ended)),
        *_those("not in the archive as it was handed over", _not_put_away(found, given.files)),
        *_those("left waiting or claimed", _left(found.files)),
        *_those("not mailed", (one.order_no for one in found.failures if one.mailed_at is None)),
        *_those("mailed in no mail that came", _never_came(found)),
        *(
            [f"{given.unusable - quarantined} unusable orders or files are not reported"]
            if quarantined < given.unusable
            else []
        ),
        *([f"{found.unsent_feeds} feeds are unsent"] if found.unsent_feeds else []),
    ]


def changed_on_the_way(found: Evidence, given: HandedOver) -> set[str]:
    """Find the orders whose request is not, byte for byte, the one that was handed over."""
    return {
        number
        for number, requests in found.requests.items()
        for one in requests
        if one.note != "unfinished" and given.bodies.get(number, one.sha256) != one.sha256
    }


def cut_short(found: Evidence) -> frozenset[str]:
    """Find the orders whose proof went out whole, and was cut off by their sender's deadline."""
    return frozenset(
        number
        for number, attempts in found.attempts.items()
        for one in found.requests.get(number, ())
        for attempt in attempts
        if one.delivered
        and one.status == attempt.http_status == _PROOF_IN_BODY
        and one.sha256 == attempt.body_sha256
        and one.proves != "nothing"
        and attempt.ended_at is not None
        and one.answer_sha256 != attempt.answer_sha256
    )


def _those(what: str, which: Iterable[str]) -> list[str]:
    """Say what is wrong with those orders or files; nothing when there are none."""
    names = sorted(set(which))
    if not names:
        return []
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return [f"{len(names)} {what}: {', '.join(names[:_MOST_SHOWN])}{more}"]


def _quarantined(found: Evidence) -> int:
    return sum(one.kind == "quarantined" for one in found.failures)


def _attempts(found: Evidence) -> Iterator[Attempt]:
    for some in found.attempts.values():
        yield from some


def _between(requests: Sequence[Received], start: datetime, end: datetime) -> list[Received]:
    return [one for one in requests if start <= datetime.fromisoformat(one.received_at) < end]


def _was_given_up(attempt: Attempt, landed: Sequence[datetime]) -> bool:
    """Say whether the ledger took the order from an attempt before its sender wrote down an end."""
    end = attempt.ended_at
    return end is not None and any(attempt.armed_at <= moment < end for moment in landed)


def _outcome(
    attempt: Attempt, requests: Sequence[Received], *, was_given_up: bool
) -> Literal["invoiced", "nothing made", "unproven", "lost", "unheard"]:
    """Say what an attempt's sender can know, from what came in and what it wrote down."""
    if attempt.ended_at is None:
        return "unproven" if requests else "lost"
    nothing_made: Literal["unheard", "nothing made"] = "unheard" if was_given_up else "nothing made"
    if not requests:
        return "unheard" if attempt.http_status is None else nothing_made
    for one in requests:
        said_enough = one.status != _PROOF_IN_BODY or one.answer_sha256 == attempt.answer_sha256
        if one.delivered and one.status == attempt.http_status and said_enough:
            if one.proves == "invoiced":
                return "invoiced"
            if one.proves == "refused":
                return nothing_made
    return "unproven"


def _under_two_numbers(found: Evidence) -> Iterator[str]:
    """Find the HotWax orders that were invoiced under more than one number."""
    invoiced = Counter(
        order.order_id for number, order in found.orders.items() if found.invoices.get(number)
    )
    yield from (order_id for order_id, count in invoiced.items() if order_id and count > 1)


def _differing(found: Evidence) -> Iterator[str]:
    for number, order in found.orders.items():
        made = found.invoices.get(number, ())
        if order.state == "CONFIRMED" and made:
            totals = {one.total for one in made} != {order.total}
            if totals or order.erp_ref not in {one.invoice_no for one in made}:
                yield number


def _off_the_edges(found: Evidence) -> Iterator[str]:
    for number, order in found.orders.items():
        state: str | None = None
        for start, end in found.steps.get(number, ()):
            if start != state or end not in EDGES[start]:  # type: ignore[index]
                yield number
            state = end
        if state != order.state:
            yield number


def _unwritten(found: Evidence) -> Iterator[str]:
    for number, requests in found.requests.items():
        for one in requests:
            written = [
                attempt
                for attempt in found.attempts.get(number, ())
                if attempt.armed_at <= datetime.fromisoformat(one.received_at)
                and (attempt.body_sha256 == one.sha256 or one.note == "unfinished")
            ]
            if number and not written:
                yield number


def _repeated(things: Iterable[object]) -> list[str]:
    return [str(thing) for thing, count in Counter(things).items() if count > 1]


def _mailed_twice(found: Evidence) -> Iterator[str]:
    """Find mails of one id that differ, and failures that are in more mails than there are of them."""
    by_id: dict[str, tuple[str, ...]] = {}
    for mail in found.mails:
        if by_id.setdefault(mail.message_id, mail.orders) != mail.orders:
            yield mail.message_id
    mailed = Counter(order for orders in by_id.values() for order in orders if order.isdecimal())
    failed = Counter(one.order_no for one in found.failures)
    yield from (order for order, count in mailed.items() if count > failed[order])


def _never_came(found: Evidence) -> list[str]:
    came = {mail.message_id.partition("@")[0].removeprefix("<") for mail in found.mails}
    return [one.order_no for one in found.failures if one.mailed_at and one.message_id not in came]


def _not_put_away(found: Evidence, given: Mapping[str, str]) -> list[str]:
    away = Counter(
        digest
        for path, digest in found.files.items()
        if {"archive", "quarantine"} & set(path.split("/"))
    )
    return [
        path
        for path, digest in given.items()
        if away[digest] != 1 and not path.endswith(feed_manifest.SUFFIX)
    ]


def _left(files: Mapping[str, str]) -> list[str]:
    """Find the files that nobody would take; a manifest may stand without its file for a day."""
    kept = {"archive", "quarantine", "responses"}
    return [
        path
        for path in files
        if not kept & set(path.split("/")) and not path.endswith(feed_manifest.SUFFIX)
    ]
