"""Keeps customers out of reasons: an answer may repeat what it was asked, in a spelling of its own. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import Any

from tillbridge import harmless
from tillbridge.contracts import json_text
from tillbridge.invoicing.outcome import Verdict

_LONGEST = 300
_SHORTEST_WORD = 3
_SHORTEST_NUMBER = 5
_CUSTOMERS = ("CustomerBilling", "CustomerShipping")
_COMPANY = ("CompanyId", "CompanyName", "CompanyAddress")
_WORD = re.compile(r"[^\s,;:!?()\[\]{}\"'<>/]+")


def without_customer_data(verdict: Verdict, body: bytes) -> Verdict:
    """Take the customer's words and numbers in the request `body` out of a verdict's reason.

    Case, accents and separators do not matter, and each word counts by itself. The reason becomes one
    line of bounded length.
    """
    request = json_text.read(body)
    values = [request.get(name) for name in _COMPANY]
    for role in _CUSTOMERS:
        values += (request.get(role) or {}).values()
    words = {word for value in values for word in _words(value)}
    numbers = {_digits(str(value)) for value in values if value}

    def covered(found: re.Match[str]) -> str:
        word = found.group().rstrip(".")
        digits = _digits(word)
        is_number = len(digits) >= _SHORTEST_NUMBER and any(digits in one for one in numbers)
        is_word = any(part in words for part in _words(word))
        return "…" if is_number or is_word else found.group()

    return replace(verdict, reason=harmless.line(_WORD.sub(covered, verdict.reason), _LONGEST))


def _words(value: Any) -> set[str]:
    """Give the words of a value, and the value itself, as they compare."""
    whole = _plain(str(value or ""))
    parts = {whole, *re.split(r"[^\w]+", whole)}
    return {part for part in parts if len(part) >= _SHORTEST_WORD}


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).strip()


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdecimal())
