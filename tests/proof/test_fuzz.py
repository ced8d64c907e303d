"""Every reader and writer of foreign content, fuzzed for as long as TILLBRIDGE_FUZZ_SECONDS says."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import strategies as st

from proof.fuzz import driver as fuzz
from proof.fuzz.targets import Target

pytestmark = pytest.mark.slow

SECONDS_PER_TARGET = float(os.environ.get("TILLBRIDGE_FUZZ_SECONDS", "1"))


def test_nothing_foreign_brings_a_reader_or_writer_down() -> None:
    """Only the documented errors, in bounded time and words; and what is said to hold, holds."""
    result = fuzz.run(SECONDS_PER_TARGET, first_seed=0)

    assert result["findings"] == []
    assert all(target["inputs"] >= 50 for target in result["targets"].values())


def test_a_fault_is_found_and_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that fails on one byte of any input is caught, with the smallest input that shows it."""

    def check(data: bytes) -> None:
        if b"\xff" in data:
            raise KeyError("planted")

    monkeypatch.setattr(fuzz, "TARGETS", (Target("planted", st.binary(), check),))

    result = fuzz.run(20, first_seed=0)

    (finding,) = json.loads(json.dumps(result))["findings"]
    assert finding["target"] == "planted"
    assert finding["input"] == ascii(b"\xff")
    assert "KeyError: 'planted'" in finding["error"]
