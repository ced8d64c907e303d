"""The rules for names and paths on an SFTP server. Pure: nothing here talks to one.

Every path the product uses is relative to the root folder of its settings and cannot leave it.
"""

from __future__ import annotations

import posixpath
import re
from uuid import uuid4

from tillbridge.errors import ConfigurationProblem

_TEMPORARY_SUFFIX = ".part"
_TEMPORARY_NAME = re.compile(r"\..+\.[0-9a-f]{12}\.part")
_UNFINISHED_SUFFIXES = (_TEMPORARY_SUFFIX, ".tmp", ".filepart")
_LONGEST_NAME = 235  # bytes; most file systems hold 255, and a temporary name adds about 20
_LONGEST_ORIGINAL = (
    160  # leaves room for what the product adds: a claim's prefix, a report's ending
)


def clean_path(path: str) -> str:
    """Give `path` back without a trailing slash when it stays below the root; `.` is the root.

    Raises:
        ConfigurationProblem: it is empty, absolute, climbs with `..`, or has a part that is not a
            plain name.
    """
    trimmed = path[:-1] if path.endswith("/") else path
    if trimmed == ".":
        return trimmed
    if not all(is_plain_name(part) for part in trimmed.split("/")):
        raise ConfigurationProblem(
            f"The SFTP path {path!a} cannot be used. Expected a path below the root folder, such as "
            "hotwax/completed-orders: relative, without '.', '..', backslashes or control characters."
        )
    return trimmed


def clean_root(root: str) -> str:
    """Give the root folder back when it is usable; unlike other paths it may be absolute.

    Raises:
        ValueError: it is empty, climbs with `..`, or has a part that is not a plain name.
    """
    if root in {".", "/"}:
        return root
    trimmed = root[:-1] if root.endswith("/") else root
    if not all(is_plain_name(part) for part in trimmed.removeprefix("/").split("/")):
        raise ValueError("a folder such as exchange or /srv/exchange, without '..'")
    return trimmed


def is_plain_name(name: str) -> bool:
    """Say whether `name` is one printable path part that means itself on every server."""
    return (
        name not in {"", ".", ".."}
        and name.isprintable()
        and not set(name) & {"/", "\\"}
        and len(name.encode("utf-8", "replace")) <= _LONGEST_NAME
    )


def is_finished_name(name: str) -> bool:
    """Say whether a file of that name is meant for readers: not hidden, not half uploaded."""
    return not name.startswith(".") and not name.lower().endswith(_UNFINISHED_SUFFIXES)


def temporary_path(path: str) -> str:
    """Make up a hidden name in the folder of `path` that no other writer uses."""
    folder, name = posixpath.split(path)
    return posixpath.join(folder, f".{name}.{uuid4().hex[:12]}{_TEMPORARY_SUFFIX}")


def is_temporary_name(name: str) -> bool:
    """Say whether `temporary_path` made the name up."""
    return is_plain_name(name) and _TEMPORARY_NAME.fullmatch(name) is not None


def below(root: str, path: str) -> str:
    """Give the path as the server knows it.

    Raises:
        ConfigurationProblem: as `clean_path`.
    """
    return posixpath.normpath(posixpath.join(root, clean_path(path)))
