"""Keeps customers out of reasons: an answer may repeat what it was asked, in a spelling of its own. Pure."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from tillbridge import harmless
from tillbridge.contracts import json_text
from tillbridge.invoicing.outcome import Verdict

_LONGEST = 300
_LONGEST_READ = 2000
"""Characters of an answer's text that are looked at; a megabyte of it would only cost time."""

_SHORTEST_NUMBER = 5
_CUSTOMERS = ("CustomerBilling", "CustomerShipping")
_NAMES = ("FirstName", "LastName")
_COMPANY = ("CompanyId", "CompanyName", "CompanyAddress")
_COVER = "…"
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_WORD = re.compile(r"[^\s,;:!?()\[\]{}\"'<>/]+")
_NUMBER = re.compile(r"\d(?:[\s().-]{0,2}\d){4,}")


def without_customer_data(verdict: Verdict, body: bytes) -> Verdict:
    """Take the customer's words and numbers in the request `body` out of a verdict's reason.

    Case, accents, separators and escapes do not matter, and each word counts by itself. The reason
    becomes one line of bounded length.
    """
    request = json_text.read(body)
    customers = [request.get(role) or {} for role in _CUSTOMERS]
    names = [str(one.get(name) or "") for one in customers for name in _NAMES]
    values = names + [str(request.get(name) or "") for name in _COMPANY]
    values += [str(value or "") for one in customers for value in one.values()]
    words = _words(names, at_least=2) | _words(values, at_least=3)
    numbers = {_digits(value) for value in values}

    def number_covered(found: re.Match[str]) -> str:
        return _COVER if _is_part(_digits(found.group()), numbers) else found.group()

    def word_covered(found: re.Match[str]) -> str:
        word = found.group().rstrip(".")
        is_known = _is_part(_digits(word), numbers) or _parts(word) & words
        return _COVER if is_known else found.group()

    reason = _NUMBER.sub(number_covered, _beginning(verdict.reason))
    reason = _unspaced(words).sub(_COVER, _WORD.sub(word_covered, reason))
    return replace(verdict, reason=harmless.line(reason, _LONGEST))


def _beginning(text: str) -> str:
    """Give the whole words of the beginning of a text, without the escapes of JSON and HTML in it."""
    plain = html.unescape(
        _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text[: 4 * _LONGEST_READ])
    )
    line = harmless.line(plain, _LONGEST_READ)
    return line if len(line) < _LONGEST_READ else f"{line.rpartition(' ')[0]} {_COVER}"


def _words(values: Iterable[str], at_least: int) -> set[str]:
    """Give the words of the values as they compare; a single character says much in some scripts."""
    return {
        part
        for value in values
        for part in _parts(value)
        if len(part) >= at_least or _is_written_without_spaces(part)
    }


def _parts(text: str) -> set[str]:
    """Give a text and each of its words, as they compare."""
    whole = _plain(text)
    return {part for part in (whole, *re.split(r"[\W_]+", whole)) if part}


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).strip()


def _unspaced(words: Iterable[str]) -> re.Pattern[str]:
    """Match the words of scripts that put no space between words, wherever they stand."""
    unspaced = sorted(filter(_is_written_without_spaces, words), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, unspaced)) or r"(?!)")


def _is_written_without_spaces(word: str) -> bool:
    return any(unicodedata.east_asian_width(letter) == "W" for letter in word)


def _is_part(digits: str, numbers: Iterable[str]) -> bool:
    return len(digits) >= _SHORTEST_NUMBER and any(digits in one for one in numbers)


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdecimal())
