"""Counting is English: "1 mail", "2 mails"."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tillbridge.counting import counted

ROOT = Path(__file__).parents[2]
PRODUCT = ("blocks", "commands", "flows", "tasks", "tillbridge")
_THINGS = (
    "batches|days|differences|documents|entries|errors|exchanges|failures|feeds|files|halves|invoices|lines|mails|"
    "notices|orders|records|reports|returns|rows|runs|sales|sendings|servers|times|transactions|transfers|units|TLogs"
)
_UNCOUNTED = re.compile(rf"(?:\{{\}}|%d)( (?:failed|more|new|other|waiting))? ({_THINGS})\b")
# "at most 200 rows", "2 of 5 records": what comes before makes any number right.
_BOUND = re.compile(r"(at most|at least|first|last|longer than|more than|of|fewer than|up to) $")


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 mails"), (1, "1 mail"), (2, "2 mails"), (1200, "1,200 mails")]
)
def test_one_is_one(number: int, text: str) -> None:
    """Only one thing is one thing; thousands are parted."""
    assert counted(number, "mail") == text


def test_other_plurals_are_given() -> None:
    """An s is not enough for everything, and a verb may come along."""
    assert counted(1, "entry waits", "entries wait") == "1 entry waits"
    assert counted(3, "entry waits", "entries wait") == "3 entries wait"


def test_the_product_counts_with_it() -> None:
    """No text of the product puts a number before things by itself."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for room in PRODUCT
        for path in sorted((ROOT / room).rglob("*.py"))
        for line, text in _texts(ast.parse(path.read_text(encoding="utf-8")))
        for match in _UNCOUNTED.finditer(text)
        if not _BOUND.search(text[: match.start()])
    ]
    assert found == []


def _texts(tree: ast.AST) -> list[tuple[int, str]]:
    """Give each f-string with {} for its values, and each other text as it is."""
    return [
        (node.lineno, _text(node))
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr | ast.Constant)
    ]


def _text(node: ast.JoinedStr | ast.Constant) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
    )
