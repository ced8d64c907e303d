"""Which call to the Retail Pro stand-in goes wrong, and how.

A programme of rules; the same seed and order numbers always give the same faults, whatever the order
in which parallel calls arrive. How a fault looks on the wire is in `sandbox.fault_answers`.
"""

from __future__ import annotations

import hashlib
import threading
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Call = Literal["invoice", "query"]
# fmt: off
Kind = Literal[
    "reject", "status", "redirect", "hang", "late", "drop", "reset", "cut", "drip", "wrong_order",
    "not_json", "huge", "bomb", "lies",
]
# fmt: on

_NOT_FOR = {"invoice": {"lies"}, "query": {"reject", "late"}}


class Fault(BaseModel):
    """One way in which a call goes wrong.

    reject: refused with `message` and `status` (200 gives the refusal inside a success status).
    status: answered with `status` (202 is accepted, not final) and, if set, a Retry-After header.
    redirect: as status, with the Location of the same call; a client that follows it sends again.
    hang: nothing for `seconds`, then the answer. late: as hang, but the invoice is made at the end.
    drop: the connection is closed without an answer. reset: it is reset.
    cut: the answer ends in the middle. drip: it comes byte by byte over `seconds`.
    wrong_order: another order is echoed; a query gives the invoice of another order.
    not_json: the answer is a page of HTML.
    huge: the answer goes on for `size` bytes. bomb: so does what it unpacks to.
    lies: a query says that there is no invoice, whatever there is.

    `commit` says whether the invoice is made before any of it. Where it is not, hang, cut, drip, huge and
    bomb answer 503 in the end; reject never makes an invoice, and late always does.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    commit: bool = False
    status: int = Field(default=400, ge=200, le=599)
    message: str = "refused by the sandbox"
    retry_after: str | None = None
    seconds: float = Field(default=3600, ge=0)
    size: int = Field(default=16 * 1024 * 1024, ge=0)


class Rule(BaseModel):
    """Which calls a fault meets: those of one order, of a share of all orders, or simply the next ones.

    `call` is what goes wrong: the sending of an order to be invoiced, or the query for its invoices.
    `times` is how often it meets each order (or, with neither `order_no` nor `rate`, how many calls in
    total); None is always.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fault: Fault
    call: Call = "invoice"
    order_no: str | None = None
    rate: float | None = Field(default=None, ge=0, le=1)
    seed: int = 0
    times: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _can_happen(self) -> Self:
        if self.fault.kind in _NOT_FOR[self.call]:
            raise ValueError(f"no {self.fault.kind} for a call to {self.call}")
        return self

    def chooses(self, order_no: str | None) -> bool:
        """Say whether an order is one of those this rule is for."""
        if self.order_no is not None:
            return order_no == self.order_no
        if self.rate is not None:
            draw = hashlib.sha256(f"{self.seed}:{order_no}".encode()).digest()[:8]
            return int.from_bytes(draw) < self.rate * 2**64
        return True


class FaultPlan:
    """The rules in force. A rule for one order goes before one for the next calls, that before a rate."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._met: dict[tuple[int, str | None], int] = {}
        self._lock = threading.Lock()

    def add(self, rule: Rule) -> None:
        """Put a rule in force, after the earlier ones of its kind."""
        with self._lock:
            self._rules.append(rule)

    def clear(self) -> None:
        """Drop every rule."""
        with self._lock:
            self._rules.clear()
            self._met.clear()

    def take(self, order_no: str | None, call: Call = "invoice") -> Fault | None:
        """Give the fault that meets this call, if any, and count it."""
        with self._lock:
            for number, rule in sorted(enumerate(self._rules), key=_precedence):
                counted = (number, order_no if _per_order(rule) else None)
                met = self._met.get(counted, 0)
                chosen = rule.call == call and rule.chooses(order_no)
                if chosen and (rule.times is None or met < rule.times):
                    self._met[counted] = met + 1
                    return rule.fault
            return None


def _per_order(rule: Rule) -> bool:
    return rule.order_no is not None or rule.rate is not None


def _precedence(numbered: tuple[int, Rule]) -> tuple[int, int]:
    number, rule = numbered
    return (0 if rule.order_no is not None else 2 if rule.rate is not None else 1, number)
