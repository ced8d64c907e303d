"""Numbers of things in English, for everything that people read: "1 mail", "2 mails"."""

from __future__ import annotations

from decimal import Decimal


def counted(number: int | Decimal, one: str, more: str | None = None) -> str:
    """Give a number with the word for one thing or for `more`; without that, an s is added to `one`."""
    return f"{number:,} {one if number == 1 else more or f'{one}s'}"
