"""Hostile answers and values through the real doors: what they prove, and the mails and files they end in."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from sandbox.mail import SmtpInbox
from tests.corpus import ANSWERS, HEADERS, RETRY_AFTER, TEXTS
from tests.fixtures_retail_pro import order, order_body, scripted_server
from tillbridge import harmless
from tillbridge.clients.mail import Attachment, MailServer, compose, send
from tillbridge.clients.retail_pro import RetailProClient
from tillbridge.clients.retail_pro_exchange import read_retry_after
from tillbridge.contracts.invoice_answer import AnswerReading
from tillbridge.invoicing.outcome import Sent, judge
from tillbridge.invoicing.scrubbing import without_customer_data
from tillbridge.reporting.report import Failure, FailureReport

NOW = datetime(2026, 11, 22, 3, 15, tzinfo=UTC)
SENT = Sent("20417", Decimal("78.3"), False)
RUN = "https://prefect.example/runs/1"
FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")  # noqa: RUF001


def failure(reason: str = "The item is not known.", **changes: object) -> Failure:
    """Build a failure; `changes` replace its fields."""
    tame = Failure(
        id=1,
        kind="rejected",
        order_no="20417",
        order_id="M100231",
        product_store_id="CASA_STORE",
        store="PTL01",
        amount=Decimal("78.30"),
        currency="EUR",
        reason=reason,
        reason_code="refused",
        next_step="Add the item.",
        source_file="CompletedOrders.json",
        failed_at=NOW,
    )
    return replace(tame, **changes)  # type: ignore[arg-type]


def strange(text: str) -> Failure:
    """Build a failure with this text wherever a text can stand."""
    names = ("order_no", "order_id", "product_store_id", "store", "currency", "reason")
    names += ("reason_code", "next_step", "source_file")
    return failure(**dict.fromkeys(names, text))


def report(*failures: Failure, brand: str = "Casa") -> FailureReport:
    """Build a report of a brand in Lisbon."""
    return FailureReport(failures, "Europe/Lisbon", brand, RUN)


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_proves_what_it_says_and_nothing_more(
    name: str, client_of: Callable[..., RetailProClient]
) -> None:
    """Over real HTTP each answer has its verdict, and a reason of one bounded line without secrets of form."""
    body, state = ANSWERS[name]
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with scripted_server(head.encode() + body) as server:
        exchange = client_of(server.base_url).post_invoice(order("20417"))
    assert (exchange.status, exchange.body_complete) == (200, True)

    verdict = judge(exchange, SENT, AnswerReading())

    assert verdict.state == state
    reason = without_customer_data(verdict, order_body("20417")).reason
    assert 0 < len(reason) <= 300
    assert harmless.line(reason, 300) == reason
    assert report(failure(reason)).as_csv()


@pytest.mark.parametrize("value", RETRY_AFTER, ids=lambda value: ascii(value)[:40])
def test_a_wait_is_none_or_up_to_an_hour(value: str) -> None:
    """No Retry-After costs the answer it came with."""
    seconds = read_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= 3600


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[object] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.seen.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.seen.append(("!", data))

    def handle_decl(self, decl: str) -> None:
        self.seen.append(("!", decl))

    def unknown_decl(self, data: str) -> None:
        self.seen.append(("!", data))

    def handle_pi(self, data: str) -> None:
        self.seen.append(("?", data))


def elements(html: str) -> list[object]:
    """List everything in a page that is not text, in order."""
    parser = _Elements()
    parser.feed(html)
    parser.close()
    return parser.seen


def test_no_text_adds_an_element_to_the_mail() -> None:
    """The page of a hostile failure has the elements of a tame one; nothing is hidden in it."""
    for text in TEXTS:
        page = report(strange(text), brand=text).as_html()
        seen = harmless.line(text, 100)
        tame = report(
            failure(store=seen and "PTL01", currency=seen and "EUR"), brand="Casa"
        ).as_html()
        assert elements(page) == elements(tame), ascii(text)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_cell_starts_a_formula_in_any_country(separator: str) -> None:
    """Also where a spreadsheet splits at semicolons or tabs; split at commas, every text reads back."""
    failures = [strange(text) for text in TEXTS]
    content = report(*failures).as_csv()

    rows = list(
        csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=separator)
    )

    assert not [cell for row in rows for cell in row if FORMULA.match(cell)]
    if separator == ",":
        assert len(rows) == len(TEXTS) + 1
        reasons = sorted(row[5].replace("'", "") for row in rows[1:])
        assert reasons == sorted(harmless.line(text, 500).replace("'", "") for text in TEXTS)


@pytest.mark.parametrize("text", HEADERS, ids=lambda text: ascii(text)[:40])
def test_no_text_becomes_a_header(inbox: SmtpInbox, mail_server: MailServer, text: str) -> None:
    """The mail that arrives has the headers and the readers it was given; its bodies are whole."""
    made = report(strange(text), brand=text)
    message = compose(
        sender="tillbridge@brand.example",
        recipients=["finance@brand.example"],
        subject=f"{text}: {made.subject()} {text}",
        text=made.as_text(),
        html=made.as_html(),
        attachments=[Attachment(text, made.as_csv())],
        message_id="report-1",
    )

    send(mail_server, message)

    (arrived,) = inbox.messages()
    assert arrived.keys() == ["Received", *message.keys()]
    assert str(arrived["To"]) == "finance@brand.example"
    assert not re.search("[\r\n]", str(arrived["Subject"]))
    assert not arrived.defects
    (attached,) = arrived.iter_attachments()
    assert attached.get_payload(decode=True) == made.as_csv()
    body = arrived.get_body(("plain",))
    assert body is not None
    assert body.get_content().splitlines() == made.as_text().splitlines()
