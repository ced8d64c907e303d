"""The folders of the tests are the rooms of the product."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
BESIDE_THE_LIBRARY = {
    "blocks",
    "commands",
    "deployment",
    "docs",
    "flows",
    "proof",
    "sandbox",
    "tasks",
}
# `library` holds the tests of the modules that lie in no room, such as money and errors.
OTHERS = {"benchmarks", "golden", "library"}


def rooms(folder: Path) -> set[str]:
    """Name the folders in a folder."""
    return {path.name for path in folder.iterdir() if path.is_dir() and path.name[0] not in "._"}


def test_a_test_lies_in_the_room_it_tests() -> None:
    """Kinds of tests are markers (slow, faults); whoever changes a room finds all of its tests in one place."""
    known = rooms(ROOT / "tillbridge") | BESIDE_THE_LIBRARY | OTHERS
    unknown = rooms(ROOT / "tests") - known
    assert not unknown, f"tests/{unknown} is no room of the product; there are {sorted(known)}"
