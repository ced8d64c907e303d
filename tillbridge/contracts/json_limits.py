"""How much one JSON document may hold, whatever its size in bytes.

A document of many small values, or of long names around them, costs a hundred times its size to build
and to look through. So its values are counted in its text, before anything is built of it.
"""

from __future__ import annotations

import re

MOST_VALUES = 50_000
"""Values in one document. A megabyte of a till's sale, with each member named, holds fewer."""

LONGEST_NAME = 200
"""Characters of the name of a member."""

MOST_VALUES_OF_AN_ELEMENT = 500_000
"""Values in one element of a file, which may be an order of thousands of lines."""

DEEPEST = 64

STRUCTURE = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{},]', re.DOTALL)
"""A text, or a mark outside of one; a text that the end cuts reaches to it."""

STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}
"""How much deeper a mark leads."""


class TooManyValues(ValueError):
    """A document of more values than it may hold; the text says how many that is."""

    def __init__(self, most: int) -> None:
        super().__init__(f"JSON of at most {most:,} values")


def require_few_values(text: str, most: int) -> None:
    """Make sure that a JSON document holds no more than `most` values; each list and object is one.

    An empty list or object counts as two. `text` need not be JSON.

    Raises:
        TooManyValues: it holds more.
        RecursionError: it is nested so deep that no parser gets to its end.
    """
    if 1 + sum(map(text.count, ",[{")) <= most:
        return
    depth, values = 0, 1
    for found in STRUCTURE.finditer(text):
        mark = found[0]
        depth += STEPS.get(mark, 0)
        values += mark in {",", "[", "{"}
        if depth > DEEPEST:
            raise RecursionError
        if values > most:
            raise TooManyValues(most)
