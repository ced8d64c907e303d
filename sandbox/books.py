"""The books of a demo: what went in, what came of it, and whether the two agree."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from sandbox.services import Sandbox
from tillbridge.database.engine import connect, transaction
from tillbridge.database.ledger_tables import failure_report, invoice_failure, invoice_order
from tillbridge.database.oms_tables import order_fulfillment_history, order_header
from tillbridge.inventory.reconciliation import reconcile
from tillbridge.inventory.stock import open_movements, order_store_stock
from tillbridge.oms.facilities import store_codes

_TILLS = ("POS_SALES_CHANNEL",)


@dataclass(frozen=True)
class Books:
    """Counts of orders, amounts as text in the brand's currency, and everything that does not agree."""

    seeded: int
    exported: int
    invoiced: int
    rejected: int
    parked: int
    quarantined: int
    waiting: int
    retail_pro_invoices: int
    parked_and_booked: int
    amount_invoiced: str
    amount_in_retail_pro: str
    failures_mailed: int
    mails: int
    stock_unexplained: str
    problems: tuple[str, ...]

    @property
    def balance(self) -> bool:
        """Whether everything agrees."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Give the figures as JSON members."""
        return {"balance": self.balance, **asdict(self)}


def draw_up(far_ends: Sandbox) -> Books:
    """Compare the ledger with Retail Pro's own journal, the mails and both stocks."""
    engine = connect(far_ends.database_url)
    with transaction(engine) as connection:
        ledger = {
            row.order_no: row
            for row in connection.execute(
                select(invoice_order.c.order_no, invoice_order.c.state, invoice_order.c.total)
            )
        }
        kinds = Counter(
            connection.scalars(
                select(invoice_failure.c.kind).where(invoice_failure.c.journey == "invoicing")
            )
        )
        mailed = connection.scalar(
            select(func.count())
            .select_from(invoice_failure.join(failure_report))
            .where(
                failure_report.c.mailed_at.is_not(None),
                invoice_failure.c.journey == "invoicing",
            )
        )
        is_seeded = order_header.c.external_id.is_(None)  # the others came from the tills
        seeded = connection.scalar(select(func.count()).where(is_seeded))
        exported = connection.scalar(select(func.count()).select_from(order_fulfillment_history))
    stores = store_codes(engine)
    stock = reconcile(
        order_store_stock(engine, stores),
        [(row.store, row.upc, row.quantity) for row in far_ends.retail_pro.stock()],
        open_movements(engine, stores, _TILLS),
        "invoicing_store",
    )
    engine.dispose()
    states = Counter(row.state for row in ledger.values())
    booked: dict[str, list[Decimal]] = {}
    for invoice in far_ends.retail_pro.invoices():
        booked.setdefault(invoice.order_no, []).append(invoice.total)
    confirmed = {number: row.total for number, row in ledger.items() if row.state == "CONFIRMED"}
    parked = {number for number, row in ledger.items() if row.state == "PARKED"}
    accounted = sum(states.values()) + kinds["quarantined"]
    problems = [
        *(
            f"order {number} is invoiced {len(made)} times"
            for number, made in booked.items()
            if len(made) > 1
        ),
        *(
            f"order {number} is confirmed but has no invoice"
            for number in confirmed
            if number not in booked
        ),
        *(
            f"order {number}: {total} in the ledger, {booked[number][0]} in Retail Pro"
            for number, total in confirmed.items()
            if number in booked and booked[number][0] != total
        ),
        *(
            f"order {number} has an invoice but is {ledger[number].state if number in ledger else 'unknown'}"
            for number in booked
            if number not in confirmed and number not in parked
        ),
    ]
    if exported != accounted:
        problems.append(f"{exported} orders exported, {accounted} accounted for")
    if mailed != sum(kinds.values()):
        problems.append(f"{sum(kinds.values())} failures, {mailed} of them mailed")
    if stock.totals.unexplained:
        problems.append(f"{stock.totals.unexplained} units of stock are unexplained")
    return Books(
        seeded=seeded or 0,
        exported=exported or 0,
        invoiced=states["CONFIRMED"],
        rejected=states["REJECTED"],
        parked=states["PARKED"],
        quarantined=kinds["quarantined"],
        waiting=states["READY"] + states["INFLIGHT"],
        retail_pro_invoices=sum(map(len, booked.values())),
        parked_and_booked=len(parked & booked.keys()),
        amount_invoiced=str(sum(confirmed.values(), Decimal(0))),
        amount_in_retail_pro=str(
            sum((booked[number][0] for number in confirmed if number in booked), Decimal(0))
        ),
        failures_mailed=mailed or 0,
        mails=len(far_ends.inbox.files()),
        stock_unexplained=str(stock.totals.unexplained),
        problems=tuple(problems),
    )
