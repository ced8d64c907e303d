"""Looking invoices up over real HTTP: what is found, and when nothing may be concluded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count

import pytest

from sandbox.retail_pro import RetailProStandIn
from sandbox.retail_pro_queries import INVOICES_PATH
from tests.fixtures_retail_pro import OK, SECRETS, order, scripted_server
from tillbridge.clients.retail_pro import RetailProClient
from tillbridge.contracts.invoice_lookup import FoundInvoice, LookupReading
from tillbridge.errors import ConfigurationProblem, RecordRejected, Unavailable

StartRetailPro = Callable[..., RetailProStandIn]
ClientOf = Callable[..., RetailProClient]

STOCK = LookupReading()
SHORT = LookupReading(
    path=INVOICES_PATH,
    query={"order": "{order_no}"},
    rows="/data",
    order_no="/orderNo",
    reference="/invoice",
    total="/amount",
    lines="/lineCount",
)
HEAD = OK.split(b"Content-Length")[0]
_NUMBERS = count(1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RetailProStandIn]:
    with RetailProStandIn(tmp_path_factory.mktemp("retail-pro")) as stand_in:
        yield stand_in


@pytest.fixture
def retail_pro(running: RetailProStandIn) -> Iterator[RetailProStandIn]:
    """Give one stand-in for all tests here; each uses an order number of its own."""
    yield running
    running.retail_pro.faults.clear()
    running.retail_pro.query_delay_seconds = 0


@pytest.fixture
def order_no() -> str:
    return f"L{next(_NUMBERS)}"


@pytest.mark.parametrize("lookup", [STOCK, SHORT], ids=["documents", "invoices"])
def test_the_invoices_of_an_order_are_found(
    lookup: LookupReading, retail_pro: RetailProStandIn, order_no: str, client_of: ClientOf
) -> None:
    """Each invoice of the order comes with reference, total and lines; an order without one gives none."""
    client = client_of(retail_pro.base_url, lookup=lookup)
    twice = order_no + "-2"
    for number in (order_no, twice, twice):
        client.post_invoice(order(number))
    [invoice] = retail_pro.invoices(order_no)
    assert client.find_invoices(order_no) == [
        FoundInvoice(invoice.invoice_no, order_no, Decimal("89.2"), 1)
    ]
    assert [found.reference for found in client.find_invoices(twice)] == [
        invoice.invoice_no for invoice in retail_pro.invoices(twice)
    ]
    assert client.find_invoices(order_no + "-3") == []


def test_every_page_is_read(
    retail_pro: RetailProStandIn, order_no: str, client_of: ClientOf
) -> None:
    """A server that gives one row at a time is asked until a page is empty."""
    lookup = LookupReading(query=STOCK.query | {"page_size": "1"})
    client = client_of(retail_pro.base_url, lookup=lookup)
    for _ in range(3):
        client.post_invoice(order(order_no))
    assert len(client.find_invoices(order_no)) == 3


def test_a_server_that_does_not_page_is_told(client_of: ClientOf) -> None:
    """The same page again and again is a matter of settings, not three invoices."""
    body = b'[{"order_document_number": "1", "document_number": "F1"}]'
    with (
        scripted_server(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body) as server,
        pytest.raises(ConfigurationProblem, match="does not page"),
    ):
        client_of(server.base_url).find_invoices("1")


@pytest.mark.parametrize("lookup", [STOCK, SHORT], ids=["documents", "invoices"])
@pytest.mark.parametrize("kind", ["drop", "reset", "cut", "hang", "drip", "not_json", "huge"])
def test_no_usable_answer_is_no_conclusion(
    kind: str,
    lookup: LookupReading,
    retail_pro: RetailProStandIn,
    order_no: str,
    client_of: ClientOf,
) -> None:
    """Whatever keeps a whole answer from us, the order is neither found nor absent; the next try finds it."""
    client = client_of(retail_pro.base_url, lookup=lookup, deadline=0.3, max_answer_bytes=8192)
    client.post_invoice(order(order_no))
    retail_pro.program(kind, call="query", order_no=order_no, times=1)
    with pytest.raises(Unavailable, match="looking up an invoice"):
        client.find_invoices(order_no)
    assert len(client.find_invoices(order_no)) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, ConfigurationProblem) for status in (400, 401, 403, 404, 405, 422)),
        *((status, Unavailable) for status in (202, 204, 206, 301, 408, 429, 500, 502, 503, 504)),
    ],
)
def test_a_status_is_no_list(status: int, error: type[Exception], client_of: ClientOf) -> None:
    """Only a 200 can say that there is no invoice, even if an empty list comes with another status."""
    head = b"HTTP/1.1 %d Nothing\r\nConnection: close\r\n" % status
    body = b"\r\n" if status == 204 else b"Content-Length: 2\r\n\r\n[]"
    with scripted_server(head + body) as server, pytest.raises(error):
        client_of(server.base_url).find_invoices("1")


def test_too_many_look_ups_quiet_the_client(
    retail_pro: RetailProStandIn, client_of: ClientOf
) -> None:
    """After a 429 with a wait neither look-ups nor orders go out."""
    client = client_of(retail_pro.base_url)
    retail_pro.program("status", call="query", status=429, retry_after="90", times=1)
    for said in ("HTTP 429", "asked for no calls"):
        with pytest.raises(Unavailable, match=said):
            client.find_invoices("1")
    assert client.post_invoice(order("quiet")).stage == "not_sent"
    assert retail_pro.invoices("quiet") == []


def test_an_invoice_of_another_order_is_no_result(
    retail_pro: RetailProStandIn, order_no: str, client_of: ClientOf
) -> None:
    """A server that ignores the filter would make every order look invoiced."""
    retail_pro.program("wrong_order", call="query")
    with pytest.raises(ConfigurationProblem, match="does not filter"):
        client_of(retail_pro.base_url).find_invoices(order_no)


@pytest.mark.parametrize(
    "number", ["", "1)OR(sid,nn", "1&cols=sid", "1 2", "{page_no}", "é", "1\n"]
)
def test_a_number_that_could_change_the_query_is_not_asked(
    number: str, retail_pro: RetailProStandIn, client_of: ClientOf
) -> None:
    """Such an order is left to a person, by itself; nothing is asked."""
    retail_pro.program("drop", call="query")
    with pytest.raises(RecordRejected, match="letters, digits"):
        client_of(retail_pro.base_url).find_invoices(number)


def test_an_ended_session_is_renewed_for_a_look_up(
    start_retail_pro: StartRetailPro, client_of: ClientOf
) -> None:
    """A look-up hours after the order logs in anew."""
    retail_pro = start_retail_pro(credential_mode="prism_session")
    client = client_of(retail_pro.base_url, credential_mode="prism_session", **SECRETS)
    client.post_invoice(order("1"))
    retail_pro.retail_pro.door.expire_sessions()
    assert len(client.find_invoices("1")) == 1


def test_a_fresh_invoice_can_be_out_of_sight(
    retail_pro: RetailProStandIn, order_no: str, client_of: ClientOf
) -> None:
    """Told so, queries see an invoice only some time after it was made: absent is not never made."""
    retail_pro.retail_pro.query_delay_seconds = 600
    client = client_of(retail_pro.base_url)
    client.post_invoice(order(order_no))
    assert client.find_invoices(order_no) == []
    retail_pro.retail_pro.query_delay_seconds = 0.1
    time.sleep(0.1)
    assert len(client.find_invoices(order_no)) == 1


def test_a_query_can_lie(retail_pro: RetailProStandIn, order_no: str, client_of: ClientOf) -> None:
    """Told so, an invoice that is there is not shown, once, to one order or to all."""
    client = client_of(retail_pro.base_url)
    client.post_invoice(order(order_no))
    retail_pro.program("lies", call="query", order_no=order_no, times=1)
    assert [len(client.find_invoices(order_no)) for _ in range(2)] == [0, 1]


@pytest.mark.parametrize("level", ["L1", "L2"])
def test_the_check_tries_the_look_up(
    level: str, retail_pro: RetailProStandIn, client_of: ClientOf
) -> None:
    """Where invoices will be looked up, the check says that an order which cannot exist has none."""
    assert "came back empty" in client_of(retail_pro.base_url, capability=level).check()


@pytest.mark.parametrize(
    ("lookup", "said"),
    [
        (LookupReading(path="/api/documents"), "lookup.path"),
        (LookupReading(query={"order": "{order_no}"}), "lookup.query"),
        (LookupReading(path=INVOICES_PATH, query={"order": "{order_no}"}), "lookup.rows"),
    ],
)
def test_the_check_names_the_setting_of_the_look_up(
    lookup: LookupReading, said: str, retail_pro: RetailProStandIn, client_of: ClientOf
) -> None:
    """A wrong path, query or form is found before the first order needs it, and not where none will."""
    with pytest.raises(ConfigurationProblem, match=said):
        client_of(retail_pro.base_url, capability="L1", lookup=lookup).check()
    for level in ("L0", "L3"):
        assert (
            "look-up" not in client_of(retail_pro.base_url, capability=level, lookup=lookup).check()
        )


def test_the_check_finds_a_server_that_ignores_the_filter(
    retail_pro: RetailProStandIn, client_of: ClientOf
) -> None:
    """It would take every order for invoiced, so it must not pass."""
    retail_pro.program("wrong_order", call="query")
    with pytest.raises(ConfigurationProblem, match=r"lookup\.query"):
        client_of(retail_pro.base_url, capability="L1").check()
