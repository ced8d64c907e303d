"""The failure report: right sums, readable in every format, harmless whatever the values hold."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tillbridge import harmless
from tillbridge.handover.kind import Kind
from tillbridge.reporting.report import INVOICING, Failure, FailureReport

FAILED_AT = datetime(2026, 11, 22, 3, 15, tzinfo=UTC)
UPC_UNKNOWN = "Retail Pro does not know the item 400012345{:04d}."
HOSTILE = [
    "=HYPERLINK(\"http://evil.example\",\"pay\")",
    "+1", "-1+1", "@SUM(A1)", "\t=1", "\r\n=1", "＝1",  # noqa: RUF001
    "<script>alert(1)</script>", "</td></tr></table><img src=x onerror=alert(1)>", "&lt;b&gt;",
    "[pay](http://evil.example)", "www.evil.example https://evil.example a@evil.example",
    "| a | b |\n|---|---|", "`code` **bold** <b>", "\u202egnirts\u2066", "\x00\x1b[31m\ud800",
    "{{ 7*7 }}", "x" * 100_000,
]  # fmt: skip


def a_failure(number: int, kind: Kind = "rejected", **changes: object) -> Failure:
    """Build one failure; `changes` replace its fields."""
    failure = Failure(
        id=number,
        kind=kind,
        order_no=f"NN{1000 + number}",
        order_id=f"M{10000 + number}",
        product_store_id="NN_STORE",
        store="DEN01",
        amount=Decimal("129.90"),
        currency="USD",
        reason=UPC_UNKNOWN.format(number),
        reason_code="item-unknown",
        next_step="Add the item in Retail Pro, then release the order.",
        source_file="CompletedOrders-2026-11-22-03-15-00-7f3a.json",
        failed_at=FAILED_AT + timedelta(minutes=number),
    )
    return replace(failure, **changes)  # type: ignore[arg-type]


def a_report(*failures: Failure, brand: str = "NotNaked") -> FailureReport:
    """Build a report for a brand in Denver."""
    return FailureReport(failures, "America/Denver", brand, "https://prefect.example/runs/1")


def the_sample() -> FailureReport:
    """Build the fixed report that the golden files show: every kind, three currencies, hostile values."""
    return a_report(
        *(a_failure(number) for number in range(1, 52)),
        a_failure(52, store="PAR02", amount=Decimal("-1249"), currency="EUR"),
        a_failure(
            53,
            order_no="=1+1",
            reason="<b>Bold</b> | [link](http://evil.example)",
            reason_code="not-understood",
        ),
        a_failure(
            54,
            "parked",
            amount=Decimal("1400.5"),
            reason="No answer came within 60 seconds after the order was sent.",
            reason_code="no-answer",
            next_step="Look the order up in Retail Pro. If it is there, mark it as invoiced.",
        ),
        a_failure(
            55,
            "quarantined",
            store=None,
            amount=None,
            currency=None,
            reason="The order has no identity document and the profile gives none.",
            reason_code="missing-field",
            next_step="Mend the order in the order system, then export it again.",
        ),
        a_failure(
            56,
            "conflict",
            store="TYO01",
            amount=Decimal(15800),
            currency="JPY",
            reason="The total changed from 12,000 JPY to 15,800 JPY after it was invoiced.",
            reason_code="changed-after-invoice",
            next_step="Correct the invoice in Retail Pro by hand.",
        ),
    )


@pytest.mark.parametrize("name", ["report.txt", "report.html", "report.csv", "report.md"])
def test_the_sample_looks_as_it_did(name: str, golden: Callable[[str, str], None]) -> None:
    """Every format of the sample report is the one somebody looked at."""
    report = the_sample()
    texts = {
        "report.txt": report.as_text,
        "report.html": report.as_html,
        "report.csv": lambda: report.as_csv().decode(),
        "report.md": report.as_markdown,
    }
    golden(name, texts[name]())


def test_the_subject_says_how_bad_it_is() -> None:
    """Brand, number of orders, unknown outcomes and the report's name stand in the subject."""
    assert re.fullmatch(
        r"NotNaked invoicing: 56 orders need attention, 1 with unknown outcome \(report \w{8}\)",
        the_sample().subject(),
    )
    one = a_report(a_failure(1)).subject()
    assert one.startswith("NotNaked invoicing: 1 order needs attention (report ")


def test_the_same_failures_have_the_same_reference() -> None:
    """A mail that is sent twice can be recognised; another set of failures is another report."""
    first, second = a_failure(1), a_failure(2)

    assert a_report(first, second).reference == a_report(second, first).reference
    assert a_report(first).reference != a_report(second).reference
    assert a_report(first).reference != a_report(first, brand="Other").reference
    assert a_report(first).reference != a_report(replace(first, kind="parked")).reference


def test_the_most_urgent_orders_come_first() -> None:
    """Unknown outcomes lead every list, then by store and order number."""
    report = a_report(
        a_failure(3, "quarantined"),
        a_failure(2, store="PAR02"),
        a_failure(1, store="DEN01"),
        a_failure(5, "parked"),
        a_failure(4, "conflict"),
    )

    assert [failure.id for failure in report.failures] == [5, 4, 1, 2, 3]
    assert list(report.totals) == [kind for kind in INVOICING.kinds if kind != "notice"]


def test_a_notice_is_told_and_counts_as_no_failure() -> None:
    """It stands at the end of the list with what to do, and in no figure of what failed."""
    report = a_report(a_failure(1), a_failure(2, "notice"), a_failure(3, "notice"))
    assert report.headline == "1 order needs attention, 2 notices"
    assert report.total.orders == 1
    assert report.total.amounts == (("USD", Decimal("129.9")),)
    assert [failure.id for failure in report.failures] == [1, 2, 3]
    assert "nothing failed" in report.as_text().split("ORDERS")[1]
    assert a_report(a_failure(2, "notice")).headline == "1 notice, nothing failed"


def test_reasons_are_grouped_by_their_code() -> None:
    """The most frequent reason leads, told with the sentence that most orders have."""
    report = a_report(
        a_failure(1, reason="A", reason_code="x"),
        a_failure(2, reason="C", reason_code="y"),
        a_failure(3, reason="C", reason_code="y"),
        a_failure(4, reason="B", reason_code="y"),
    )

    assert [(r.code, r.orders, r.text, r.varies) for r in report.reasons] == [
        ("y", 3, "C", True),
        ("x", 1, "A", False),
    ]


def test_the_mail_lists_fifty_orders_and_the_csv_all() -> None:
    """A storm of failures is one readable mail, and the attachment loses none."""
    report = a_report(*(a_failure(number) for number in range(10_000)))

    for body in (report.as_text(), report.as_html()):
        assert len(set(re.findall(r"NN\d+", body))) == 50
        assert "These are the first 50 orders. The attached CSV holds all 10,000." in body
    assert len(report.as_csv().splitlines()) == 10_001
    assert len(report.as_table()) == 200


def test_times_are_local() -> None:
    """The reader's clock counts, and its zone is named."""
    text = a_report(a_failure(0)).as_text()

    assert "Failed at 2026-11-21 20:15 (America/Denver)" in text


def test_amounts_that_are_no_numbers_count_as_not_known() -> None:
    """A NaN in one order cannot spoil the sums of the others, nor stop the alert."""
    report = a_report(a_failure(1, amount=Decimal("NaN")), a_failure(2, amount=Decimal(5)))

    assert report.total.amounts == (("USD", Decimal(5)),)
    assert report.total.without_amount == 1


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", None])
def test_only_a_web_address_becomes_a_link(url: str | None) -> None:
    """No other address is offered to click on."""
    assert "<a " not in FailureReport([a_failure(1)], "UTC", "NotNaked", url).as_html()


texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40))
failures = st.builds(
    Failure,
    id=st.integers(0, 10**6),
    kind=st.sampled_from(list(INVOICING.kinds)),
    order_no=texts,
    order_id=texts,
    product_store_id=texts,
    store=st.none() | texts,
    amount=st.none() | st.decimals(-(10**9), 10**9, places=4),
    currency=st.none() | st.sampled_from(["USD", "JPY", "KWD"]) | texts,
    reason=texts,
    reason_code=texts,
    next_step=texts,
    source_file=texts,
    failed_at=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
reports = st.builds(a_report, st.shared(failures), brand=texts) | st.lists(
    failures, max_size=6
).map(lambda many: a_report(*many))


@given(reports)
def test_the_csv_reads_back_and_runs_nothing(report: FailureReport) -> None:
    """Every order is in the CSV with its values; no text cell starts like a formula."""
    content = report.as_csv()

    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    assert len(rows) == len(report.failures)
    for row, failure in zip(rows, report.failures, strict=True):
        assert bool(row.pop("Amount")) is (failure.amount is not None)
        assert row["Order"] == harmless.cell(failure.order_no)
        assert row["Reason"].removeprefix("'") == failure.reason.removeprefix("'")
        assert not any(value.startswith(tuple("=+-@\t\r\n")) for value in row.values())


@given(st.lists(st.decimals(-(10**9), 10**9, places=4), min_size=1))
def test_amounts_in_the_csv_are_numbers(amounts: list[Decimal]) -> None:
    """A negative amount stays a number that can be summed; nothing is rounded."""
    report = a_report(*(a_failure(i, amount=amount) for i, amount in enumerate(amounts)))

    rows = csv.DictReader(io.StringIO(report.as_csv().decode("utf-8-sig"), newline=""))
    assert sum(Decimal(row["Amount"]) for row in rows) == sum(amounts)


@given(reports)
def test_totals_are_the_sums(report: FailureReport) -> None:
    """The kinds add up to what failed, per currency and to the last decimal, and the reasons to all."""
    sums: Counter[str] = Counter()
    for total in report.totals.values():
        for currency, amount in total.amounts:
            sums[currency] += amount  # type: ignore[assignment]
    failed = [f for f in report.failures if f.kind != "notice"]
    with_amount = [f for f in failed if f.amount is not None and f.currency is not None]

    assert dict(report.total.amounts) == dict(sums)
    assert sum(sums.values()) == sum(f.amount or 0 for f in with_amount)
    assert sum(total.orders for total in report.totals.values()) == len(failed)
    assert sum(reason.orders for reason in report.reasons) == len(report.failures)
    assert report.total.without_amount == len(failed) - len(with_amount)


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, object]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, sorted(attrs, key=str)))

    def handle_endtag(self, tag: str) -> None:
        self.seen.append(("/" + tag, None))

    def handle_comment(self, data: str) -> None:
        self.seen.append(("!--", data))


def elements(html: str) -> list[tuple[str, object]]:
    """List every tag with its attributes."""
    parser = _Elements()
    parser.feed(html)
    parser.close()
    return parser.seen


@given(failures, texts)
def test_no_value_adds_an_element_to_the_html(failure: Failure, brand: str) -> None:
    """A hostile order makes the same elements and attributes as a tame one."""
    tame = replace(
        a_failure(failure.id, failure.kind, amount=failure.amount),
        currency="USD" if failure.currency and failure.currency.strip() else None,
        store="DEN01" if failure.store and failure.store.strip() else None,
    )

    hostile = a_report(failure, brand=brand).as_html()

    assert elements(hostile) == elements(a_report(tame).as_html())


def test_the_html_loads_nothing_from_elsewhere() -> None:
    """No picture, font, style sheet or script; the one link is the run's."""
    seen = elements(the_sample().as_html())

    assert not {"img", "script", "link", "iframe", "style", "object"} & {tag for tag, _ in seen}
    links = [dict(attributes) for tag, attributes in seen if tag == "a"]  # type: ignore[call-overload]
    assert [link["href"] for link in links] == ["https://prefect.example/runs/1"]


@given(failures, texts)
def test_no_value_adds_anything_to_the_markdown(failure: Failure, brand: str) -> None:
    """A hostile order makes the same Markdown as a tame one: no link, emphasis, HTML, row or cell."""
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

    def shape(report: FailureReport) -> list[str]:
        tokens = reader.parse(report.as_markdown())
        inner = (child for token in tokens for child in token.children or ())
        marks = Counter(child.type for child in inner if not child.type.startswith("text"))
        return [token.type for token in tokens] + sorted(marks.elements())

    text = a_report(failure, brand=brand).as_markdown()
    assert shape(a_report(failure, brand=brand)) == shape(a_report(a_failure(1, failure.kind)))
    assert not re.search(r"://\S|www\.|\w@\w", text)


@given(reports)
def test_every_body_is_clean_text(report: FailureReport) -> None:
    """No hidden or control character reaches a reader, and every text can be encoded."""
    for body in (report.as_text(), report.as_html(), report.as_markdown(), report.subject()):
        assert not re.search(
            r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", body
        )
        body.encode()
    assert "\n" not in report.subject()
    for row in report.as_table():
        assert all(isinstance(value, str) for value in row.values())
