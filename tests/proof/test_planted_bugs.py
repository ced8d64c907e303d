"""The planted bugs can be planted, and the tests find them; `make soak` hunts them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from proof.bugs.bug import Bug
from proof.bugs.mutants import ROOT, copy_project, hunt, plant
from proof.bugs.planted import BUGS

pytestmark = pytest.mark.slow

QUICK = {"4xx-on-attempt-2", "5xx-is-ready", "no-breaker"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project."""
    folder = tmp_path_factory.mktemp("project")
    copy_project(folder)
    return folder


def test_each_bug_has_a_name_of_its_own() -> None:
    """Results are kept by name."""
    assert len({bug.name for bug in BUGS}) == len(BUGS)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_can_be_planted(bug: Bug, project: Path) -> None:
    """The line it changes is there, a changed module compiles, and its tests exist."""
    before = (project / bug.file).read_text()
    plant(bug, project)
    changed = (project / bug.file).read_text()
    (project / bug.file).write_text(before)
    if bug.file.endswith(".py"):
        compile(changed, bug.file, "exec")
    assert changed != before
    assert all((ROOT / path).exists() for path in bug.tests)


@pytest.mark.parametrize(
    "bug", [bug for bug in BUGS if bug.name in QUICK], ids=lambda bug: bug.name
)
def test_a_planted_bug_is_found(bug: Bug) -> None:
    """The tests fail with it in the code."""
    assert hunt(bug).killed_by is not None
