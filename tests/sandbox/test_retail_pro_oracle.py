"""What the stand-in says of its own answers: the orders of which a client cannot know the outcome."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import httpx
import pytest

from sandbox.journal import Received
from sandbox.retail_pro import INVOICE_PATH, RetailProStandIn
from tests.fixtures_retail_pro import order_body

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


@pytest.fixture
def order_no() -> str:
    return f"O{next(_NUMBERS)}"


@pytest.fixture(scope="module")
def post(running: RetailProStandIn) -> Iterator[Callable[..., None]]:
    """Send an order with a client that is not ours, and do not mind what comes back."""
    with httpx.Client(base_url=running.base_url, verify=False) as client:  # noqa: S501

        def send(order_no: str, timeout: float = 10, **changes: Any) -> None:
            with contextlib.suppress(httpx.TransportError, httpx.DecodingError):
                body = order_body(order_no, **changes)
                client.post(INVOICE_PATH, content=body, timeout=timeout)

        yield send


def answered(retail_pro: RetailProStandIn, order_no: str) -> Received:
    """Wait until the last request for an order has ended, and give it."""
    for _ in range(500):
        rows = [row for row in retail_pro.requests() if row.order_no == order_no]
        if rows and rows[-1].proves:
            return rows[-1]
        time.sleep(0.01)
    raise AssertionError("the request did not end")


@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize(
    "fault",
    [
        *({"kind": kind} for kind in ("drop", "reset", "cut", "wrong_order", "not_json")),
        *({"kind": kind, "size": 10_000} for kind in ("huge", "bomb")),
        *({"kind": "status", "status": status} for status in (200, 202, 204, 302, 408, 409, 503)),
        *({"kind": "redirect", "status": status} for status in (301, 302, 303)),
    ],
    ids=lambda fault: " ".join(map(str, fault.values())),
)
def test_an_answer_that_proves_nothing_makes_an_order_ambiguous(
    fault: dict[str, Any], commit: bool, retail_pro: RetailProStandIn, order_no: str, post: Any
) -> None:
    """Made or not, nobody can tell from such an answer; the journal says what really happened."""
    retail_pro.program(**fault, commit=commit, order_no=order_no)
    post(order_no)
    row = answered(retail_pro, order_no)
    assert order_no in retail_pro.ambiguous()
    assert (row.note, row.made) == (fault["kind"], commit)
    assert len(retail_pro.invoices(order_no)) == commit


@pytest.mark.parametrize(
    "fault",
    [
        *({"kind": "status", "status": status} for status in (400, 401, 404, 422, 429)),
        *({"kind": "reject", "status": status} for status in (200, 400, 422)),
        *({"kind": "redirect", "status": status} for status in (307, 308)),
        *({"kind": kind, "commit": True, "seconds": 0.05} for kind in ("hang", "drip", "late")),
    ],
    ids=lambda fault: " ".join(map(str, fault.values())),
)
def test_a_clear_answer_makes_none(
    fault: dict[str, Any], retail_pro: RetailProStandIn, order_no: str, post: Any
) -> None:
    """A refusal by which no invoice was made is clear, and so is a success that came late or slowly."""
    retail_pro.program(**fault, order_no=order_no)
    post(order_no)
    row = answered(retail_pro, order_no)
    assert order_no not in retail_pro.ambiguous()
    assert (row.delivered, row.proves) == (True, "invoiced" if row.made else "refused")


@pytest.mark.parametrize("kind", ["hang", "drip", "late"])
def test_an_answer_to_a_client_that_left_makes_an_order_ambiguous(
    kind: str, retail_pro: RetailProStandIn, order_no: str, post: Any
) -> None:
    """The invoice was made, and whoever asked for it had hung up."""
    retail_pro.program(kind, commit=True, seconds=0.4, order_no=order_no)
    post(order_no, timeout=0.1 if kind != "drip" else 0.002)
    row = answered(retail_pro, order_no)
    assert (row.made, row.delivered, row.proves) == (True, False, "invoiced")
    assert order_no in retail_pro.ambiguous()


def test_half_an_order_makes_it_ambiguous(retail_pro: RetailProStandIn, order_no: str) -> None:
    """A client that dies while it sends cannot know that nothing came of it."""
    host, port = retail_pro.base_url.removeprefix("http://").split(":")
    body = order_body(order_no)
    head = f"POST {INVOICE_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((host, int(port))) as client:
        client.sendall(head.encode() + body[:-1])
    row = answered(retail_pro, order_no)
    assert (row.note, row.made, row.delivered) == ("unfinished", False, False)
    assert order_no in retail_pro.ambiguous()


@pytest.mark.parametrize(
    ("then", "ambiguous"),
    [
        ({}, False),
        ({"InvoicingStore": ""}, True),
    ],
    ids=["success", "refusal"],
)
def test_only_a_success_clears_a_doubt(
    then: dict[str, Any], ambiguous: bool, retail_pro: RetailProStandIn, order_no: str, post: Any
) -> None:
    """A refusal of the second request says nothing about the first."""
    retail_pro.program("drop", order_no=order_no, times=1)
    post(order_no)
    post(order_no, **then)
    assert (order_no in retail_pro.ambiguous()) is ambiguous


def test_a_doubt_after_a_success_is_none(
    retail_pro: RetailProStandIn, order_no: str, post: Any
) -> None:
    """Who has its invoice knows that it has."""
    post(order_no)
    retail_pro.program("drop", order_no=order_no)
    post(order_no)
    assert order_no not in retail_pro.ambiguous()


def test_another_program_reads_the_oracle(
    retail_pro: RetailProStandIn, order_no: str, post: Any
) -> None:
    """The control API lists the ambiguous orders, and how each request was answered."""
    retail_pro.program("status", status=503, order_no=order_no)
    post(order_no)
    control = f"{retail_pro.base_url}/sandbox"
    assert httpx.get(f"{control}/ambiguous").json() == sorted(retail_pro.ambiguous())
    [row] = [r for r in httpx.get(f"{control}/requests").json() if r["order_no"] == order_no]
    assert (row["status"], row["proves"], row["delivered"]) == (503, "nothing", True)
