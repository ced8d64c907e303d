"""A far end that answers more than it was asked, and logins with headers that nobody should send."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable

import pytest

from tests.fixtures_retail_pro import SECRETS, http_answer, order, scripted_server, talking_server
from tillbridge.clients.retail_pro import RetailProClient
from tillbridge.contracts import json_text
from tillbridge.contracts.invoice_answer import AnswerReading
from tillbridge.errors import ConfigurationProblem, Unavailable

ClientOf = Callable[..., RetailProClient]

ECHOED, NOT_ECHOED = AnswerReading(), AnswerReading(order_no="")
EACH_READING = pytest.mark.parametrize("reading", [ECHOED, NOT_ECHOED], ids=["echoed", "not"])


def invoice(request: str, *, of: str | None = None, number: str = "SO-1") -> bytes:
    """Answer an order, or another, with an invoice."""
    order_no = of or re.findall(r'"OrderNo": *"(\w+)"', request)[0]
    return http_answer(json_text.write({"success": True, "invoiceNo": number, "orderNo": order_no}))


@EACH_READING
def test_a_spare_answer_in_the_same_packet_is_nobodys(
    reading: AnswerReading, client_of: ClientOf
) -> None:
    """Of two answers to one order the second is dropped with its connection; the next gets its own."""

    def reply(request: str, connection: socket.socket) -> bytes:
        if '"1001"' in request:
            return invoice(request) + invoice(request, of="1002", number="NOT-MINE")
        return invoice(request, number="SO-2")

    with talking_server(reply) as server:
        client = client_of(server.base_url, answer=reading)
        first = client.post_invoice(order("1001"))
        second = client.post_invoice(order("1002"))

        assert b"SO-1" in first.body
        assert b"SO-2" in second.body
        assert len(server.requests) == 2
        assert len(server.connections) == 2


@EACH_READING
def test_a_spare_answer_that_comes_later_is_nobodys(
    reading: AnswerReading, client_of: ClientOf
) -> None:
    """What arrives while no call is under way is not the answer to the next order."""
    with talking_server(lambda request, _: invoice(request, number=f"SO-{len(request)}")) as server:
        client = client_of(server.base_url, answer=reading)
        client.post_invoice(order("1001"))
        [connection] = server.connections
        try:
            connection.sendall(invoice("", of="1002", number="NOT-MINE"))
        except OSError:
            assert reading == NOT_ECHOED  # it is closed already
        second = client.post_invoice(order("1002"))

        assert b"NOT-MINE" not in second.body
        assert len(server.requests) == 2
        assert len(server.connections) == 2


@EACH_READING
def test_where_nothing_is_echoed_each_order_has_its_connection(
    reading: AnswerReading, client_of: ClientOf
) -> None:
    """Only the connection tells then whose answer one is; where the number is echoed, it is kept."""
    with talking_server(lambda request, _: invoice(request)) as server:
        client = client_of(server.base_url, answer=reading)
        for number in ("1001", "1002", "1003"):
            assert client.post_invoice(order(number)).status == 200
        assert len(server.connections) == (1 if reading == ECHOED else 3)


HOSTILE_HEADERS = {
    "nonce of 5000 digits": {"Auth_Nonce": "7" * 5000},
    "nonce of 201 digits": {"Auth_Nonce": "7" * 201},
    "nonce in other digits": {"Auth_Nonce": "\u0663"},
    "no nonce": {},
    "session not in ASCII": {"Auth_Nonce": "12", "Auth_Session": "s\xe9ance"},
    "session of 5000 characters": {"Auth_Nonce": "12", "Auth_Session": "s" * 5000},
    "session of tabs": {"Auth_Nonce": "12", "Auth_Session": "a\tb"},
    "no session": {"Auth_Nonce": "12"},
}
EACH_HEADER = pytest.mark.parametrize("headers", HOSTILE_HEADERS.values(), ids=HOSTILE_HEADERS)


def login(**headers: str) -> bytes:
    """Answer a login with these headers, of whatever bytes."""
    return http_answer(b"{}", **{k: v.encode().decode("latin-1") for k, v in headers.items()})


@EACH_HEADER
def test_hostile_login_headers_send_no_order(headers: dict[str, str], client_of: ClientOf) -> None:
    """They are told as a login without a usable header, and no order goes out."""
    with talking_server(lambda *_: login(**headers)) as server:
        client = client_of(server.base_url, credential_mode="prism_session", **SECRETS)
        exchange = client.post_invoice(lambda: pytest.fail("nothing may be sent"))

        assert (exchange.stage, exchange.configuration) == ("not_sent", False)
        assert re.search(r"no usable auth-(nonce|session) header; expected", str(exchange.problem))
        assert len(str(exchange.problem)) < 200
        with pytest.raises(Unavailable, match="no usable auth-"):
            client.check()


@EACH_HEADER
def test_hostile_headers_of_a_renewal_leave_the_order_unsent(
    headers: dict[str, str], client_of: ClientOf
) -> None:
    """An order that was refused with 401 is told as not sent when the login anew goes wrong."""
    is_over = False

    def reply(request: str, connection: socket.socket) -> bytes:
        nonlocal is_over
        if request.startswith("POST"):
            is_over = True
            return http_answer(b"", status="401 Unauthorized")
        return login(**headers) if is_over else login(Auth_Nonce="12", Auth_Session="session")

    with talking_server(reply) as server:
        client = client_of(server.base_url, credential_mode="prism_session", **SECRETS)
        exchange = client.post_invoice(order())

        assert (exchange.stage, exchange.configuration) == ("not_sent", False)
        assert "no usable auth-" in str(exchange.problem)
        assert sum(request.startswith("POST") for request in server.requests) == 1


def test_no_far_end_ends_a_run_with_a_foreign_error(client_of: ClientOf) -> None:
    """A host name that the system cannot even look up is told like any other that is not there."""
    exchange = client_of(f"http://{'x' * 70}.example").post_invoice(order())
    assert exchange.stage == "not_sent"
    assert "xxx.example" in str(exchange.problem)


def stock_page(*upcs: int, padding: int = 0) -> bytes:
    """Answer the stock query with a row for each UPC."""
    return http_answer(
        json_text.write(
            [
                {"store_code": "A36", "upc": str(upc), "quantity": 1, "note": "x" * padding}
                for upc in upcs
            ]
        )
    )


def page_of(request: str) -> int:
    """Read which page is asked for."""
    return int(re.findall(r"page_no=(\d+)", request)[0])


@pytest.mark.parametrize(
    ("settings", "padding", "asked_for"),
    [({"stock_most_rows": 4}, 0, 3), ({"stock_most_megabytes": 1}, 200_000, 3)],
    ids=["rows", "megabytes"],
)
def test_stock_without_end_ends_at_a_most(
    settings: dict[str, int], padding: int, asked_for: int, client_of: ClientOf
) -> None:
    """Pages that go on and on are told as a matter of the settings, by the one that was passed."""

    def reply(request: str, _: socket.socket) -> bytes:
        page = page_of(request)
        upcs = [2 * page, 2 * page + 1] if page < 50 else []
        return stock_page(*upcs, padding=padding)

    with talking_server(reply) as server:
        with pytest.raises(ConfigurationProblem, match=f"passes {next(iter(settings))} "):
            list(client_of(server.base_url, **settings).read_stock())
        assert len(server.requests) == asked_for


def test_stock_that_takes_turns_is_noticed(client_of: ClientOf) -> None:
    """A page that came before, even if not just before, says that the query does not page."""
    with (
        talking_server(lambda request, _: stock_page(page_of(request) % 3)) as server,
        pytest.raises(ConfigurationProblem, match=r"page 4 of Retail Pro equals page 1"),
    ):
        list(client_of(server.base_url).read_stock())


def test_stock_up_to_the_most_is_read(client_of: ClientOf) -> None:
    """The limits are no smaller than they say."""
    with talking_server(
        lambda request, _: stock_page(*([page_of(request)] if page_of(request) < 5 else []))
    ) as server:
        rows = list(client_of(server.base_url, stock_most_rows=4).read_stock())
    assert [row.upc for row in rows] == ["1", "2", "3", "4"]


def test_stock_that_goes_on_and_on_ends_in_time(client_of: ClientOf) -> None:
    """The deadline of the reading counts for all pages together, and its setting is named."""
    with (
        talking_server(lambda request, _: stock_page(page_of(request))) as server,
        pytest.raises(Unavailable, match="stock_deadline"),
    ):
        list(client_of(server.base_url, stock_deadline=0.3, stock_most_rows=100_000).read_stock())


def test_a_stock_page_that_drips_ends_in_time(client_of: ClientOf) -> None:
    """The deadline of the reading ends a page as well, though its own deadline is far off."""
    with scripted_server(stock_page(1, padding=100_000), pause=0.002) as server:
        client = client_of(server.base_url, stock_deadline=0.3)
        with pytest.raises(Unavailable, match="stock_deadline"):
            list(client.read_stock())
