"""The manifest of a feed: what is read as one, and what it finds wrong."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path

import pytest

from tillbridge.contracts.feed_manifest import Manifest, check, manifest_name, read, write
from tillbridge.errors import FileRejected

FEED = b'[{"orderId": "M1", "grandTotal": 78.30}, {"orderId": "M2", "grandTotal": "-5"}]\n'
SHA256 = hashlib.sha256(FEED).hexdigest()
RIGHT = Manifest(SHA256, len(FEED), 2, Decimal("73.3"))


def findings(tmp_path: Path, manifest: bytes, feed: bytes = FEED) -> list[str]:
    """Hold a feed against a manifest; what is wrong, in words."""
    local = tmp_path / "feed"
    local.write_bytes(feed)
    try:
        check(manifest, "a.json", hashlib.sha256(feed).hexdigest(), len(feed), local)
    except FileRejected as problem:
        return [finding.expected for finding in problem.findings]
    return []


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """A manifest comes back as it was, digit by digit, and fits its feed."""
    assert read(write(RIGHT)) == RIGHT
    assert read(write(Manifest(SHA256, 1, 2))) == Manifest(SHA256, 1, 2)
    assert findings(tmp_path, write(RIGHT)) == []
    assert manifest_name("in/a.json") == "in/a.json.manifest.json"


def test_other_producers_may_write_it_their_way(tmp_path: Path) -> None:
    """Capital digits, a total as text, and further members are fine; the total may be left out."""
    text = f'{{"sha256": "{SHA256.upper()}", "size": {len(FEED)}, "orders": 2, "by": "hotwax"%s}}'
    assert findings(tmp_path, (text % "").encode()) == []
    assert findings(tmp_path, (text % ', "total": "73.30"').encode()) == []


def test_a_feed_that_was_cut_or_changed(tmp_path: Path) -> None:
    """Size and content are both named, with both figures."""
    assert findings(tmp_path, write(RIGHT), FEED[:-1]) == [
        f"size {len(FEED)}, as its manifest says; it has {len(FEED) - 1}",
        f"sha256 {SHA256}, as its manifest says; it has {hashlib.sha256(FEED[:-1]).hexdigest()}",
    ]


def test_a_producer_that_counted_wrong(tmp_path: Path) -> None:
    """Of whole bytes the number of orders and their sum must be right too."""
    wrong = Manifest(SHA256, len(FEED), 3, Decimal(80))
    assert findings(tmp_path, write(wrong)) == [
        "orders 3, as its manifest says; it has 2",
        "total 80, as its manifest says; it has 73.3",
    ]


def test_an_order_without_an_amount_costs_no_other(tmp_path: Path) -> None:
    """Where one cannot be added up the total is not held against the feed; its order is found later."""
    for bad in (b"[1]", b'[{"grandTotal": null}]', b'[{"grandTotal": 1e9}]', b"[{}]"):
        manifest = Manifest(hashlib.sha256(bad).hexdigest(), len(bad), 1, Decimal(5))
        assert findings(tmp_path, write(manifest), bad) == []


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{", "null", '{"sha256": "ab", "size": 1, "orders": 1}',
        f'{{"sha256": "{SHA256}", "size": 1}}',
        f'{{"sha256": "{SHA256}", "size": "1", "orders": 1}}',
        f'{{"sha256": "{SHA256}", "size": 1, "orders": 1.5}}',
        f'{{"sha256": "{SHA256}", "size": 1, "orders": 1, "total": "x"}}',
        f'{{"sha256": "{SHA256}", "size": 1, "size": 2, "orders": 1}}',
    ],
)  # fmt: skip
def test_what_is_no_manifest(tmp_path: Path, text: str) -> None:
    """It is told what a manifest looks like, and the feed is not used."""
    (expected,) = findings(tmp_path, text.encode())
    assert expected.startswith("a manifest ")


def test_a_feed_that_is_no_feed(tmp_path: Path) -> None:
    """A whole file that is not a JSON array is refused as ever."""
    bad = b"[1, 2"
    manifest = Manifest(hashlib.sha256(bad).hexdigest(), len(bad), 2)
    (expected,) = findings(tmp_path, write(manifest), bad)
    assert "array" in expected
