"""Hostile bytes for the fuzzer: good documents, damaged byte by byte or spoiled value by value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import simplejson
from hypothesis import strategies as st
from simplejson import RawJSON

from tests import corpus
from tests.strategies import HOSTILE, changed, pointers
from tillbridge.contracts.json_text import Unreadable

FOREIGN = st.text(max_size=60) | st.sampled_from(corpus.TEXTS)
JOINED = st.lists(FOREIGN, min_size=1, max_size=3).map("".join)
NUMBERS = st.sampled_from([text for text in corpus.NUMBERS if len(text) < 100])

_VALUES = st.sampled_from(HOSTILE) | FOREIGN | NUMBERS.map(lambda text: Unreadable(text, ""))
_PIECES = [
    *(b"NaN", b"-0", b"1e999", b"1E2", b"9" * 30, b"0.00001", b"true", b"null", b'"', b"\\", b"\\ud800"),
    *(b"\\u0000", b"[", b"]", b"{", b"}", b":", b",", b"[" * 70, b"]" * 70, b"[" * 2000, b"\r\n", b" "),
    *(b"\xff", b"\x00", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"=1+1", b"<b>", b"M1"),
    *("１２".encode(), "\u202e".encode()),  # noqa: RUF001
]  # fmt: skip


def foreign(document: Any) -> st.SearchStrategy[bytes]:
    """Make what a program, a spreadsheet or a broken wire could make of a good document."""
    return spoiled(document) | damaged(st.just(written(document)))


@st.composite
def damaged(draw: Callable[..., Any], wholes: st.SearchStrategy[bytes]) -> bytes:
    """Draw a document in which up to four places were cut out, overwritten or added to."""
    data = bytearray(draw(wholes))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(start + draw(st.sampled_from([0, 0, 1, 1, 2, 8, 200])), len(data))
        data[start:end] = draw(st.sampled_from(_PIECES) | st.binary(max_size=6))
    return bytes(data)


@st.composite
def spoiled(draw: Callable[..., Any], document: Any) -> bytes:
    """Draw a document, still JSON, in which one to three values were replaced by hostile ones."""
    for _ in range(draw(st.integers(1, 3))):
        document = changed(document, draw(st.sampled_from(pointers(document))), draw(_VALUES))
    return written(document)


def written(document: Any, indent: int | None = None) -> bytes:
    """Write a document as a careless program would: numbers as they are, halves of characters as escapes."""
    text: str = simplejson.dumps(
        document,
        use_decimal=True,
        default=lambda raw: RawJSON(raw.text),
        ensure_ascii=False,
        indent=indent,
    )
    return text.encode(errors="backslashreplace")
