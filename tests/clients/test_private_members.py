"""Private members of other people's libraries are used in one module each, and are still there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import reduce
from pathlib import Path

import h11
import httpcore
import paramiko
import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = [
    path
    for room in ("tillbridge", "blocks", "tasks", "flows", "commands")
    for path in sorted((ROOT / room).rglob("*.py"))
]

USED = {
    "tillbridge/clients/sftp_channel.py": {
        "_request": paramiko.SFTPClient,
        "_async_request": paramiko.SFTPClient,
        "_read_response": paramiko.SFTPClient,
        "_send_version": paramiko.SFTPClient,
        "_convert_status": paramiko.SFTPClient,
        "_send_packet": paramiko.SFTPClient,
        "_read_packet": paramiko.SFTPClient,
        "_read_all": paramiko.SFTPClient,
    },
    "tillbridge/clients/sftp_connection.py": {
        "_kex_info": None,
    },
    "tillbridge/clients/retail_pro_leftover.py": {
        "_stream": None,
        "_connection": None,
        "_h11_state": None,
    },
}
"""By module, the private members that it may use, and whose they are; None: looked at below."""

LIKE_PUBLIC = {"_asdict", "_mapping", "_fields", "_replace"}
"""Underscores that the documentation of namedtuples and SQLAlchemy's rows asks for."""

OURS = {"self", "cls"}


def test_each_member_is_still_there() -> None:
    """A new version of a library that took one away is noticed here, before a run does."""
    for members in USED.values():
        for name, owner in members.items():
            assert owner is None or callable(getattr(owner, name, None)), f"{owner}.{name} is gone"


def test_the_key_exchanges_are_still_there() -> None:
    """The one of RFC 8731 is known by its older name."""
    assert "curve25519-sha256@libssh.org" in paramiko.Transport._kex_info


def test_the_bytes_behind_an_answer_are_still_there() -> None:
    """They are where `retail_pro_leftover` looks for them in httpcore, and h11 says what they are."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    backend = httpcore.MockBackend([answer + b"spare"])
    with (
        httpcore.ConnectionPool(network_backend=backend) as pool,
        pool.stream("GET", "http://127.0.0.1/") as response,
    ):
        assert response.read() == b"{}"
        connection = reduce(
            getattr, USED["tillbridge/clients/retail_pro_leftover.py"], response.stream
        )
        assert isinstance(connection, h11.Connection)
        assert connection.trailing_data == (b"spare", False)


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_module_uses_any(path: Path) -> None:
    """What begins with an underscore and is not ours stands in the list above."""
    allowed = LIKE_PUBLIC | set(USED.get(str(path.relative_to(ROOT)), ()))
    assert sorted(set(_foreign(ast.parse(path.read_text()))) - allowed) == []


def test_the_list_names_no_more_than_is_used() -> None:
    """So that it shrinks when the product does."""
    for module, members in USED.items():
        text = (ROOT / module).read_text()
        assert [name for name in members if name not in text] == []


def _foreign(tree: ast.Module) -> Iterator[str]:
    """Find the private names that are looked up but defined nowhere in the module."""
    ours = set()
    for node in ast.walk(tree):
        match node:
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                ours.add(name)
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Name(id=name, ctx=ast.Store()):
                ours.add(name)
            case ast.Attribute(attr=name, ctx=ast.Store()):
                ours.add(name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            is_super = isinstance(node.value, ast.Call) and ast.unparse(node.value) == "super()"
            if not node.attr.endswith("__") and (is_super or node.attr not in ours):
                yield node.attr
