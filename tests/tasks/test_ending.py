"""State messages hold what other systems say; they are one line of text without a link."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from tasks.ending import ended
from tests.corpus import TEXTS

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"://\S|www\.\S|\S@\S|\]\(", re.IGNORECASE)


@pytest.mark.parametrize("failed", [False, True])
def test_a_message_is_one_line_without_links(failed: bool) -> None:
    """Whatever it is made of; what is ours in it can still be read."""
    for text in TEXTS:
        state = ended(f"1 file is stuck: {text}.", failed=failed)
        assert state.is_failed() == failed
        assert state.message
        assert state.message.startswith("1 file is stuck: ")
        assert not LINK.search(state.message), text
        assert not {unicodedata.category(mark) for mark in state.message} & {"Cc", "Cf", "Cs"}
        assert len(state.message) < 10_000


def test_there_is_one_door() -> None:
    """No flow and no task ends a run by itself; a cancelled one has a message of ours."""
    made = [
        path.name
        for room in ("flows", "tasks")
        for path in (ROOT / room).glob("*.py")
        if re.search(
            r"prefect\.states import .*(Completed|Failed)", path.read_text(encoding="utf-8")
        )
    ]
    assert made == ["ending.py"]
