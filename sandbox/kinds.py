"""The kinds of made-up orders and how many of each there are among fifty."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from random import Random

GOOD = {
    "delivery": 14,
    "multi_quantity": 5,
    "kit": 3,
    "exploded": 3,
    "pickup": 5,
    "multi_facility": 6,
    "fiscal_credit": 2,
    "cancelled_item": 2,
}
"""Become one invoice each."""

STAY = {"partial": 1, "till_sale": 1}
"""Never leave the order store: not yet complete, or carried out of the shop."""

EXCLUDED = {"send_sale": 1}
"""Sold at a till and shipped: invoiced there, so left out by sales channel."""

DEFECTS = {
    "digital": 1,
    "missing_document": 1,
    "missing_upc": 1,
    "facility_without_code": 1,
    "too_long": 1,
    "amounts_do_not_add_up": 1,
    "no_store": 1,
}
"""Cannot be invoiced, each for the one reason that its name gives; a digital item left no store."""

_DECK = [
    kind
    for group in (GOOD, STAY, EXCLUDED, DEFECTS)
    for kind, many in group.items()
    for _ in range(many)
]


def kinds(count: int, seed: int) -> Iterator[str]:
    """Yield the kinds of `count` orders: every fifty in a row have the same mixture."""
    return islice(_shuffled_decks(seed), count)


def _shuffled_decks(seed: int) -> Iterator[str]:
    random = Random(seed)
    while True:
        deck = list(_DECK)
        random.shuffle(deck)
        yield from deck
