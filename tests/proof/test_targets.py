"""Everything that the proof names is there: a rename in the product fails here at once, and is one edit."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

from proof import targets
from proof.bugs.planted import BUGS
from proof.crashes.points import POINTS
from proof.crashes.worker import SCALED

ROOT = Path(__file__).parents[2]
NAMED = {name: text for name, text in vars(targets).items() if name.isupper()}


@pytest.mark.parametrize("target", NAMED.values())
def test_it_is_there(target: str) -> None:
    """A thing in its module, a module, or a file of the project."""
    if ":" in target:
        targets.find(target)
    else:
        assert (ROOT / target).is_file() or import_module(target)


def test_what_is_gone_is_named() -> None:
    """With its whole name, so that it is known what to look for."""
    with pytest.raises(targets.NoSuchTarget, match=r"tillbridge\.money:was_here"):
        targets.find("tillbridge.money:was_here")


def test_nothing_else_is_named() -> None:
    """Crash points, shortened waits and bugs take the names from there, and each name is used."""
    named = set(NAMED.values())
    files = {targets.file(text) for text in named if "/" not in text} | named
    assert {point.target for point in POINTS.values()} | {k for k in SCALED if ":" in k} <= named
    assert {bug.file for bug in BUGS} | {test for bug in BUGS for test in bug.tests} <= files
    written = Path(targets.__file__).read_text()
    used = {
        node.attr
        for path in (ROOT / "proof").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
    }
    assert [name for name in NAMED if name not in used and f"{{{name}}}" not in written] == []
