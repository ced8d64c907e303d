"""What a run shows in the Prefect UI. Keys, counts and reasons only; never a customer's data.

The UI renders Markdown and HTML in descriptions and in the cells of tables too, so everything goes
through `_table` and `_markdown`: what another system or a file says is shown as the text it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from tillbridge import harmless
from tillbridge.counting import counted

if TYPE_CHECKING:
    # A run shows what its own capability found, and loads no other.
    from tillbridge.handover.inbox import FileResult
    from tillbridge.handover.replaying import Replayed
    from tillbridge.ingestion.completeness import Completeness
    from tillbridge.ingestion.totals import Totals
    from tillbridge.inventory.reconciliation import Reconciliation
    from tillbridge.invoicing.control_totals import ControlTotals
    from tillbridge.invoicing.ledger.hands import Resolution
    from tillbridge.invoicing.summary import RunSummary
    from tillbridge.reporting.report import FailureReport

_MOST_ROWS = 200
_LONGEST_TEXT = 2000


def show_files(key: str, description: str, results: Sequence[FileResult]) -> None:
    """Show what became of each file; nothing when there was none."""
    if results:
        _table(
            key,
            description,
            [
                {
                    "file": result.name,
                    "result": result.result,
                    **result.counts,
                    "notes": "; ".join(result.notes[:20]),
                }
                for result in results
            ],
        )


class Progress:
    """A progress bar in the UI; none is shown for nothing to do."""

    def __init__(self, what: str, total: int) -> None:
        self._total = total
        self._id: UUID | None = None
        if total:
            self._id = create_progress_artifact(progress=0.0, description=what)  # type: ignore[assignment]

    def reached(self, done: int) -> None:
        """Say how many are done."""
        if self._id:
            update_progress_artifact(self._id, progress=round(100 * done / self._total, 1))


def show_invoicing(summary: RunSummary) -> None:
    """Show the counts of a run, what stood in its way, and why orders are not invoiced."""
    missing = summary.not_invoiced
    parts = [
        "# Invoicing",
        _grid(("", "orders"), list(summary.counts.items())),
        *(f"In the way: {_text(problem)}" for problem in summary.problems),
    ]
    if missing:
        parts.append("The orders that were not invoiced are in the table `not-invoiced`.")
        _table(
            "not-invoiced",
            f"Orders that were not invoiced, at most {_MOST_ROWS}",
            [
                {"order": one.order_no, "result": one.result, "reason": one.reason}
                for one in missing
            ],
        )
    _markdown("invoicing-summary", summary.message, "\n\n".join(parts))


def show_till_totals(totals: Totals) -> None:
    """Show what came in against what went on, per store and business day; nothing when nothing came."""
    if totals.days:
        _table(
            "till-totals",
            "Sales and returns in, orders and returns out, by store and business day",
            totals.as_table(),
        )


def show_missing(found: Completeness) -> None:
    """Show the sales that are missing now; nothing when none is."""
    rows = [
        {
            "Store": sale.store,
            "Sale": sale.order_id,
            "Business day": str(sale.business_day),
            "Why": f"between {sale.before} and {sale.after}",
        }
        for sale in found.sales
    ] + [
        {
            "Store": half.store,
            "Sale": half.order_id,
            "Business day": str(half.business_day),
            "Why": f"no return of the {half.carried_over} {half.currency} it was paid with",
        }
        for half in found.halves
    ]
    if rows:
        _table(
            "missing-sales",
            f"{counted(len(rows), 'sale of a till is', 'sales of tills are')} missing, "
            f"at most {_MOST_ROWS} of them here",
            rows,
        )


def show_report(report: FailureReport) -> None:
    """Show a failure report as it is mailed."""
    _markdown(report.wording.key, report.headline, report.as_markdown())
    _table(f"{report.wording.key}-table", report.headline, report.as_table())


def show_reconciliation(result: Reconciliation) -> None:
    """Show the totals, and every store and UPC that differs, the unexplained ones first."""
    totals = asdict(result.totals)
    grid = _grid(("", ""), [(name.replace("_", " "), value) for name, value in totals.items()])
    _markdown(
        "stock-totals",
        f"{counted(result.totals.unexplained, 'unit')} unexplained",
        f"# Stock\n\n{grid}",
    )
    worst_first = sorted(result.rows, key=lambda row: (-abs(row.unexplained), row.store, row.upc))
    _table(
        "stock-differences",
        f"Retail Pro less order store, at most {_MOST_ROWS} rows",
        [asdict(row) for row in worst_first[:_MOST_ROWS]],
    )


def show_resolutions(resolutions: Sequence[Resolution]) -> None:
    """Show what a decision did to each order."""
    _table(
        "resolved-orders",
        "Decisions about orders",
        [
            {
                "order": one.order_no,
                "was": one.before,
                "is": one.after,
                "refused because": one.refusal,
            }
            for one in resolutions
        ],
    )


def show_replayed(chosen: Sequence[Replayed]) -> None:
    """Show which files are handed over again; nothing when there is none."""
    if chosen:
        _table(
            "replayed-files",
            "Files that are handed over again",
            [{"file": one.name, "into": one.folder} for one in chosen],
        )


def show_control_totals(found: ControlTotals) -> None:
    """Show the ledger's totals, and every order that does not agree."""
    grid = _grid(
        ("state", "orders", "amount"),
        [(one.state, one.orders, f"{one.amount} {one.currency}") for one in found.states],
    )
    _markdown(
        "control-totals",
        counted(len(found.differences), "difference"),
        f"# Control totals\n\n{grid}\n\nCompared with Retail Pro: {counted(found.compared, 'order')}. "
        f"Not compared, because of another server: {found.elsewhere}.",
    )
    if found.differences:
        _table(
            "control-differences",
            f"Orders that do not agree, at most {_MOST_ROWS}",
            [asdict(one) for one in found.differences[:_MOST_ROWS]],
        )


def _table(key: str, description: str, rows: Iterable[Mapping[str, object]]) -> None:
    """Store the first rows as a table artifact of texts."""
    create_table_artifact(
        key=key,
        description=_text(description),
        table=[
            {name: _text(value) for name, value in row.items()} for row in islice(rows, _MOST_ROWS)
        ],
    )


def _markdown(key: str, description: str, markdown: str) -> None:
    """Store Markdown in which every foreign text is made harmless already."""
    create_markdown_artifact(key=key, description=_text(description), markdown=markdown)


def _grid(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table in Markdown; every column but the first is of numbers."""
    lines = [
        head,
        ["---", *["---:"] * (len(head) - 1)],
        *([_text(cell) for cell in row] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(value: object) -> str:
    return harmless.markdown(harmless.line(str(value), _LONGEST_TEXT))
