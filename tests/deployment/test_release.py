"""What looks after a release: the wheel, the audit, the licences and the checks before a commit."""

from __future__ import annotations

import hashlib
import os
import re
import zipfile
from pathlib import Path

import pytest
import yaml

from release import wheel
from release.audit import judge
from release.licences import table

ROOT = Path(__file__).parents[2]


def test_the_wheel_is_reproducible(tmp_path: Path) -> None:
    """Two builds under different umasks are the same bytes, and hold the product alone."""
    built = []
    for mask in (0o022, 0o077):
        before = os.umask(mask)
        try:
            built.append(wheel.build(1_800_000_000, tmp_path / f"{mask}"))
        finally:
            os.umask(before)
    first, second = (hashlib.sha256(path.read_bytes()).hexdigest() for path in built)
    assert first == second
    rooms = {name.partition("/")[0] for name in zipfile.ZipFile(built[0]).namelist()}
    assert {name for name in rooms if not name.endswith(".dist-info")} == set(wheel.PACKAGES)


def test_the_image_is_built_from_the_same_sources() -> None:
    """What the Dockerfile copies for the build is what the wheel is made of."""
    text = (ROOT / "Dockerfile").read_text()
    assert f"COPY {' '.join(wheel.FILES)} ./" in text
    for name in wheel.PACKAGES:
        assert f"COPY {name} {name}\n" in text


FINE = {"name": "fine", "version": "1", "vulns": []}
BAD = {"name": "bad", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
SKIPPED = {"name": "skipped", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        ([FINE], 0, "nothing is known against its 1 packages"),
        ([FINE, BAD], 1, "bad 2: CVE-1, mended in 3"),
        ([BAD, SKIPPED], 1, "NOT CHECKED: skipped"),
        ([FINE, SKIPPED], 2, "1 packages asked about; NOT CHECKED: skipped"),
        ([SKIPPED], 2, "NOT CHECKED. No vulnerability database could be asked."),
        ([], 2, "NOT CHECKED. No vulnerability database could be asked."),
    ],
)
def test_silence_is_no_good_news(answer: list[dict[str, object]], status: int, says: str) -> None:
    """An audit that could ask about nothing, or not about everything, says so and is no success."""
    found, lines = judge("requirements.lock", answer)
    assert found == status
    assert says in "\n".join(lines)


def test_licences_are_listed() -> None:
    """Whichever way a package states its licence, and where it states none."""
    document = {
        "components": [
            {"name": "b", "version": "2", "licenses": [{"license": {"id": "MIT"}}]},
            {"name": "a", "version": "1", "licenses": [{"expression": "Apache-2.0 OR MIT"}]},
            {"name": "c", "version": "3", "licenses": [{"license": {"name": "BSD\nlong text"}}]},
            {"name": "d", "version": "4"},
        ]
    }
    assert table(document).splitlines()[2:] == [
        "| a | 1 | Apache-2.0 OR MIT |",
        "| b | 2 | MIT |",
        "| c | 3 | BSD |",
        "| d | 4 | not stated |",
    ]


def test_a_commit_is_held_to_the_same_commands() -> None:
    """The hooks are commands of the Makefile, the ones that `make check` and CI run, and fetch nothing."""
    [local] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert local["repo"] == "local"
    makefile = (ROOT / "Makefile").read_text()
    for hook in local["hooks"]:
        command, target = hook["entry"].split()
        assert (command, hook["language"]) == ("make", "system")
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert "lint" in [hook["id"] for hook in local["hooks"]]
    assert re.search(r"^check: lint ", makefile, re.MULTILINE)
    for command in ("make check", "make check-lowest"):
        assert command in (ROOT / ".ci/run").read_text()
