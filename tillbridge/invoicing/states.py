"""The states of an order on its way to an invoice, and the only ways between them. Pure.

::

    READY ──claim──▶ INFLIGHT ──proof──▶ CONFIRMED
      ▲                 │  └──proof, nothing in doubt──▶ REJECTED ──mended order──▶ READY
      │                 ├── proved not sent ──▶ READY
      │                 └── no proof, or the lease ran out ──▶ UNKNOWN ──▶ PARKED
      └────────────────────────────────── a person, with evidence ──────────┘

A late proof moves UNKNOWN and PARKED to CONFIRMED. CONFIRMED is the end.
"""

from __future__ import annotations

from typing import Literal

State = Literal["READY", "INFLIGHT", "CONFIRMED", "REJECTED", "UNKNOWN", "PARKED", "CANCELLED"]

EDGES: dict[State | None, frozenset[State]] = {
    None: frozenset({"READY"}),
    "READY": frozenset({"READY", "INFLIGHT", "CANCELLED"}),
    "INFLIGHT": frozenset({"READY", "CONFIRMED", "REJECTED", "UNKNOWN"}),
    "UNKNOWN": frozenset({"CONFIRMED", "PARKED", "READY"}),
    "PARKED": frozenset({"CONFIRMED", "READY", "CANCELLED"}),
    "REJECTED": frozenset({"READY", "CANCELLED"}),
    "CONFIRMED": frozenset(),
    "CANCELLED": frozenset(),
}

REPLACEABLE: frozenset[State] = frozenset({"READY", "REJECTED"})
"""States in which changed content may replace what was accepted: provably nothing was booked."""
