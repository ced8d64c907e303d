"""What is shown in the Prefect UI is text, whatever another system or a file says."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from markdown_it import MarkdownIt
from prefect import flow

from sandbox.platform import Platform
from tasks import artifacts
from tests.corpus import HEADERS, MARKUP, SPREADSHEET, TEXTS, UNICODE
from tillbridge import harmless
from tillbridge.handover.inbox import FileResult
from tillbridge.handover.replaying import Replayed
from tillbridge.ingestion.completeness import Completeness
from tillbridge.ingestion.missing import MissingSale
from tillbridge.ingestion.totals import DayTotals, Totals
from tillbridge.inventory import reconciliation
from tillbridge.inventory.reconciliation import Reconciliation, StockDifference
from tillbridge.invoicing.control_totals import ControlTotals, Difference
from tillbridge.invoicing.ledger.hands import Resolution
from tillbridge.invoicing.sending import Outcome, Result
from tillbridge.invoicing.summary import RunSummary
from tillbridge.reporting.report import Failure, FailureReport

NOW = datetime(2026, 11, 22, 3, 15, tzinfo=UTC)
LINKS = [
    "[Pay here](http://evil.example)",
    "![t](http://evil.example/x.png)",
    "<img src=//evil.example/x.png>",
    "<img src=http:/\\evil.example/x>",
    "<img src=http&#58;//evil.example/x>",
    "<a href=//evil.example>x</a> <https:evil.example>",
    "<b>&lt;img src=x&gt;</b>",
]


STARTS = [
    "# a",
    "####### a",
    "#",
    "---",
    "- - -",
    "- a",
    "-",
    "+ a",
    "1. a",
    "1)",
    "12.",
    "> a",
    "    a",
]
STARTS += ["***", "* a", "===", "~~~", "|-|", "[a]: b", "-1.5", "+1", "1.5", "#1"]
"""Texts that begin a title, a list, a rule or code where they begin a line, and some that do not."""


def failure(text: str) -> Failure:
    """Build a failure with this text wherever one can stand."""
    return Failure(
        id=1,
        kind="rejected",
        amount=Decimal("78.30"),
        failed_at=NOW,
        order_no=text,
        order_id=text,
        product_store_id=text,
        store=text,
        currency=text,
        reason=text,
        reason_code=text,
        next_step=text,
        source_file=text,
    )


def stock(text: str) -> Reconciliation:
    """Build a reconciliation with one row of this store and article."""
    zero = Decimal(0)
    return Reconciliation(
        (StockDifference(text, text, *[zero] * 8),),
        reconciliation.Totals(1, 1, 0, 0, *[zero] * 6),
    )


SHOWN: dict[str, Callable[[str], object]] = {
    "show_files": lambda text: artifacts.show_files(
        "files", text, [FileResult(text, "done", {"taken in": 1}, (text, text))]
    ),
    "show_invoicing": lambda text: artifacts.show_invoicing(
        RunSummary([Outcome(text, Result.REJECTED, text)], {}, 0, {}, [text, text])
    ),
    "show_till_totals": lambda text: artifacts.show_till_totals(
        Totals({(text, date(2026, 11, 22), text): DayTotals()})
    ),
    "show_missing": lambda text: artifacts.show_missing(
        Completeness([MissingSale(text, text, text, text, date(2026, 11, 22))], [], 1)
    ),
    "show_report": lambda text: artifacts.show_report(
        FailureReport([failure(text)], "Europe/Lisbon", text)
    ),
    "show_reconciliation": lambda text: artifacts.show_reconciliation(stock(text)),
    "show_resolutions": lambda text: artifacts.show_resolutions(
        [Resolution(text, text, text, text)]
    ),
    "show_replayed": lambda text: artifacts.show_replayed([Replayed(text, text)]),
    "show_control_totals": lambda text: artifacts.show_control_totals(
        ControlTotals([], 1, 0, [Difference(text, text, text)])
    ),
}
"""Every way to show something, given a text of somebody else's."""


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What would be stored on the server."""
    kept: list[dict[str, Any]] = []
    for kind in ("table", "markdown"):
        monkeypatch.setattr(
            artifacts, f"create_{kind}_artifact", lambda **artifact: kept.append(artifact)
        )
    return kept


def texts_of(artifact: dict[str, Any]) -> list[str]:
    """List what the UI renders of an artifact as Markdown."""
    cells = [cell for row in artifact.get("table", []) for cell in row.values()]
    return [artifact["description"], artifact.get("markdown", ""), *cells]


READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def shape(markdown: str) -> list[str]:
    """Say of what a text consists once it is rendered, beside plain text."""
    tokens = READER.parse(markdown)
    inner = (child for token in tokens for child in token.children or ())
    marks = Counter(child.type for child in inner if not child.type.startswith("text"))
    return [token.type for token in tokens if token.content != ""] + sorted(marks.elements())


def test_every_artifact_is_tried() -> None:
    """A new way to show something joins the list above."""
    assert set(SHOWN) == {name for name in vars(artifacts) if name.startswith("show_")}


@pytest.mark.parametrize("name", SHOWN)
def test_what_others_say_is_text(name: str, stored: list[dict[str, Any]]) -> None:
    """A hostile text makes no link, picture, element or row that a tame one does not make."""
    SHOWN[name]("tame")
    tame = [[shape(text) for text in texts_of(artifact)] for artifact in stored]
    texts = [*LINKS, *MARKUP, *HEADERS, *SPREADSHEET, *UNICODE, *STARTS]
    for hostile in (start + text for text in texts for start in ("", "x")):
        if not harmless.line(hostile, 100).strip():
            continue
        stored.clear()
        SHOWN[name](hostile)
        shown = [[shape(text) for text in texts_of(artifact)] for artifact in stored]
        assert shown == tame, hostile
        for artifact in stored:
            for text in texts_of(artifact):
                assert not [mark for mark in ("://e", "www.e", "a@e") if mark in text], hostile


class _Page(HTMLParser):
    """The elements and texts inside of the rendered Markdown of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self._depth = 0
        self.elements: Counter[str] = Counter()
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "article":
            self._depth += 1
            self.texts.append("")
        elif self._depth:
            self.elements[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "article"

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.texts[-1] += data


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium")
def test_a_browser_shows_the_texts_and_nothing_else(
    prefect_server: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the real UI every text stands as it is: no link, no picture, nothing to fetch or click."""
    ids: list[UUID] = []
    real = artifacts.create_table_artifact
    monkeypatch.setattr(
        artifacts, "create_table_artifact", lambda **artifact: ids.append(real(**artifact))
    )
    texts = [text for text in [*LINKS, *TEXTS] if harmless.line(text, 100).strip()][:200]

    @flow
    def show() -> None:
        artifacts.show_files(
            "hostile", " ".join(LINKS), [FileResult(text, "done") for text in texts]
        )

    show()
    page = _Page(_rendered(f"{prefect_server.ui_url}/artifacts/artifact/{ids[0]}", tmp_path))

    assert set(page.elements) <= {"div", "span", "p"}
    description, *cells = (" ".join(text.split()) for text in page.texts)
    shown = [harmless.unlinked(harmless.line(text, 2000)) for text in texts]
    assert description == harmless.unlinked(" ".join(LINKS))
    assert cells[::3] == [" ".join(text.split()) for text in shown]


def _rendered(address: str, home: Path) -> str:
    """Open a page in Chromium, and give its elements once it has settled."""
    switches = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    switches += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command = ["chromium", *switches, f"--user-data-dir={home}", "--virtual-time-budget=15000"]
    done = subprocess.run(
        [*command, "--dump-dom", address], capture_output=True, text=True, timeout=240, check=True
    )
    return done.stdout
