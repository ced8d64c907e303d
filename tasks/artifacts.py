"""What a run shows in the Prefect UI. Keys, counts and reasons only; never a customer's data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from tillbridge.handover.inbox import FileResult
from tillbridge.handover.replaying import Replayed
from tillbridge.ingestion.completeness import Completeness
from tillbridge.ingestion.totals import Totals
from tillbridge.inventory.reconciliation import Reconciliation
from tillbridge.invoicing.control_totals import ControlTotals
from tillbridge.invoicing.ledger.hands import Resolution
from tillbridge.invoicing.sending import Result
from tillbridge.invoicing.summary import RunSummary
from tillbridge.reporting.report import FailureReport

_MOST_ROWS = 200


def show_files(key: str, description: str, results: Sequence[FileResult]) -> None:
    """Show what became of each file; nothing when there was none."""
    if results:
        create_table_artifact(
            key=key,
            description=description,
            table=[
                {
                    "file": result.name,
                    "result": result.result,
                    **{what: str(number) for what, number in result.counts.items()},
                    "notes": "; ".join(result.notes[:20]),
                }
                for result in results[:_MOST_ROWS]
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
    counts, missing = summary.counts, summary.not_invoiced
    rows = "\n".join(f"| {result} | {counts[result]} |" for result in Result)
    lines = [f"# Invoicing\n\n| | orders |\n|---|---:|\n{rows}", *summary.problems]
    if missing:
        lines.append("The orders that were not invoiced are in the table `not-invoiced`.")
        create_table_artifact(
            key="not-invoiced",
            description=f"Orders that were not invoiced, at most {_MOST_ROWS}",
            table=[
                {"order": one.order_no, "result": str(one.result), "reason": one.reason}
                for one in missing[:_MOST_ROWS]
            ],
        )
    create_markdown_artifact(
        key="invoicing-summary", description=summary.message, markdown="\n\n".join(lines)
    )


def show_till_totals(totals: Totals) -> None:
    """Show what came in against what went on, per store and business day; nothing when nothing came."""
    if totals.days:
        create_table_artifact(
            key="till-totals",
            description="Sales and returns in, orders and returns out, by store and business day",
            table=totals.as_table()[:_MOST_ROWS],
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
        create_table_artifact(
            key="missing-sales",
            description=f"{len(rows)} sales of tills are missing, at most {_MOST_ROWS} of them here",
            table=rows[:_MOST_ROWS],
        )


def show_report(report: FailureReport) -> None:
    """Show a failure report as it is mailed."""
    create_markdown_artifact(
        key=report.wording.key, description=report.headline, markdown=report.as_markdown()
    )
    create_table_artifact(
        key=f"{report.wording.key}-table", description=report.headline, table=report.as_table()
    )


def show_reconciliation(result: Reconciliation) -> None:
    """Show the totals, and every store and UPC that differs, the unexplained ones first."""
    totals = asdict(result.totals)
    rows = "\n".join(f"| {name.replace('_', ' ')} | {value} |" for name, value in totals.items())
    create_markdown_artifact(
        key="stock-totals",
        description=f"{result.totals.unexplained} units unexplained",
        markdown=f"# Stock\n\n| | |\n|---|---:|\n{rows}",
    )
    worst_first = sorted(result.rows, key=lambda row: (-abs(row.unexplained), row.store, row.upc))
    create_table_artifact(
        key="stock-differences",
        description=f"Retail Pro less order store, at most {_MOST_ROWS} rows",
        table=[
            {name: str(value) for name, value in asdict(row).items()}
            for row in worst_first[:_MOST_ROWS]
        ],
    )


def show_resolutions(resolutions: Sequence[Resolution]) -> None:
    """Show what a decision did to each order."""
    create_table_artifact(
        key="resolved-orders",
        description="Decisions about orders",
        table=[
            {
                "order": one.order_no,
                "was": one.before,
                "is": one.after,
                "refused because": one.refusal,
            }
            for one in resolutions[:_MOST_ROWS]
        ],
    )


def show_replayed(chosen: Sequence[Replayed]) -> None:
    """Show which files are handed over again; nothing when there is none."""
    if chosen:
        create_table_artifact(
            key="replayed-files",
            description="Files that are handed over again",
            table=[{"file": one.name, "into": one.folder} for one in chosen[:_MOST_ROWS]],
        )


def show_control_totals(found: ControlTotals) -> None:
    """Show the ledger's totals, and every order that does not agree."""
    rows = "\n".join(
        f"| {one.state} | {one.orders} | {one.amount} {one.currency} |" for one in found.states
    )
    create_markdown_artifact(
        key="control-totals",
        description=f"{len(found.differences)} differences",
        markdown=f"# Control totals\n\n| state | orders | amount |\n|---|---:|---:|\n{rows}\n\n"
        f"{found.compared} orders were compared with Retail Pro.",
    )
    if found.differences:
        create_table_artifact(
            key="control-differences",
            description=f"Orders that do not agree, at most {_MOST_ROWS}",
            table=[asdict(one) for one in found.differences[:_MOST_ROWS]],
        )
