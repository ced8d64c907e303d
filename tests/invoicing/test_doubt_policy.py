"""What an endpoint's capability allows, and what the invoices found under a number say about an order."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tillbridge.contracts.invoice_lookup import FoundInvoice
from tillbridge.invoicing.doubt_policy import DoubtPolicy, Level, LookUp, judge_look_up

TOTAL, LINES = Decimal("78.30"), 2


def invoice(
    reference: str, total: Decimal | None = TOTAL, line_count: int | None = LINES
) -> FoundInvoice:
    """Give an invoice of order 20417, as it was sent unless said otherwise."""
    return FoundInvoice(reference, "20417", total, line_count)


@pytest.mark.parametrize(
    ("level", "looks_up", "has_key"),
    [("L0", False, False), ("L1", True, False), ("L2", True, False), ("L3", False, True)],
)
def test_a_level_allows_what_it_says(level: Level, looks_up: bool, has_key: bool) -> None:
    """Looking up and sending with a key are two ways; no level has both."""
    policy = DoubtPolicy(level)
    assert (policy.looks_up, policy.has_key) == (looks_up, has_key)


def test_nothing_is_allowed_unless_it_is_declared() -> None:
    """A policy that nobody set parks."""
    assert DoubtPolicy().level == "L0"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], LookUp("absent")),
        ([invoice("F1")], LookUp("same", "F1")),
        ([invoice("F1", Decimal("78.3"))], LookUp("same", "F1")),
        (
            [invoice("F2", Decimal("78.31"))],
            LookUp("different", "F2", "its total is 78.31, and 78.30 was sent"),
        ),
        (
            [invoice("F3", line_count=3)],
            LookUp("different", "F3", "it has 3 lines, and 2 were sent"),
        ),
        (
            [invoice("F4", Decimal(1), 9)],
            LookUp("different", "F4", "its total is 1, and 78.30 was sent"),
        ),
        (
            [invoice("F1"), invoice("F5")],
            LookUp("different", "F1", "2 invoices have this number"),
        ),
    ],
    ids=["none", "ours", "other-scale", "other-total", "other-lines", "both-differ", "two"],
)
def test_an_invoice_is_ours_only_with_our_total_and_lines(
    found: list[FoundInvoice], said: LookUp
) -> None:
    """Whatever differs is said, with both figures; two invoices are never ours."""
    assert judge_look_up(found, TOTAL, LINES) == said


@pytest.mark.parametrize(
    "found", [invoice("F1", total=None), invoice("F1", line_count=None)], ids=["total", "lines"]
)
def test_an_invoice_that_does_not_say_is_not_ours(found: FoundInvoice) -> None:
    """What cannot be compared is never taken for equal."""
    assert judge_look_up([found], TOTAL, LINES).result == "different"
