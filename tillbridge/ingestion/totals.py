"""Control totals: what the tills sent against what was handed on, per store and business day. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from tillbridge.counting import counted
from tillbridge.ingestion.records import Record
from tillbridge.ingestion.revision import News
from tillbridge.ingestion.transaction import RetailTransaction

_Place = tuple[str, date, str]


@dataclass(slots=True)
class DayTotals:
    """The sums of one store, business day and currency."""

    transactions: int = 0
    lines_in: int = 0
    sales_in: Decimal = Decimal(0)
    returns_in: Decimal = Decimal(0)
    orders: int = 0
    returns: int = 0
    lines_out: int = 0
    variances: int = 0
    only_stock: int = 0
    sales_out: Decimal = Decimal(0)
    returns_out: Decimal = Decimal(0)
    sales_only_stock: Decimal = Decimal(0)
    returns_only_stock: Decimal = Decimal(0)

    @property
    def agrees(self) -> bool:
        """Whether every line and every amount that came in went out."""
        return (
            self.lines_in == self.lines_out + self.only_stock
            and self.sales_in == self.sales_out + self.sales_only_stock
            and self.returns_in == self.returns_out + self.returns_only_stock
        )


@dataclass
class Totals:
    """The sums of a run, by store, business day and currency."""

    days: dict[_Place, DayTotals] = field(default_factory=dict)

    def add(
        self,
        made: RetailTransaction,
        news: News,
        records: Sequence[Record],
        *,
        oms_is_order_master: bool,
    ) -> None:
        """Count one transaction in: its new lines, and the records they became.

        Where the OMS is not order master, a line that was carried out or brought back only moves stock.
        A return that was cancelled is none.
        """
        day = self._day((made.store, made.business_day_date, made.currency))
        day.transactions += 1
        for line in news.sales:
            day.lines_in += 1
            day.sales_in += line.total
            if not oms_is_order_master and line.fulfillment == "in_store":
                day.only_stock += 1
                day.sales_only_stock += line.total
        for line in news.returns:
            if line.is_cancelled:
                continue
            day.lines_in += 1
            day.returns_in += line.total
            if not oms_is_order_master and line.fulfillment == "in_store":
                day.only_stock += 1
                day.returns_only_stock += line.total
        for record in records:
            day = self._day((record.store, record.business_day, record.currency))
            match record.kind:
                case "order":
                    day.orders += 1
                    day.lines_out += record.lines
                    day.sales_out += record.amount
                case "return":
                    day.returns += 1
                    day.lines_out += record.lines
                    day.returns_out += record.amount
                case "variance":
                    day.variances += 1

    def merge(self, others: Iterable[Totals]) -> Totals:
        """Add the sums of others to these, and give these."""
        for other in others:
            for place, theirs in other.days.items():
                ours = self._day(place)
                for name in DayTotals.__slots__:
                    setattr(ours, name, getattr(ours, name) + getattr(theirs, name))
        return self

    def disagreements(self) -> list[str]:
        """Name the stores and days whose sums do not agree."""
        return [
            f"{store} on {day}: {counted(sums.lines_in, 'line')} and "
            f"{sums.sales_in - sums.returns_in} {currency} came in, "
            f"{counted(sums.lines_out + sums.only_stock, 'line')} went on"
            for (store, day, currency), sums in sorted(self.days.items())
            if not sums.agrees
        ]

    def as_table(self) -> list[dict[str, str]]:
        """Give the sums as rows of text."""
        return [
            {
                "Store": store,
                "Business day": str(day),
                "Currency": currency,
                "Transactions": str(sums.transactions),
                "Lines in": str(sums.lines_in),
                "Sales in": str(sums.sales_in),
                "Returns in": str(sums.returns_in),
                "Orders out": str(sums.orders),
                "Returns out": str(sums.returns),
                "Variance rows": str(sums.variances),
                "Lines out": str(sums.lines_out),
                "Only stock": str(sums.only_stock),
                "Sales out": str(sums.sales_out + sums.sales_only_stock),
                "Refunded out": str(sums.returns_out + sums.returns_only_stock),
                "Agrees": "yes" if sums.agrees else "NO",
            }
            for (store, day, currency), sums in sorted(self.days.items())
        ]

    def _day(self, place: _Place) -> DayTotals:
        return self.days.setdefault(place, DayTotals())
