"""The ledger machine at its small size: it finds nothing on either database, and what is broken it finds."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from proof.ledger.drawing import Tally
from proof.ledger.invariants import Broken
from proof.ledger.machine import RULES, LedgerMachine
from proof.ledger.places import Place as LedgerPlace
from proof.ledger.places import sqlite_place
from proof.ledger.retail_pro import RetailPro
from proof.ledger.runs import SEED, SIZES, run
from proof.model import actions as model
from sandbox import postgresql
from tillbridge.handover import failures

pytestmark = pytest.mark.slow

Place = Callable[[], AbstractContextManager[str]]

ONLY_ON_FILES = {"back_up", "restore", "end_restore"}
"""Backups of a server are the business of the server."""


def check(figures: dict[str, Any], kind: str) -> None:
    """Everything happened, at the promised size, and nothing was found."""
    assert figures["violations"] == []
    assert json.loads(json.dumps(figures)) == figures
    assert (figures["runs"] >= SIZES[kind, False][0], figures["seed"]) == (True, SEED)
    never = {name for name, times in figures["fired"].items() if not times}
    assert never == (set() if kind == "sqlite" else ONLY_ON_FILES)


def test_nothing_breaks_the_ledger_on_sqlite() -> None:
    """Whatever happens in whatever order, no invariant breaks and every order comes to its end."""
    check(run(full=False, database_url=sqlite_place), "sqlite")


def test_nothing_breaks_the_ledger_on_postgresql(postgresql_server: str) -> None:
    """The same, where the locks are real."""
    figures = run(full=False, database_url=lambda: postgresql.fresh_database(postgresql_server))
    check(figures, "postgresql")


def test_what_breaks_is_told_in_few_steps_and_tried_first_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shortest way to it stands in the story; while it is not mended, the next run begins with it."""
    book = RetailPro.book

    def book_twice(self: RetailPro, order_no: str, *about: Any) -> Any:
        if order_no == "1":
            book(self, order_no, *about)
        return book(self, order_no, *about)

    monkeypatch.setattr(RetailPro, "book", book_twice)
    (story,) = run(full=False, database_url=sqlite_place, failures=tmp_path)["violations"]
    again = run(full=False, database_url=sqlite_place, failures=tmp_path)
    monkeypatch.undo()

    assert "I1 booked at most once: 1 has 2 invoices" in story
    assert [line for line in story.splitlines() if "state." in line] == [
        "state.open(level='L0', stages=['ready'], at_least=0)",
        "state.all_ends()",
        "state.teardown()",
    ]
    assert (again["violations"], again["runs"]) == ([story], 0)


@pytest.mark.parametrize("untold", ["", "number-used-twice", "changed-after-sending"])
def test_each_conflict_of_a_held_order_has_to_be_told_once(
    untold: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When its files come again after a restore nobody has to hear of it anew; one left out is found."""
    add = failures.add

    def leave_out(connection: Any, *new: Any) -> None:
        add(connection, *(one for one in new if one.reason_code != untold))

    monkeypatch.setattr(failures, "add", leave_out)

    found = pytest.raises(Broken, match="I11 every failure is told, in one report: 3: conflict")
    with sqlite_place() as url:
        machine = LedgerMachine(LedgerPlace(url), Tally())
        machine.open(level="L0", stages=["ready"], at_least=0)
        machine.ingest_other_number(number="3", is_new=True)
        machine.back_up()
        machine.ingest(number="2")
        machine.restore(is_told=True)
        machine.ingest(number="3")
        with found if untold else nullcontext():
            machine.ingest_other_order(number="3")
            machine.ingest_changed(number="3")
            machine.end_restore()
            machine.all_ends()
        machine.place.engine.dispose()


def test_machine_and_model_name_their_actions_alike() -> None:
    """So that a way to a broken invariant can be followed in either."""
    assert {action.__name__ for action in model.ACTIONS} <= RULES
