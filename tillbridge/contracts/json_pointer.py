"""What a JSON pointer of a setting finds in a document, read with care.

A far end's document may hold anything, so a value that is not there or of no use is None, never an error.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tillbridge import money


def look_up(document: Any, pointer: str) -> Any:
    """Give the value at an RFC 6901 pointer; the document itself for an empty one."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(name)
        elif isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        else:
            return None
    return document


def text_at(document: Any, pointer: str) -> str | None:
    """Give the text or number at `pointer` as text; None for an empty pointer."""
    value = look_up(document, pointer) if pointer else None
    usable = isinstance(value, str | int | Decimal) and not isinstance(value, bool)
    return str(value) if usable and value != "" else None


def amount_at(document: Any, pointer: str) -> Decimal | None:
    """Give the amount at `pointer`; None for an empty pointer."""
    try:
        return money.parse(look_up(document, pointer) if pointer else None)
    except ValueError:
        return None
