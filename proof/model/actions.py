"""The fourteen actions of the protocol. Each yields everything that may come of it, the worst included.

There is no clock: time is the order of the actions. The names of the actions are those of the rules that
drive the real ledger, and an order is moved by the rule of the product itself, `states.after_answer`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from proof.model.variants import Variant
from proof.model.world import WORKERS, Answer, Attempt, Bounds, Step, World
from tillbridge.invoicing.states import State, after_answer

PROVES: dict[Answer, State] = {
    "booked": "CONFIRMED",
    "refused": "REJECTED",
    "unclear": "UNKNOWN",
    "turned away": "READY",
}

RETAIL_PRO: tuple[tuple[str, bool, Answer | None], ...] = (
    ("books and is silent", True, None),
    ("books and says so", True, "booked"),
    ("books and answers 5xx", True, "unclear"),
    ("answers 5xx", False, "unclear"),
    ("refuses with 4xx", False, "refused"),
    ("turns away with 429", False, "turned away"),
)
"""What Retail Pro may do with a request: in words, whether it books, what it answers."""

PERSON_DECIDES: dict[State | None, tuple[State, ...]] = {
    "READY": ("REJECTED", "CANCELLED"),
    "UNKNOWN": ("READY", "REJECTED", "CANCELLED"),
    "PARKED": ("READY", "REJECTED", "CANCELLED"),
    "REJECTED": ("READY", "CANCELLED"),
}
"""Where a person may move an order that has no invoice."""


def ingest(variant: Variant, bounds: Bounds, world: World) -> Iterator[Step]:
    """A file brings the order, or brings it again after it was refused beyond doubt."""
    is_mended = world.state == "REJECTED" and not world.doubtful
    if world.state is None or (is_mended and world.has_attempts_left(bounds)):
        yield Step("ingest", "", world.moved("READY"), ("READY",))


def claim(variant: Variant, bounds: Bounds, world: World) -> Iterator[Step]:
    """A free worker takes the order; with write-ahead, that it will be sent is committed here."""
    if world.leased or world.busy_workers == WORKERS or not world.has_attempts_left(bounds):
        return
    if world.state != "READY" and not _may_be_sent_in_doubt(variant, world):
        return
    keyed = world.level == "L3" and (
        not world.doubtful or world.attempts[-1].keyed or variant.resends == "any key"
    )
    after = world._replace(
        epoch=world.epoch + 1,
        leased=True,
        quiet=False,
        absences=0,
        attempts=(*world.attempts, Attempt(world.epoch + 1, keyed)),
    )
    about = str(len(after.attempts))
    if variant.writes_ahead:
        yield Step("claim", about, after._replace(state="INFLIGHT"), ("INFLIGHT",))
    else:
        yield Step("claim", about, after)


def send(variant: Variant, bounds: Bounds, world: World) -> Iterator[Step]:
    """A worker puts its request into the network, perhaps long after its lease ran out."""
    for n, attempt in enumerate(world.attempts):
        if attempt.sender != "armed" or attempt.paused:
            continue
        if variant.fence != "lease" or world.holds(n):
            yield Step("send", str(n + 1), world.with_attempt(n, sender="waiting", underway=True))


def deliver(variant: Variant, bounds: Bounds, world: World) -> Iterator[Step]:
    """A request reaches Retail Pro, sooner or later, and Retail Pro does any of what it may do."""
    for n, attempt in enumerate(world.attempts):
        if not attempt.underway:
            continue
        is_revoked = variant.fence == "session" and attempt.epoch != world.epoch
        for words, books, answer in RETAIL_PRO:
            if is_revoked and answer != "turned away":
                continue
            heard = answer if attempt.sender == "waiting" else None
            after = world.with_attempt(n, underway=False, answer=heard)
            if books and not (attempt.keyed and world.key_known):
                key_known = world.key_known or attempt.keyed
                after = after._replace(booked=world.booked + 1, key_known=key_known)
            yield Step("deliver", f"{n + 1}, Retail Pro {words}", after)


def drop(variant: Variant, bounds: Bounds, world: World) -> Iterator[Step]:
    """The network loses a request or an answer."""
    for n, attempt in enumerate(world.attempts):
        if attempt.underway or attempt.answer:
            about = f"{n + 1}, its {'request' if attempt.underway else 'answer'}"
            yield Step("drop", about, world.with_attempt(n, underway=False, answer=None))


def delay(variant: Variant, bounds: Bounds, world: World) -> Iterator[Step]:
    """A worker's deadline passes without an answer; its request may still arrive later."""
    for n, attempt in enumerate(world.attempts):
        if world.holds(n) and attempt.sender == "waiting" and not attempt.answer:
            yield Step("delay", str(n + 1), *_settle(variant, world, n, "unclear"))


def answer(variant: Variant, bounds: Bounds, world: World) -> Iterator[Step]:
    """A worker that holds the order settles it by an answer, or by knowing that it never sent."""
    for n, attempt in enumerate(world.attempts):
        if not world.holds(n) or not attempt.lives:
            continue
        if attempt.sender == "armed":
            yield Step("answer", f"{n + 1}, not sent", *_settle(variant, world, n, "turned away"))
        elif attempt.answer:
            about = f"{n + 1}, {attempt.answer}"
            yield Step("answer", about, *_settle(variant, world, n, attempt.answer))


def late_answer(variant: Variant, bounds: Bounds, world: World) -> Iterator[Step]:
    """A worker that lost the order records what came of its attempt."""
    for n, attempt in enumerate(world.attempts):
        if world.holds(n) or not attempt.lives or attempt.paused:
            continue
        if attempt.sender == "armed":
            about = f"{n + 1}, not sent"
            yield Step("late_answer", about, *_settle(variant, world, n, "turned away"))
        else:
            about = f"{n + 1}, {attempt.answer or 'none came'}"
            finding = attempt.answer or "unclear"
            yield Step("late_answer", about, *_settle(variant, world, n, finding))


def crash(variant: Variant, bounds: Bounds, world: World) -> Iterator[Step]:
    """A worker is killed; its request goes on without it, and a new worker takes its place."""
    if world.kills == bounds.kills:
        return
    for n, attempt in enumerate(world.attempts):
        if attempt.lives:
            after = world.with_attempt(n, sender="dead", paused=False, answer=None)
            yield Step("crash", str(n + 1), after._replace(kills=world.kills + 1))


def expire(variant: Variant, bounds: Bounds, world: World) -> Iterator[Step]:
    """A lease runs out, because its worker is dead or, which nobody can tell apart, paused."""
    if not world.leased:
        return
    n = len(world.attempts) - 1
    is_paused = world.attempts[n].lives
    after = world.with_attempt(n, paused=is_paused)
    if variant.fence == "session":
        after = after._replace(epoch=world.epoch + 1)  # logging in anew ends the old session
    about = f"{n + 1}, its worker is {'paused' if is_paused else 'dead'}"
    if variant.writes_ahead:
        yield Step("expire", about, *_put_in_doubt(after))
    else:
        yield Step("expire", about, after._replace(leased=False))


def resume(variant: Variant, bounds: Bounds, world: World) -> Iterator[Step]:
    """A paused worker wakes and goes on where it stood."""
    for n, attempt in enumerate(world.attempts):
        if attempt.paused:
            yield Step("resume", str(n + 1), world.with_attempt(n, paused=False))


def tick(variant: Variant, bounds: Bounds, world: World) -> Iterator[Step]:
    """Time passes for an order in doubt: its quiet period ends, or it is parked as there is no way out."""
    if world.state != "UNKNOWN":
        return
    if world.level in {"L1", "L2"}:
        if variant.waits and not world.quiet and not world.has_underway:
            yield Step("tick", "", world._replace(quiet=True))
    elif world.level != "wait" and not (
        world.has_attempts_left(bounds) and _may_be_sent_in_doubt(variant, world)
    ):
        yield Step("tick", "", world.moved("PARKED"), ("PARKED",))


def query(variant: Variant, bounds: Bounds, world: World) -> Iterator[Step]:
    """An order in doubt is looked up; the answer is true at this moment."""
    if world.state != "UNKNOWN" or world.level not in {"L1", "L2"}:
        return
    if variant.waits and not world.quiet:
        return
    if world.booked:
        yield Step("query", "found", world.moved("CONFIRMED"), ("CONFIRMED",))
    elif world.level == "L2" and world.absences + 1 < variant.absences:
        yield Step("query", "absent", world._replace(absences=world.absences + 1, quiet=False))
    else:
        all_ended = all(attempt.sender == "ended" for attempt in world.attempts)
        is_fenced = variant.fence != "record" or all_ended
        is_resent = world.level == "L2" and is_fenced and world.has_attempts_left(bounds)
        to: State = "READY" if is_resent else "PARKED"
        yield Step("query", "absent", world.moved(to), (to,))


def human(variant: Variant, bounds: Bounds, world: World) -> Iterator[Step]:
    """A person decides by evidence that is true, which ends the doubt; or sets another level."""
    if variant.person and world.state in PERSON_DECIDES:
        may_be_sent = any(attempt.sender == "armed" for attempt in world.attempts)
        if world.booked:
            yield Step("human", "found: CONFIRMED", world.moved("CONFIRMED"), ("CONFIRMED",))
        elif not world.has_underway and not (variant.person == "careful" and may_be_sent):
            for to in PERSON_DECIDES[world.state]:
                if to != "READY" or world.has_attempts_left(bounds):
                    after = world.moved(to)._replace(doubtful=False)
                    yield Step("human", f"absent: {to}", after, (to,))
    for level in variant.levels:
        if level != world.level:
            yield Step("human", f"sets {level}", world._replace(level=level))


ACTIONS: tuple[Callable[[Variant, Bounds, World], Iterator[Step]], ...] = (
    ingest, claim, send, deliver, drop, delay, answer,
    late_answer, crash, expire, resume, tick, query, human,
)  # fmt: skip


def steps(variant: Variant, bounds: Bounds, world: World) -> Iterator[Step]:
    """Give everything that can happen next."""
    for action in ACTIONS:
        yield from action(variant, bounds, world)


def _may_be_sent_in_doubt(variant: Variant, world: World) -> bool:
    """Say whether the design sends the order although it may be booked; its key must see to it then."""
    if world.state != "UNKNOWN":
        return False
    had_key = world.attempts[-1].keyed
    match variant.resends:
        case "same key":
            return world.level == "L3" and had_key
        case "any key":
            return world.level == "L3"
        case "no key":
            return had_key


def _put_in_doubt(world: World) -> tuple[World, tuple[State, ...]]:
    """Move an order of which nobody knows whether it was booked."""
    world = world._replace(doubtful=True)
    if world.level == "retry":
        return world.moved("READY"), ("READY",)
    if world.level == "L0":
        return world.moved("PARKED"), ("UNKNOWN", "PARKED")
    return world.moved("UNKNOWN"), ("UNKNOWN",)


def _settle(
    variant: Variant, world: World, n: int, finding: Answer
) -> tuple[World, tuple[State, ...]]:
    """End an attempt, and move its order by the rule of the product."""
    assert world.state is not None
    to = after_answer(
        PROVES[finding],
        holds=world.holds(n),
        state=world.state,
        doubts=0 if variant.trusts_refusals else int(world.doubtful),
        was_unknown=world.was_unknown,
    )
    world = world.with_attempt(n, sender="ended", answer=None)
    if to == "UNKNOWN":
        return _put_in_doubt(world)
    if to is not None:
        return world.moved(to), (to,)
    if finding == "unclear":
        # It may have been sent only now, so what was found out before counts no more.
        world = world._replace(doubtful=True, quiet=False, absences=0)
    return world, ()
