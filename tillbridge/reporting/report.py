"""The failure report: which orders need a person, why, how much money, and what to do, in every format.

It is pure: no clock, no I/O but its own templates, no Prefect, and it never holds customer data. The ledger
supplies the failures, tillbridge.clients.mail sends the result; the wording of the mail is in templates/.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import cache
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from tillbridge import harmless, money
from tillbridge.counting import counted
from tillbridge.handover.kind import Journey, Kind


@dataclass(frozen=True)
class Wording:
    """What the failures of one journey are called.

    `key` names artifacts and files. `kinds` names what happened, in the order of urgency that every list
    follows.
    """

    key: str
    journey: str
    place: str
    kinds: dict[Kind, str]


INVOICING = Wording(
    key="invoice-failures",
    journey="invoicing",
    place="invoicing in Retail Pro",
    kinds={
        "parked": "outcome unknown – check in Retail Pro before anything is sent again",  # noqa: RUF001
        "conflict": "in conflict with what was invoiced, sent or known before",
        "rejected": "refused by Retail Pro",
        "quarantined": "could not be turned into an invoice",
        "notice": "sent, but it looks like another order – nothing failed",  # noqa: RUF001
    },
)
TILLS = Wording(
    key="till-failures",
    journey="till sales",
    place="sales of the tills",
    kinds={
        "missing": "did not arrive",
        "conflict": "came again with other content",
        "rejected": "refused by the order store",
        "quarantined": "could not be read",
    },
)
WORDINGS: dict[Journey, Wording] = {"invoicing": INVOICING, "tills": TILLS}

ORDERS_IN_MAIL = 50
ROWS_IN_TABLE = 200

_COLUMNS = (
    *("Order", "Store", "Amount", "Currency", "Status", "Reason", "What to do"),
    *("Failed at", "Time zone", "Order id", "Product store", "Reason code", "Source file"),
)
_LONGEST_ID = 100
_LONGEST_TEXT = 500


@dataclass(frozen=True)
class Failure:
    """One order that a person has to look at.

    `amount` and `currency` are None where the order could not be read that far. `reason` is one plain
    sentence; `reason_code` is the key that reasons are grouped by. `store` is the invoicing store, or the
    till's.
    """

    id: int
    kind: Kind
    order_no: str
    order_id: str
    product_store_id: str
    store: str | None
    amount: Decimal | None
    currency: str | None
    reason: str
    reason_code: str
    next_step: str
    source_file: str
    failed_at: datetime


@dataclass(frozen=True)
class Total:
    """How many orders, and their money by currency; `without_amount` of them have no known amount."""

    orders: int
    amounts: tuple[tuple[str, Decimal], ...]
    without_amount: int


@dataclass(frozen=True)
class Reason:
    """Orders that failed for the same reason. Where their sentences differ, `text` is the commonest one."""

    code: str
    orders: int
    text: str
    next_step: str
    varies: bool


class FailureReport:
    """The failures of one report, counted and sorted, with a renderer per format.

    Every text is made a harmless line first, so no renderer meets a line break, a hidden character or
    an endless value. An amount that is no plain number counts as not known.
    """

    def __init__(
        self,
        failures: Sequence[Failure],
        time_zone: str,
        brand: str,
        run_url: str | None = None,
        wording: Wording = INVOICING,
    ) -> None:
        self.wording = wording
        urgency = {kind: rank for rank, kind in enumerate(wording.kinds)}
        self.failures = tuple(
            sorted(map(_harmless, failures), key=lambda failure: _place(failure, urgency))
        )
        self.time_zone = time_zone
        self.brand = harmless.line(brand, _LONGEST_ID)
        self.run_url = run_url if run_url and run_url.startswith(("https://", "http://")) else None

    @property
    def reference(self) -> str:
        """Name this set of failures; the same set has the same name, so a repeated mail is recognised."""
        keys = [self.brand, *sorted(f"{failure.kind} {failure.id}" for failure in self.failures)]
        return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:8]

    @property
    def headline(self) -> str:
        """Say how many orders need attention, and of how many others something is told."""
        failed = self.total.orders
        notices = len(self.failures) - failed
        told = counted(notices, "notice") if notices else ""
        if not failed and told:
            return f"{told}, nothing failed"
        needs = counted(failed, "order needs attention", "orders need attention")
        return f"{needs}, {told}" if told else needs

    @property
    def total(self) -> Total:
        """Count everything that failed; what is only told is no failure."""
        return _total([failure for failure in self.failures if failure.kind != "notice"])

    @property
    def totals(self) -> dict[Kind, Total]:
        """Count each kind of failure that occurs, the most urgent first."""
        groups = groupby(self.failures, _kind)
        return {kind: _total(list(group)) for kind, group in groups if kind != "notice"}

    @property
    def reasons(self) -> list[Reason]:
        """Group the failures by reason code, the most frequent first."""
        groups: defaultdict[str, list[Failure]] = defaultdict(list)
        for failure in self.failures:
            groups[failure.reason_code].append(failure)
        reasons = [_reason(code, group) for code, group in groups.items()]
        return sorted(reasons, key=lambda reason: (-reason.orders, reason.code))

    def subject(self) -> str:
        """Give the subject line of the mail."""
        parked = sum(failure.kind == "parked" for failure in self.failures)
        unknown = f", {parked} with unknown outcome" if parked else ""
        return f"{self.brand} {self.wording.journey}: {self.headline}{unknown} (report {self.reference})"

    def as_text(self) -> str:
        """Give the mail as plain text, with the first orders only."""
        return self._render("report.txt.j2")

    def as_html(self) -> str:
        """Give the mail as HTML without remote content, with the first orders only."""
        return self._render("report.html.j2")

    def as_markdown(self) -> str:
        """Give the report as Markdown for an artifact, with the first orders only."""
        return self._render("report.md.j2")

    def as_csv(self) -> bytes:
        """Give all orders as CSV in UTF-8 with a byte order mark, which is how Excel knows UTF-8."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(_COLUMNS)
        for failure in self.failures:
            row = self._row(failure)
            # A negative amount starts like a formula but is a number, and has to stay one.
            writer.writerow(
                row[column] if column == "Amount" else harmless.cell(row[column])
                for column in _COLUMNS
            )
        return text.getvalue().encode("utf-8-sig")

    def as_table(self) -> list[dict[str, str]]:
        """Give the first orders as rows of text for a table artifact."""
        return [self._row(failure) for failure in self.failures[:ROWS_IN_TABLE]]

    def kind_name(self, kind: Kind) -> str:
        """Name a kind at the start of a sentence."""
        name = self.wording.kinds[kind]
        return name[0].upper() + name[1:]

    def _row(self, failure: Failure) -> dict[str, str]:
        return {
            "Order": failure.order_no,
            "Store": failure.store or "",
            "Amount": _plain_number(failure),
            "Currency": failure.currency or "",
            "Status": self.kind_name(failure.kind),
            "Reason": failure.reason,
            "What to do": failure.next_step,
            "Failed at": self._local(failure.failed_at),
            "Time zone": self.time_zone,
            "Order id": failure.order_id,
            "Product store": failure.product_store_id,
            "Reason code": failure.reason_code,
            "Source file": failure.source_file,
        }

    def _render(self, name: str) -> str:
        shown = self.failures[:ORDERS_IN_MAIL]
        return _template(name).render(
            report=self,
            shown=len(shown),
            sections=[(kind, list(group)) for kind, group in groupby(shown, _kind)],
            period=self._period(),
            kind_name=self.kind_name,
            amount=amount,
            counted=counted,
            sums=sums,
        )

    def _period(self) -> str:
        times = sorted(failure.failed_at for failure in self.failures)
        first, last = (self._local(times[0]), self._local(times[-1])) if times else ("", "")
        return f"at {first}" if first == last else f"between {first} and {last}"

    def _local(self, moment: datetime) -> str:
        return f"{moment.astimezone(ZoneInfo(self.time_zone)):%Y-%m-%d %H:%M}"


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(["html.j2"]),
        # Escapes every value of the Markdown, as autoescape does for the HTML.
        finalize=_markdown if name.endswith(".md.j2") else None,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)


def _markdown(value: object) -> str:
    return harmless.markdown(str(value))


def amount(failure: Failure) -> str:
    """Write the order's amount for people."""
    if failure.amount is None:
        return "amount not known"
    return money.show(failure.amount, failure.currency or "(currency not known)")


def sums(total: Total) -> list[str]:
    """Write a total's money for people, one text per currency."""
    texts = [money.show(amount, currency) for currency, amount in total.amounts]
    return [*texts, f"{total.without_amount:,} without amount"] if total.without_amount else texts


def _harmless(failure: Failure) -> Failure:
    return replace(
        failure,
        order_no=harmless.line(_name(failure), _LONGEST_TEXT),
        order_id=harmless.line(failure.order_id, _LONGEST_ID),
        product_store_id=harmless.line(failure.product_store_id, _LONGEST_ID),
        store=harmless.line(failure.store or "", _LONGEST_ID) or None,
        amount=_known(failure.amount),
        currency=harmless.line(failure.currency or "", _LONGEST_ID) or None,
        reason=harmless.line(failure.reason, _LONGEST_TEXT),
        reason_code=harmless.line(failure.reason_code, _LONGEST_ID),
        next_step=harmless.line(failure.next_step, _LONGEST_TEXT),
        source_file=harmless.line(failure.source_file, _LONGEST_TEXT),
    )


def _name(failure: Failure) -> str:
    """Name what failed by the best there is: an order's number, its id, or a whole file."""
    return failure.order_no or failure.order_id or f"the file {failure.source_file}"


def _known(amount: Decimal | None) -> Decimal | None:
    try:
        return None if amount is None else money.parse(amount)
    except ValueError:
        return None


def _kind(failure: Failure) -> Kind:
    return failure.kind


def _place(failure: Failure, urgency: Mapping[Kind, int]) -> tuple[int, str, str, int]:
    return urgency[failure.kind], failure.store or "", failure.order_no, failure.id


def _total(failures: Sequence[Failure]) -> Total:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    without_amount = 0
    for failure in failures:
        if failure.amount is None or failure.currency is None:
            without_amount += 1
        else:
            sums[failure.currency] += failure.amount
    return Total(len(failures), tuple(sorted(sums.items())), without_amount)


def _reason(code: str, failures: Sequence[Failure]) -> Reason:
    texts = Counter(failure.reason for failure in failures)
    steps = Counter(failure.next_step for failure in failures)
    return Reason(
        code=code,
        orders=len(failures),
        text=texts.most_common(1)[0][0],
        next_step=steps.most_common(1)[0][0],
        varies=len(texts) > 1,
    )


def _plain_number(failure: Failure) -> str:
    if failure.amount is None:
        return ""
    decimals = money.finest([failure.amount], failure.currency or "")
    return f"{failure.amount:.{decimals}f}"
