"""What kinds of failures people are told of. Pure."""

from __future__ import annotations

from typing import Literal

Kind = Literal["parked", "conflict", "rejected", "quarantined"]
