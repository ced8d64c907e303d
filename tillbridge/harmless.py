"""Foreign text made harmless before a person or a program reads it: one line, a spreadsheet cell, Markdown.

Order numbers and answers come from other systems, so they may hold anything. HTML is not here: Jinja2's
autoescape does that.
"""

from __future__ import annotations

import re
import unicodedata

_STAND_IN = "\N{REPLACEMENT CHARACTER}"
# Control and format characters (among them the right-to-left overrides), lone surrogates.
_UNSEEN = frozenset({"Cc", "Cf", "Cs"})
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - Excel takes the full-width ones too
# A spreadsheet splits at semicolons where the comma is the decimal sign; the text goes on in a new cell.
_LATER_FORMULA = re.compile(rf";[\s\"]*(?=[{re.escape(''.join(_FORMULA_STARTS))}])")
_LINK_STARTS = re.compile(r"://|@|\](?=\()|www(?=\.)", re.IGNORECASE)
_MARKDOWN_MARKS = re.compile(r"[\\`*_\[\]<>|~&$]")
# Titles, lists and rules. Prefect's UI reads each cell of a table as a document of its own.
_MARKDOWN_START = re.compile(r"^(\d{0,9})(#|[-+](?=[-\s]|$)|(?<=\d)[.)](?=\s|$))")


def line(text: str, longest: int) -> str:
    """Give `text` as one visible line of at most `longest` characters.

    Line breaks and runs of white space become one space, characters nobody can see become a visible
    stand-in, and a text that is cut ends in an ellipsis.
    """
    spaced = " ".join(text.split())
    kept = spaced if len(spaced) <= longest else spaced[: longest - 1] + "…"
    return "".join(_STAND_IN if unicodedata.category(mark) in _UNSEEN else mark for mark in kept)


def cell(text: str) -> str:
    """Give `text` so that a spreadsheet shows it and never runs it as a formula."""
    parted = _LATER_FORMULA.sub(r"\g<0>'", text)
    return f"'{parted}" if parted.startswith(_FORMULA_STARTS) else parted


def unlinked(text: str) -> str:
    """Give `text` so that no viewer turns a part of it into a link: a space parts what would be one."""
    return _LINK_STARTS.sub(r"\g<0> ", text)


def sentence(text: str, longest: int) -> str:
    """Give `text` as one visible line of which no viewer makes a link, for messages and plain mails."""
    return unlinked(line(text, longest))


def markdown(text: str) -> str:
    """Give one line of text so that Markdown shows it as it is: no link, title, list, table or HTML."""
    # Viewers look for bare addresses after the backslashes are gone, so escaping alone is not enough.
    marked = _MARKDOWN_MARKS.sub(r"\\\g<0>", unlinked(text))
    return _MARKDOWN_START.sub(r"\1\\\2", marked)
