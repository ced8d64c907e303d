"""What kinds of failures people are told of, and on which journey they happen. Pure."""

from __future__ import annotations

from typing import Literal

Kind = Literal["parked", "conflict", "rejected", "missing", "quarantined", "notice"]
"""A notice tells of an order that did not fail."""

Journey = Literal["invoicing", "tills"]
"""Completed orders that become invoices, or sales of tills that become orders."""
