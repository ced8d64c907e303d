"""JSON in and out without losing a digit, a duplicate key or a byte, whatever comes."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies import feed_order
from tillbridge.contracts import json_text
from tillbridge.contracts.json_limits import TooManyValues
from tillbridge.contracts.json_spool import ArraySpool
from tillbridge.contracts.json_text import Element, Unreadable
from tillbridge.errors import FileRejected

AMOUNTS = st.integers(-(10**12), 10**12).map(lambda units: Decimal(units) / 10_000)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | AMOUNTS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def elements(data: bytes) -> list[Element]:
    """Read all elements of an array."""
    return list(json_text.read_array(io.BytesIO(data), "feed.json"))


def refusal(data: bytes) -> str:
    """Give why a file is refused."""
    with pytest.raises(FileRejected) as refused:
        elements(data)
    assert refused.value.file_name == "feed.json"
    return refused.value.findings[0].expected


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    """Text and amounts come back exactly; no amount passes through a float."""
    assert json_text.read(json_text.write(value)) == value
    assert json_text.read(json_text.write_readable(value)) == value
    [element] = elements(b"[" + json_text.write(value) + b"]")
    assert element.value == value


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=60)
    | st.text(alphabet='[]{}",:0123eE-.\\u nultrefas', max_size=60).map(str.encode)
)
def test_any_bytes_are_read_or_refused_in_words(data: bytes) -> None:
    """No file brings the reader down: it is read, or refused with a reason."""
    read = True
    try:
        json_text.read(data)
    except ValueError as problem:
        read = False
        assert str(problem)  # noqa: PT017
    try:
        elements(data)
    except FileRejected as problem:
        assert problem.findings[0].expected  # noqa: PT017
    else:
        assert read


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_feed_is_refused_or_still_an_array(data: Any) -> None:
    """A cut or a flipped byte never brings the reader down."""
    whole = json_text.write([feed_order(), feed_order()])
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        assert refusal(whole[:place])
    else:
        damaged = whole[:place] + bytes([data.draw(st.integers(0, 255))]) + whole[place + 1 :]
        try:
            found = elements(damaged)
        except FileRejected:
            return
        assert found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("NaN", "a number"),
        ("Infinity", "a number"),
        ("-Infinity", "a number"),
        ("1e5", "plain decimal"),
        ("1.00001", "4 decimals"),
        ("0.1e1", "plain decimal"),
        ("1" * 21, "20 digits"),
        ("9" * 5000, "20 digits"),
        ("1." + "1" * 5000, "plain decimal"),
    ],
)
def test_a_number_that_cannot_be_trusted_says_so_in_its_place(text: str, why: str) -> None:
    """One bad number does not cost the file; the contract that meets it names the field."""
    value = json_text.read(f'{{"a": {text}, "b": 1}}'.encode())
    assert value["b"] == 1
    assert isinstance(value["a"], Unreadable)
    assert why in value["a"].why
    assert value["a"].text == text


def test_a_member_that_stands_twice_has_no_value() -> None:
    """Neither the first nor the last of two values is taken."""
    value = json_text.read(b'{"qty": 1, "a": {"x": 1, "x": 1}, "qty": 9}')
    assert isinstance(value["qty"], Unreadable)
    assert "several times" in value["qty"].why
    assert isinstance(value["a"]["x"], Unreadable)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"{}", "a JSON array of orders"),
        (b"order,amount\n1,2", "a JSON array of orders"),
        (b"[1", "',' or ']'"),
        (b"[", "the file ends in the middle"),
        (b"[1,", "the file ends in the middle"),
        (b'[{"a": 1}', "',' or ']'"),
        (b'[{"a": ', "the file ends in the middle"),
        (b'[{"a": 1},]', "valid JSON"),
        (b"[1 2]", "',' or ']'"),
        (b"[1] x", "nothing after the end"),
        (b'[{"a": 1},\n{"b": tru}]', "at line 2"),
        (b'["\xe9"]', "a byte near 2"),
        (b'["\xc3', "Export the file as UTF-8"),
        ("[1]".encode("utf-16"), "Export the file as UTF-8"),
        ("[1]".encode("utf-16-le"), "valid JSON"),
        (b"[" + b"[" * 100_000, "nested at most 64 deep"),
        (b'["a\nb"]', "valid JSON"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_array_is_refused(data: bytes, words: str) -> None:
    """The reason names what was expected, and where."""
    assert words in refusal(data)


def test_white_space_and_a_byte_order_mark_are_no_matter() -> None:
    """A file from Windows is read like any other, and an empty array is no fault."""
    assert elements(b"\xef\xbb\xbf \r\n[ ]\r\n") == []
    assert json_text.read(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_one_deep_order_does_not_cost_the_others() -> None:
    """Nesting that a parser survives is refused for its element alone."""
    deep = b"[" * 100 + b"]" * 100
    first, second, third = elements(b"[1," + deep + b",3]")
    assert (first.value, third.value) == (1, 3)
    assert isinstance(second.value, Unreadable)
    assert second.text == deep.decode()
    with pytest.raises(ValueError, match="nested at most 64"):
        json_text.read(deep)


@pytest.mark.parametrize("size", [1024, 4096, 1024 * 1024])
def test_a_depth_that_no_parser_survives_costs_no_other_order_either(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """It is stepped over by its brackets, wherever the chunks end; brackets inside its texts do not count."""
    monkeypatch.setattr(json_text, "_CHUNK", size)
    deep = '["]}\\"[\\\\",{"é]":' * 5_000 + "1" + "}]" * 5_000
    found = elements(f'[{{"a": 1}}, {deep} , {deep},{{"b": 2}}]'.encode())
    assert [element.text for element in found] == ['{"a": 1}', deep, deep, '{"b": 2}']
    assert [found[0].value, found[3].value] == [{"a": 1}, {"b": 2}]
    assert isinstance(found[1].value, Unreadable)
    assert "nested at most 64 deep" in found[1].value.why
    assert len(found[1].value.text) == 200


def test_a_depth_without_end_is_refused_before_memory_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Brackets that never close are given up at the limit."""
    monkeypatch.setattr(json_text, "LARGEST_ELEMENT", 100_000)
    monkeypatch.setattr(json_text, "_CHUNK", 10_000)
    stream = io.BytesIO(b"[" * 10_000_000)
    with pytest.raises(FileRejected, match="nested at most 64 deep"):
        list(json_text.read_array(stream, "feed.json"))
    assert stream.tell() < 1_000_000


def test_elements_are_found_wherever_the_chunks_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values, characters and separators may lie across two reads; the text is kept to the byte."""
    order = json.dumps(feed_order(), default=str, ensure_ascii=False)
    texts = [order, '{"a": "😀é\\ud83d\\ude00", "n": -12.50}', "[]", order]
    data = ("\n[ " + " ,\n".join(texts) + " ]\n").encode()
    for size in (1, 2, 3, 7, 64, 1000):
        monkeypatch.setattr(json_text, "_CHUNK", size)
        assert [element.text for element in elements(data)] == texts


def test_an_endless_element_is_refused_before_memory_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A string that never ends is given up at the limit."""
    monkeypatch.setattr(json_text, "LARGEST_ELEMENT", 1000)
    monkeypatch.setattr(json_text, "_CHUNK", 100)
    stream = io.BytesIO(b'["' + b"x" * 10_000_000)
    with pytest.raises(FileRejected, match="under 1000 characters"):
        list(json_text.read_array(stream, "feed.json"))
    assert stream.tell() < 10_000


@pytest.mark.parametrize(
    ("data", "words"), [(b"\xff", "UTF-8"), (b"{", "line 1 column 2"), (b"", "line 1")]
)
def test_a_document_that_is_no_json_says_where(data: bytes, words: str) -> None:
    """The text is fit for people."""
    with pytest.raises(ValueError, match=words):
        json_text.read(data)


def test_half_a_character_goes_back_to_its_escape() -> None:
    """Quarantine can show what stood there, though no encoding has it."""
    value = json_text.read(b'{"name": "\\ud800"}')
    assert json_text.write(value) == b'{"name":"\\ud800"}'
    assert json_text.read(json_text.write_readable(value)) == value


def test_a_float_or_nan_is_never_written() -> None:
    """Only exact numbers leave the house."""
    with pytest.raises(ValueError, match="JSON"):
        json_text.write({"a": float("nan")})


def test_pointers_are_escaped() -> None:
    """RFC 6901: ~ and / inside a name."""
    assert json_text.pointer("a/b", 0, "c~d") == "/a~1b/0/c~0d"
    assert json_text.pointer() == ""


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        ({}, None),
        ([1], None),
        (Decimal("1.5"), "1.5"),
        ("x" * 500, "x" * 200),
        (Unreadable("NaN", "a number"), "NaN"),
    ],
)
def test_a_finding_shows_values_and_no_structures(value: object, shown: str | None) -> None:
    """What a person needs to see, at most 200 characters."""
    assert json_text.shown(value) == shown


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_spool_is_an_array(tmp_path: Path, count: int) -> None:
    """Elements written one at a time are one JSON array in the end."""
    with ArraySpool(tmp_path / "array.json") as spool:
        for number in range(count):
            spool.add(json_text.write_readable({"n": number}))
        assert spool.count == count
        path = spool.finish()
    assert json_text.read(path.read_bytes()) == [{"n": number} for number in range(count)]


def test_values_are_counted_before_anything_is_built() -> None:
    """Commas and brackets in texts are no values, and neither are those of a deep document its fault."""
    fits = b'{"a": [1, "[,,,{"], "b": {}}'
    assert json_text.read(fits, 6) == {"a": [1, "[,,,{"], "b": {}}
    with pytest.raises(TooManyValues, match="at most 5 values"):
        json_text.read(fits, 5)
    with pytest.raises(ValueError, match="nested at most 64"):
        json_text.read(b"[" * 100_000, 50_000)


def test_an_element_of_too_many_values_does_not_cost_the_others() -> None:
    """It is unreadable, with its text; the elements around it are read."""
    stream = io.BytesIO(b"[1, [2, 3, 4], 5, " + b"[" * 70 + b"]" * 70 + b"]")
    first, second, third, deep = json_text.read_array(stream, "feed.json", 3)
    assert (first.value, third.value) == (1, 5)
    assert second == Element(Unreadable("[2, 3, 4]", "JSON of at most 3 values"), "[2, 3, 4]")
    assert "nested" in deep.value.why
