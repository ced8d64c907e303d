"""The marker's rules: whatever is lost or put back, a ledger that may send knows all that was sent."""

from __future__ import annotations

import copy
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillbridge.invoicing import marker
from tillbridge.invoicing.marker import Mark

FOLDER = "retail-pro/order-to-invoice-ledger"
OURS, THEIRS = str(UUID(int=1)), str(UUID(int=2))
OWN = Mark(OURS, 13)
RUN = "0123abcd"

MARKS = st.builds(
    Mark,
    st.integers(0, 3).map(lambda number: str(UUID(int=number))),
    st.integers(0, 10**12 - 1),
)


@given(MARKS)
def test_a_marker_comes_back_as_it_was_written(mark: Mark) -> None:
    """Its name says it all; the content says only that tillbridge wrote it."""
    assert marker.read(mark.file_name(RUN), marker.document(mark.ledger_id)) == mark
    assert marker.read(mark.file_name(RUN), None) == mark


@given(MARKS, st.binary(max_size=200))
def test_any_other_content_is_not_a_marker(mark: Mark, content: bytes) -> None:
    """A name can be guessed; a file of somebody else does not become a marker by it."""
    assert marker.read(mark.file_name(RUN), content) is None
    assert marker.read(mark.file_name(RUN), marker.document(str(UUID(int=99)))) is None


@given(st.text(max_size=60))
def test_any_other_name_is_not_a_marker(name: str) -> None:
    """Whatever stands in it."""
    assert marker.read(name, marker.document(OURS)) is None


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], ""),
        ([Mark(OURS, 13)], ""),
        ([Mark(OURS, 2), Mark(OURS, 12)], ""),
        ([Mark(OURS, 14)], "sent 14 times from here, but the database knows of 13"),
        ([Mark(OURS, 13), Mark(OURS, 999)], "restored from a backup"),
        ([Mark(THEIRS, 0)], f"ledger {THEIRS} sent orders from here last"),
        ([Mark(OURS, 13), Mark(THEIRS, 1)], "another database"),
    ],
)
def test_a_ledger_sends_only_where_it_knows_all_that_was_sent(found: list[Mark], said: str) -> None:
    """The sentence names the file, the ledger and what to do."""
    text = marker.objection(OWN, {mark.file_name(RUN): mark for mark in found}, FOLDER)
    if not said:
        assert text == ""
        return
    assert said in text
    assert text.startswith(f"{FOLDER}/Ledger-")
    assert "Nothing is sent" in text
    assert "tillbridge after-restore" in text


def test_a_file_of_somebody_else_is_said_to_be_one() -> None:
    """It stops the sending, with a sentence that is mended by taking it away."""
    found = {OWN.file_name(RUN): OWN, "Ledger-forged.json": None}
    text = marker.objection(OWN, found, FOLDER)
    assert text.startswith(f"{FOLDER}/Ledger-forged.json is a file that tillbridge did not write")
    del found["Ledger-forged.json"]
    assert marker.objection(OWN, found, FOLDER) == ""


@pytest.mark.parametrize(
    ("mark", "is_restoring", "is_overcome"),
    [
        (Mark(OURS, 13), False, True),
        (Mark(OURS, 14), False, False),
        (Mark(OURS, 14), True, False),
        (Mark(THEIRS, 0), False, False),
        (Mark(THEIRS, 99), True, True),
    ],
)
def test_a_marker_of_another_ledger_is_cleared_only_by_a_restore(
    mark: Mark, is_restoring: bool, is_overcome: bool
) -> None:
    """Of our own those are that say no more than we know."""
    assert marker.is_overcome(mark, OWN, is_restoring=is_restoring) is is_overcome


STEPS = st.lists(
    st.sampled_from(
        ["send", "send", "send", "killed before the marker", "killed before the byte"] * 2
        + ["back up", "back up", "put back", "put back", "person", "fresh"]
    ),
    max_size=40,
)


@given(STEPS)
def test_what_was_sent_is_known_to_whoever_may_send(steps: list[str]) -> None:
    """Whenever backups are taken and put back, and runs are killed, before or after a person starts anew."""
    ids = iter(range(1, 1_000))
    database: dict[str, object] = {"id": str(UUID(int=next(ids))), "known": []}
    backup = copy.deepcopy(database)
    markers: dict[str, Mark] = {}
    sent: list[int] = []
    attempt = iter(range(10_000))

    def own() -> Mark:
        return Mark(str(database["id"]), len(database["known"]))  # type: ignore[arg-type]

    def begin(*, is_restoring: bool = False) -> bool:
        if not is_restoring and marker.objection(own(), markers, FOLDER):
            return False
        for name, mark in list(markers.items()):
            if marker.is_overcome(mark, own(), is_restoring=is_restoring):
                del markers[name]
        markers[own().file_name(RUN)] = own()
        return True

    for step in steps:
        match step:
            case "back up":
                backup = copy.deepcopy(database)
            case "put back":
                database = copy.deepcopy(backup)
            case "fresh":
                database = {"id": str(UUID(int=next(ids))), "known": []}
            case "person":
                # What was sent is looked up while the restore is open; then the ledger knows it.
                database["id"] = str(UUID(int=next(ids)))
                begin(is_restoring=True)
                sent.clear()
            case _ if begin():
                one = next(attempt)
                before = own()
                database["known"].append(one)  # type: ignore[attr-defined]
                if step == "killed before the marker":
                    continue
                markers.pop(before.file_name(RUN))
                markers[own().file_name(RUN)] = own()
                if step != "killed before the byte":
                    assert set(sent) <= set(database["known"])  # type: ignore[call-overload]
                    sent.append(one)
