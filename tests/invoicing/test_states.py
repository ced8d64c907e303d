"""Where an answer moves an order: by what it proves, by who holds the order, and by earlier doubts."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from tillbridge.invoicing.outcome import State as Proof
from tillbridge.invoicing.states import EDGES, State, after_answer

PROOFS: tuple[Proof, ...] = get_args(Proof)
STATES: tuple[State, ...] = get_args(State)


def in_flight(proof: Proof, *, doubts: int = 0, was_unknown: bool = False) -> State | None:
    """Say where an answer to the attempt in flight moves its order."""
    return after_answer(proof, holds=True, state="INFLIGHT", doubts=doubts, was_unknown=was_unknown)


def late(proof: Proof, state: State) -> State | None:
    """Say where an answer to an attempt that lost its order moves it."""
    return after_answer(proof, holds=False, state=state, doubts=1, was_unknown=False)


@pytest.mark.parametrize("proof", PROOFS)
def test_a_first_answer_is_followed(proof: Proof) -> None:
    """Nothing is in doubt, so the order goes where the answer says."""
    assert in_flight(proof) == proof


@pytest.mark.parametrize("state", sorted(set(STATES) - {"CONFIRMED"}))
def test_a_proof_of_an_invoice_counts_in_every_state(state: State) -> None:
    """However late it comes, and whoever holds the order now."""
    assert late("CONFIRMED", state) == "CONFIRMED"


def test_an_invoiced_order_stays_invoiced() -> None:
    """No later answer moves it, another proof neither."""
    assert [late(proof, "CONFIRMED") for proof in PROOFS] == [None] * len(PROOFS)


@pytest.mark.parametrize(("doubts", "to"), [(0, "REJECTED"), (1, "UNKNOWN"), (2, "UNKNOWN")])
def test_a_refusal_is_believed_only_without_an_earlier_doubt(doubts: int, to: State) -> None:
    """It says nothing about a request before it."""
    assert in_flight("REJECTED", doubts=doubts, was_unknown=bool(doubts)) == to


@pytest.mark.parametrize(("was_unknown", "to"), [(False, "READY"), (True, "UNKNOWN")])
def test_an_order_that_was_not_sent_goes_back_to_where_it_was(was_unknown: bool, to: State) -> None:
    """An order that was sent again with its key is as unknown as before."""
    assert in_flight("READY", doubts=1, was_unknown=was_unknown) == to


@pytest.mark.parametrize("state", sorted(set(STATES) - {"READY"}))
def test_a_late_answer_without_proof_moves_nothing(state: State) -> None:
    """Neither a refusal, nor that nothing was sent, nor that nothing is known."""
    assert [late(proof, state) for proof in PROOFS if proof != "CONFIRMED"] == [None] * 3


def test_a_late_doubt_takes_a_release_back() -> None:
    """A person let the order go, and now it turns out that its worker was alive and sent it."""
    assert late("UNKNOWN", "READY") == "UNKNOWN"
    assert late("READY", "READY") is None
    assert late("REJECTED", "READY") is None


def test_every_answer_leads_along_an_edge() -> None:
    """Of all that can come together there is nothing that the states do not allow."""
    for proof, state, doubts, was_unknown in product(PROOFS, STATES, (0, 1), (False, True)):
        to = after_answer(
            proof, holds=state == "INFLIGHT", state=state, doubts=doubts, was_unknown=was_unknown
        )
        assert to is None or to in EDGES[state], (proof, state, doubts, was_unknown)
