"""Idempotency keys: the client sends them, and the stand-in books once for each, whatever goes wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import httpx
import pytest

from sandbox.retail_pro import INVOICE_PATH, RetailProStandIn
from tests.fixtures_retail_pro import OK, order, order_body, scripted_server
from tillbridge.clients.retail_pro import RetailProClient

ClientOf = Callable[..., RetailProClient]

_NUMBERS = count(1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RetailProStandIn]:
    with RetailProStandIn(tmp_path_factory.mktemp("retail-pro"), keys="enforce") as stand_in:
        yield stand_in


@pytest.fixture
def retail_pro(running: RetailProStandIn) -> Iterator[RetailProStandIn]:
    """Give one stand-in for all tests here; each uses an order number of its own."""
    yield running
    running.retail_pro.faults.clear()
    running.retail_pro.latency_ms = 0


@pytest.fixture
def order_no() -> str:
    return f"K{next(_NUMBERS)}"


def post(
    retail_pro: RetailProStandIn, body: bytes, key: str, timeout: float = 10
) -> httpx.Response:
    """Send an order under a key with a client that is not ours."""
    return httpx.post(
        retail_pro.base_url + INVOICE_PATH,
        content=body,
        headers={"Idempotency-Key": key},
        timeout=timeout,
        verify=False,  # noqa: S501
    )


def test_the_client_sends_the_key(
    retail_pro: RetailProStandIn, order_no: str, client_of: ClientOf
) -> None:
    """A key that is given goes out, under the header of the settings; without one there is none."""
    client = client_of(retail_pro.base_url)
    client.post_invoice(order(order_no, key="a-key"))
    client.post_invoice(order(order_no))
    keys = [row.key for row in retail_pro.requests() if row.order_no == order_no]
    assert keys == ["a-key", None]
    with scripted_server(OK) as server:
        client_of(server.base_url, key_header="X-Once").post_invoice(order(key="b-key"))
        assert b"\r\nX-Once: b-key\r\n" in server.requests[0]


def test_the_same_key_gives_the_same_answer(retail_pro: RetailProStandIn, order_no: str) -> None:
    """However often it is sent, there is one invoice and one answer."""
    answers = {post(retail_pro, order_body(order_no), order_no).content for _ in range(3)}
    assert len(answers) == len(retail_pro.invoices(order_no)) == 1
    assert order_no not in retail_pro.ambiguous()


def test_a_key_belongs_to_its_bytes(retail_pro: RetailProStandIn, order_no: str) -> None:
    """Other bytes under a used key are refused and book nothing; under another key they are booked."""
    post(retail_pro, order_body(order_no), order_no)
    assert post(retail_pro, order_body(order_no, ShippingAmt=1), order_no).status_code == 422
    assert len(retail_pro.invoices(order_no)) == 1
    assert post(retail_pro, order_body(order_no), order_no + "-2").status_code == 200
    assert len(retail_pro.invoices(order_no)) == 2


def test_a_refusal_is_remembered(retail_pro: RetailProStandIn, order_no: str) -> None:
    """A refused order stays refused under its key, also when it could be booked by now."""
    retail_pro.program("reject", order_no=order_no, times=1, message="store is closed")
    first, second = (post(retail_pro, order_body(order_no), order_no) for _ in range(2))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert retail_pro.invoices(order_no) == []


def test_two_calls_at_once_book_once(retail_pro: RetailProStandIn, order_no: str) -> None:
    """While the first call is worked on, the second is told so; afterwards the answer is there."""
    retail_pro.retail_pro.latency_ms = 300
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(post, retail_pro, order_body(order_no), order_no) for _ in range(4)]
        statuses = sorted(call.result().status_code for call in calls)
    assert set(statuses) == {200, 409}
    assert len(retail_pro.invoices(order_no)) == 1
    assert post(retail_pro, order_body(order_no), order_no).status_code == 200


@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize(
    "kind", ["status", "drop", "reset", "cut", "wrong_order", "not_json", "hang", "drip", "bomb"]
)
def test_a_fault_does_not_book_twice(
    kind: str, commit: bool, retail_pro: RetailProStandIn, order_no: str
) -> None:
    """Whatever became of the first answer, the second call gets the one there is to get."""
    retail_pro.program(
        kind, order_no=order_no, times=1, commit=commit, status=503, seconds=0.3, size=10_000
    )
    with contextlib.suppress(httpx.TransportError):
        post(retail_pro, order_body(order_no), order_no, timeout=0.1 if kind == "hang" else 10)
    assert len(retail_pro.invoices(order_no)) == commit
    again = post(retail_pro, order_body(order_no), order_no)
    [invoice] = retail_pro.invoices(order_no)
    assert (again.status_code, again.json()["invoiceNo"]) == (200, invoice.invoice_no)
    assert order_no not in retail_pro.ambiguous()


def test_a_late_invoice_is_not_made_twice(retail_pro: RetailProStandIn, order_no: str) -> None:
    """A client that gave up and asks again is told to wait, and then gets the late invoice."""
    retail_pro.program("late", order_no=order_no, times=1, seconds=0.4)
    with pytest.raises(httpx.ReadTimeout):
        post(retail_pro, order_body(order_no), order_no, timeout=0.1)
    statuses = []
    while 200 not in statuses:
        statuses.append(post(retail_pro, order_body(order_no), order_no).status_code)
    assert set(statuses) == {409, 200}
    assert len(retail_pro.invoices(order_no)) == 1


def test_keys_survive_a_restart(tmp_path: Path) -> None:
    """A server that starts again knows its keys; one that was told to ignore them books again."""
    answers = []
    for keys in ("enforce", "enforce", "ignore"):
        with RetailProStandIn(tmp_path, keys=keys) as retail_pro:
            answers.append(post(retail_pro, order_body("1"), "k").json()["invoiceNo"])
    assert answers == ["RP0000001", "RP0000001", "RP0000002"]
