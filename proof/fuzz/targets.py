"""What is fuzzed: for each reader and writer of foreign content, inputs and what has to hold for them.

A check returns in peace or raises: only the errors that a function documents are caught. Hostile inputs
that are known already come from `tests.corpus`, and go first.
"""

from __future__ import annotations

import csv
import io
import json
import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email import message_from_bytes, policy
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from proof.fuzz.inputs import FOREIGN, JOINED, NUMBERS, damaged, foreign, written
from proof.fuzz.tills import SALE, check_sale, written_sales
from sandbox.retail_pro_contract import problems_of
from tests import corpus
from tests.fixtures_retail_pro import order_body
from tests.strategies import PROFILE, STORES, feed_order, spoiled_orders
from tillbridge import harmless, money
from tillbridge.clients import sftp_paths
from tillbridge.clients.exchange import original_name
from tillbridge.clients.mail import Attachment, compose
from tillbridge.clients.retail_pro_exchange import read_retry_after
from tillbridge.contracts import feed_manifest, json_text, order_to_invoice
from tillbridge.contracts.completed_orders import read_order
from tillbridge.contracts.http_exchange import Exchange
from tillbridge.contracts.invoice_answer import AnswerReading
from tillbridge.contracts.invoice_lookup import LookupReading, read_found
from tillbridge.errors import (
    ConfigurationProblem,
    FileRejected,
    Finding,
    RecordRejected,
    Unavailable,
)
from tillbridge.invoicing.outcome import Sent, judge
from tillbridge.invoicing.scrubbing import without_customer_data
from tillbridge.invoicing.transform import InvoiceRequest, transform
from tillbridge.reporting.report import Failure, FailureReport

NOW = datetime(2026, 11, 22, 3, 15, tzinfo=UTC)
REQUEST = order_body("20417")
SENT = Sent("20417", Decimal("78.3"), False)


@dataclass(frozen=True)
class Target:
    """`first` are known inputs of the kind that `inputs` makes."""

    name: str
    inputs: st.SearchStrategy[Any]
    check: Callable[[Any], None]
    first: Iterable[Any] = ()


def check_document(data: bytes) -> None:
    """Read one document: whole and the same again, or refused in words."""
    try:
        value = json_text.read(data)
    except ValueError as problem:
        _check_words(str(problem))
        return
    if _is_trusted(value):
        assert json_text.read(json_text.write(value)) == value


def check_elements(data: bytes) -> None:
    """Read an array: each element with its own text, or the file refused in words."""
    texts: list[str] = []
    try:
        texts.extend(
            element.text for element in json_text.read_array(io.BytesIO(data), "feed.json")
        )
    except FileRejected as problem:
        _check_findings(problem.findings, data)
    assert sum(map(len, texts)) <= len(data)
    again = json_text.read_array(io.BytesIO(f"[{','.join(texts)}]".encode()), "feed.json")
    assert [element.text for element in again] == texts


def check_amount(value: object) -> None:
    """Read an amount: exact, in one spelling, and the same from the database; or refused."""
    try:
        amount = money.parse(value)
    except ValueError:
        return
    assert Fraction(amount) == Fraction(str(value))
    assert re.fullmatch(r"0|-?(?!0\d)\d+(\.\d*[1-9])?", str(amount), re.ASCII)
    assert money.from_units(money.to_units(amount)) == money.parse(str(amount)) == amount


def check_order(data: bytes) -> None:
    """Map an order: a sound request, the same from another spelling of the order, or findings."""
    try:
        for document in _elements(data):
            request, _ = transform(read_order(document, 0), PROFILE, STORES)
            if isinstance(request, InvoiceRequest):
                assert problems_of(json.loads(request.body, parse_float=Decimal), 2) == []
                respelled = written([dict(reversed(document.items()))], indent=1)
                [again] = _elements(b"\xef\xbb\xbf" + respelled)
                assert transform(read_order(again, 0), PROFILE, STORES)[0] == request
    except (FileRejected, RecordRejected) as problem:
        _check_findings(problem.findings, data)


def check_till_sale(data: bytes) -> None:
    """Read sales of a till and make records of them: totals in are totals out, or findings."""
    try:
        for document in _elements(data):
            check_sale(document)
    except (FileRejected, RecordRejected) as problem:
        _check_findings(problem.findings, data)


def check_request(data: bytes) -> None:
    """Hold a request against its contract: sound by the far end's reading too, or findings."""
    try:
        members = json_text.read(data)
    except ValueError:
        return
    for version in (1, 2):
        if not isinstance(members, dict):
            continue
        request = order_to_invoice.check(members, version)
        if isinstance(request, tuple):
            _check_findings(request, data)
            continue
        body = json_text.write(order_to_invoice.write(request))
        assert problems_of(json.loads(body, parse_float=Decimal), version) == []
        assert f"{request.order_no}{request.invoicing_store}".isprintable()


def check_answer(data: bytes) -> None:
    """Judge an answer: confirmed only where another reading of it says so, in one harmless line."""
    exchange = Exchange("answered", status=200, body=data, body_complete=True)
    verdict = judge(exchange, SENT, AnswerReading())
    if verdict.state == "CONFIRMED":
        said = json.loads(data.decode("utf-8-sig"), parse_float=Decimal)
        assert said["success"] in {True, "true"}
        assert Decimal(str(said["orderNo"])) == 20417
        assert Decimal(str(said["total"])) == SENT.total
    reason = without_customer_data(verdict, REQUEST).reason
    assert 0 < len(reason) <= 300
    assert harmless.line(reason, 300) == reason


def check_found(data: bytes) -> None:
    """Read what a look-up found: invoices of this order alone, or no word about it."""
    try:
        found = read_found(data, LookupReading(), "20417")
    except (Unavailable, ConfigurationProblem) as problem:
        _check_words(str(problem))
        return
    rows = json.loads(data.decode("utf-8-sig"), parse_float=Decimal)
    assert [Decimal(row["order_document_number"]) for row in rows] == [20417] * len(found)


def check_manifest(data: bytes) -> None:
    """Read a manifest: four values that can be compared, or words for what it should be."""
    try:
        said = feed_manifest.read(data)
    except ValueError as problem:
        _check_words(str(problem))
        return
    assert re.fullmatch("[0-9a-f]{64}", said.sha256, re.ASCII)
    assert feed_manifest.read(feed_manifest.write(said)) == said


def check_retry_after(value: str) -> None:
    """Read a wait: none, or up to an hour."""
    seconds = read_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= 3600


def check_report(text: str) -> None:
    """Write a report and its mail: no element, formula, header or link that was not there before."""
    hostile = _report(text)
    page = hostile.as_html()
    assert _tags(page) == _TAGS
    content = hostile.as_csv().decode("utf-8-sig")
    for separator in ",;\t":
        for row in csv.reader(io.StringIO(content, newline=""), delimiter=separator):
            assert not any(cell.lstrip().startswith(tuple("=+-@")) for cell in row)
    assert not re.search(r"://\S|\w@\w", hostile.as_markdown())
    message = compose(
        sender="a@brand.example",
        recipients=["b@brand.example"],
        subject=f"{text} {hostile.subject()}",
        text=f"{text}\n{hostile.as_text()}",
        html=page,
        attachments=[Attachment(text, hostile.as_csv())],
        message_id="report-1",
    )
    arrived = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert arrived.keys() == message.keys()
    assert not re.search("[\r\n]", str(arrived["Subject"]))
    [attached] = arrived.iter_attachments()
    assert attached.get_payload(decode=True) == hostile.as_csv()


def check_path(path: str) -> None:
    """Make a path on the server: below the root, also with a temporary name beside it; or refuse it."""
    assert "/" not in original_name(f"in/processing/run-1--{path.replace('/', '')}")
    try:
        seen = sftp_paths.below("/srv/exchange", path)
    except ConfigurationProblem as problem:
        _check_words(str(problem)[:250])
        return
    assert posixpath.normpath(seen) == seen
    assert f"{seen}/".startswith("/srv/exchange/")
    assert seen.isprintable()
    temporary = sftp_paths.temporary_path(seen)
    assert posixpath.dirname(temporary) == posixpath.dirname(seen)
    assert not sftp_paths.is_finished_name(posixpath.basename(temporary))


def _report(text: str) -> FailureReport:
    failure = Failure(
        id=1,
        kind="parked",
        order_no=text,
        order_id=text,
        product_store_id=text,
        store=text,
        amount=Decimal("78.30"),
        # A currency that is blank leaves out a sum, as it should.
        currency=text if harmless.line(text, 100) else "EUR",
        reason=text,
        reason_code=text,
        next_step=text,
        source_file=text,
        failed_at=NOW,
    )
    return FailureReport([failure], "Europe/Lisbon", text, "https://prefect.example/runs/1")


def _tags(page: str) -> list[str]:
    return re.findall("<[^>]*>", page)


_TAGS = _tags(_report("tame").as_html())


def _elements(data: bytes) -> list[Any]:
    return [one.value for one in json_text.read_array(io.BytesIO(data), "feed.json")]


def _check_words(text: str) -> None:
    assert 0 < len(text) < 300
    assert text.isascii()


def _check_findings(findings: tuple[Finding, ...], data: bytes) -> None:
    assert findings
    assert all(finding.expected for finding in findings)
    report = [(finding.pointer, finding.value, finding.expected) for finding in findings]
    assert len(json_text.write_readable(report)) <= 10_000 + 50 * len(data)


def _is_trusted(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_trusted, value.values()))
    if isinstance(value, list):
        return all(map(_is_trusted, value))
    return not isinstance(value, json_text.Unreadable)


_ORDER = feed_order()
_REQUEST = json_text.read(REQUEST)
_ANSWER = json_text.read(corpus.ANSWERS["good"][0])
_ROWS = [
    {
        "order_document_number": "20417",
        "document_number": "F-1",
        "transaction_total_amt": SENT.total,
    },
    {"order_document_number": 20417, "document_number": 1, "items": [{}]},
]
_MANIFEST = feed_manifest.Manifest("0f" * 32, 1234, 2, Decimal("156.6"))


TARGETS = (
    Target(
        "JSON document",
        foreign(_ORDER) | damaged(st.sampled_from([b"[]", b"{}", b"1.5"])) | st.binary(max_size=80),
        check_document,
        [*corpus.FILES.values(), *(text.encode() for text in corpus.ORDERS.values())],
    ),
    Target(
        "JSON array",
        foreign([_ORDER, _ORDER]) | damaged(st.sampled_from([b"[]", b'[1, 2.50, "a"]'])),
        check_elements,
        [*corpus.FILES.values(), *(f"[{text}]".encode() for text in corpus.ORDERS.values())],
    ),
    Target(
        "amount",
        st.text("0123456789.-+eE_ １", max_size=26)  # noqa: RUF001
        | st.lists(NUMBERS.map(lambda text: text.strip('"')), max_size=2).map("".join)
        | st.text(max_size=10)
        | st.decimals()
        | st.integers()
        | st.integers(-(10**13), 10**13).map(lambda units: Decimal(units) / 10_000),
        check_amount,
        [text.strip('"') for text in corpus.NUMBERS],
    ),
    Target(
        "completed order",
        foreign([_ORDER]) | spoiled_orders().map(lambda order: written([order])),
        check_order,
        [f"[{text}]".encode() for text in corpus.ORDERS.values()],
    ),
    Target(
        "till sale",
        foreign([SALE]) | written_sales(),
        check_till_sale,
        [written([SALE]), *(f"[{text}]".encode() for text in corpus.SALES.values())],
    ),
    Target("request", foreign(_REQUEST), check_request),
    Target(
        "answer",
        foreign(_ANSWER) | JOINED.map(lambda text: written({"success": False, "message": text})),
        check_answer,
        [body for body, _ in corpus.ANSWERS.values()],
    ),
    Target("look-up", foreign(_ROWS), check_found, [body for body, _ in corpus.ANSWERS.values()]),
    Target(
        "manifest",
        foreign(json_text.read(feed_manifest.write(_MANIFEST))),
        check_manifest,
        corpus.FILES.values(),
    ),
    Target(
        "Retry-After",
        st.text(max_size=30)
        | st.from_regex(
            r"(Sun, )?[0-9]{1,2} (Nov|Feb) [0-9]{1,5} [0-9]{1,2}(:[0-9]{1,2}){1,2} ?([+-][0-9]{1,20}|[A-Z]*)"
        ),
        check_retry_after,
        corpus.RETRY_AFTER,
    ),
    Target(
        "report and mail",
        JOINED,
        check_report,
        [*corpus.SPREADSHEET, *corpus.MARKUP, *corpus.HEADERS],
    ),
    Target(
        "path",
        st.lists(FOREIGN | st.sampled_from(["..", "/", ".", "\\"]), max_size=4).map("/".join),
        check_path,
        corpus.TEXTS,
    ),
)  # fmt: skip
