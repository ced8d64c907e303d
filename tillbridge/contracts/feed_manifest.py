"""The manifest that a producer may put beside a feed: what the whole file has to be.

It is a small JSON object `{"sha256": …, "size": …, "orders": …, "total": …}` under the feed's name with
`.manifest.json` after it, written last. Whether one is asked for is the profile's business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from tillbridge import money
from tillbridge.contracts import json_text
from tillbridge.errors import FileRejected, Finding

SUFFIX = ".manifest.json"
LARGEST = 64 * 1024
"""Bytes of a manifest; it holds four numbers."""

_EXPECTED = (
    '{"sha256": 64 hexadecimal digits, "size": bytes, "orders": how many}, with "total" or without'
)
_SHA256 = re.compile("[0-9a-fA-F]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a feed is.

    `total` is the sum of its orders' `grandTotal`, whatever their currency; None where it is not known.
    """

    sha256: str
    size: int
    orders: int
    total: Decimal | None = None


def manifest_name(feed_name: str) -> str:
    """Give the name of the manifest that belongs to a feed; folders before the name stay."""
    return feed_name + SUFFIX


def write(manifest: Manifest) -> bytes:
    """Write a manifest."""
    members: dict[str, Any] = {
        "sha256": manifest.sha256,
        "size": manifest.size,
        "orders": manifest.orders,
    }
    if manifest.total is not None:
        members["total"] = manifest.total
    return json_text.write_readable(members)


def read(data: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        ValueError: it is none; the text completes "expected ...".
    """
    try:
        document = json_text.read(data)
    except ValueError as problem:
        raise ValueError(f"a manifest {_EXPECTED}; it should be {problem}") from problem
    match document:
        case {"sha256": str(sha256), "size": int(size), "orders": int(orders)} if _SHA256.fullmatch(
            sha256
        ):
            try:
                total = money.parse(document["total"]) if "total" in document else None
            except ValueError as problem:
                raise ValueError(f"a manifest whose total is {problem}") from problem
            return Manifest(sha256.lower(), size, orders, total)
    raise ValueError(f"a manifest {_EXPECTED}")


def check(data: bytes, name: str, sha256: str, size: int, local: Path) -> None:
    """Hold a feed that was fetched to `local` against its manifest.

    Raises:
        FileRejected: they differ, or one of them cannot be read; with everything that differs.
    """
    try:
        said = read(data)
    except ValueError as problem:
        raise FileRejected(name, (Finding("", None, str(problem)),)) from problem
    found = {"size": (said.size, size), "sha256": (said.sha256, sha256)}
    if said.sha256 == sha256:
        # Only of whole bytes it makes sense to ask whether the producer counted right.
        orders, total = _count(local, name)
        found["orders"] = (said.orders, orders)
        if said.total is not None and total is not None:
            found["total"] = (said.total, total)
    findings = tuple(
        Finding(
            f"/{member}", str(is_so), f"{member} {wanted}, as its manifest says; it has {is_so}"
        )
        for member, (wanted, is_so) in found.items()
        if wanted != is_so
    )
    if findings:
        raise FileRejected(name, findings)


def _count(local: Path, name: str) -> tuple[int, Decimal | None]:
    """Count the orders of a feed and add them up; None where one has no amount that can be read."""
    orders, total = 0, Decimal(0)
    is_known = True
    with local.open("rb") as stream:
        for element in json_text.read_array(stream, name):
            orders += 1
            try:
                total += money.parse(element.value["grandTotal"])
            except (ValueError, TypeError, KeyError):
                is_known = False
    return orders, total if is_known else None
