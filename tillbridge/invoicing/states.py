"""The states of an order on its way to an invoice, and the only ways between them. Pure.

::

    READY ──claim──▶ INFLIGHT ──proof──▶ CONFIRMED
      ▲                 │  └──proof, nothing in doubt──▶ REJECTED ──mended order──▶ READY
      │                 ├── proved not sent ──▶ READY
      │                 └── no proof, or the lease ran out ──▶ UNKNOWN
      │                                                          │
      ├──────────── looked up twice, provably absent (L2) ───────┤
      │             INFLIGHT ◀── again with the same key (L3) ───┤
      │             CONFIRMED ◀── looked up and found ───────────┤
      │                                                          ▼
      └──────────── a person, with evidence ───────────────── PARKED

    READY ──its order has another number, or its number looks like a known one──▶ HELD
      ▲                                                                            │
      └──────────── a person, with evidence, or the profile's setting ─────────────┘
    READY, HELD ──its order goes under another number──▶ REPLACED

A late proof moves every state to CONFIRMED, which is the end. A person moves an order that is not in
flight to CONFIRMED, READY or CANCELLED, or to REJECTED so that it can be mended.
"""

from __future__ import annotations

from typing import Literal

State = Literal[
    "READY",
    "HELD",
    "INFLIGHT",
    "CONFIRMED",
    "REJECTED",
    "UNKNOWN",
    "PARKED",
    "CANCELLED",
    "REPLACED",
]

EDGES: dict[State | None, frozenset[State]] = {
    None: frozenset({"READY", "UNKNOWN"}),
    "READY": frozenset(
        {"READY", "INFLIGHT", "UNKNOWN", "CONFIRMED", "REJECTED", "CANCELLED", "HELD", "REPLACED"}
    ),
    "HELD": frozenset({"READY", "CONFIRMED", "REJECTED", "CANCELLED", "REPLACED"}),
    "INFLIGHT": frozenset({"READY", "CONFIRMED", "REJECTED", "UNKNOWN"}),
    "UNKNOWN": frozenset(
        {"UNKNOWN", "INFLIGHT", "CONFIRMED", "PARKED", "READY", "REJECTED", "CANCELLED", "HELD"}
    ),
    "PARKED": frozenset({"CONFIRMED", "READY", "REJECTED", "CANCELLED"}),
    "REJECTED": frozenset({"READY", "UNKNOWN", "CONFIRMED", "CANCELLED", "REPLACED"}),
    "CONFIRMED": frozenset({"CONFIRMED"}),
    "CANCELLED": frozenset({"CONFIRMED"}),
    "REPLACED": frozenset({"READY", "CONFIRMED"}),
}
"""`None` is an order that the ledger does not have yet. READY and REJECTED become UNKNOWN only when
facts are missing: after a restore, or when a lost worker's answer comes after a person's decision. What is
REPLACED comes back by a newer file or a person, REJECTED and UNKNOWN lead to it or to HELD for the same
reasons as READY does."""

REPLACEABLE: frozenset[State] = frozenset({"READY", "HELD", "REJECTED"})
"""States in which changed content may replace what was accepted: provably nothing was booked."""


def after_answer(
    proof: State, *, holds: bool, state: State, doubts: int, was_unknown: bool
) -> State | None:
    """Say where an answer moves an order; None when it stays where it is.

    Args:
        proof: what the answer proves by itself.
        holds: whether the attempt it belongs to is still the one in flight.
        state: the order's state now.
        doubts: earlier attempts that may have been booked.
        was_unknown: whether the order was UNKNOWN when it was sent.
    """
    if proof == "CONFIRMED":
        return None if state == "CONFIRMED" else "CONFIRMED"
    if not holds:
        # A person released the order; now it turns out that its worker was alive.
        return "UNKNOWN" if proof == "UNKNOWN" and state == "READY" else None
    if proof == "REJECTED" and doubts:
        return "UNKNOWN"
    if proof == "READY" and was_unknown:
        return "UNKNOWN"
    return proof
