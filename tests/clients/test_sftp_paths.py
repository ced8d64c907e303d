"""The rules for names and paths on an SFTP server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillbridge.clients.sftp_paths import (
    below,
    clean_path,
    clean_root,
    is_finished_name,
    is_temporary_name,
    temporary_path,
)
from tillbridge.errors import ConfigurationProblem

HOSTILE = [
    "",
    "/",
    "//",
    "/etc/passwd",
    "..",
    "../up",
    "a/../../up",
    "a/./b",
    "a//b",
    "a\\b",
    "a\nb",
    "a\x00b",
    "a\x1b[31m",
    "a\u202egnp.exe",
    "x" * 300,
    "\udcff",
]


@pytest.mark.parametrize("path", HOSTILE)
def test_hostile_path_is_refused(path: str) -> None:
    """A path that could leave the root, or mean two things, stops before the server sees it."""
    with pytest.raises(ConfigurationProblem, match="below the root folder"):
        clean_path(path)


@pytest.mark.parametrize(
    ("root", "path", "seen"),
    [
        (".", "hotwax/completed-orders", "hotwax/completed-orders"),
        (".", "hotwax/", "hotwax"),
        (".", ".", "."),
        ("/srv/exchange", "a/b.json", "/srv/exchange/a/b.json"),
        ("/", "a", "/a"),
        ("exchange", ".", "exchange"),
        ("/srv", "Straße 5.json", "/srv/Straße 5.json"),
    ],
)
def test_path_starts_from_the_root(root: str, path: str, seen: str) -> None:
    """Every path is the server's root folder plus the path given."""
    assert below(root, path) == seen


@given(st.text(max_size=40))
def test_no_path_leaves_the_root(path: str) -> None:
    """Whatever text comes in, the path that goes out stays below the root, or there is none."""
    try:
        seen = below("/srv/exchange", path)
    except ConfigurationProblem:
        return
    assert seen == "/srv/exchange" or seen.startswith("/srv/exchange/")
    assert seen.isprintable()
    assert ".." not in seen.split("/")


@pytest.mark.parametrize("root", [".", "/", "/srv/exchange", "exchange/in", "exchange/"])
def test_root_may_be_relative_or_absolute(root: str) -> None:
    """The root may be where the login lands, below it, or any folder of the server."""
    assert clean_root(root) == root.removesuffix("/") or root == "/"


@pytest.mark.parametrize("root", ["", "..", "/srv/../etc", "a//b", "~\n"])
def test_root_that_climbs_is_refused(root: str) -> None:
    """A root with '..' or control characters is refused where it is typed in."""
    with pytest.raises(ValueError, match="without"):
        clean_root(root)


@pytest.mark.parametrize(
    "name", [".hidden.json", ".a.json.0123456789ab.part", "a.json.part", "a.TMP", "a.json.filepart"]
)
def test_unfinished_names_are_left_alone(name: str) -> None:
    """What another program is still writing is no file yet."""
    assert not is_finished_name(name)


def test_temporary_path_is_hidden_and_in_the_same_folder() -> None:
    """The temporary name stays on the same file system, is skipped by readers, and is ours to clear up."""
    path = temporary_path("archive/orders.json")
    folder, _, name = path.rpartition("/")
    assert folder == "archive"
    assert not is_finished_name(name)
    assert is_temporary_name(name)
    assert path != temporary_path("archive/orders.json")


@pytest.mark.parametrize("name", ["orders.json", ".orders.json.part", ".other.0123.part"])
def test_foreign_names_are_not_taken_for_temporary_ones(name: str) -> None:
    """Only the names this product makes up are ever cleared away."""
    assert not is_temporary_name(name)
