"""What a till is answered, by a real receiver on a real SFTP server."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

import httpx
import pytest

from tests.fixtures_receiver import OTHER_TOKEN, TOKEN, RunningReceiver, sale

NAME = re.compile(r"tlog_[0-9]{8}_[a-z0-9-]+_[0-9a-f]{16}_[0-9a-f]{8}\.json")
RETURN = {
    "returnProductList": [{"orderItemId": "1", "productId": "P1", "quantity": 1, "price": 10.5}]
}


def test_a_sale_is_on_sftp_before_it_is_acknowledged(receiver: RunningReceiver) -> None:
    """The file holds exactly the bytes that were posted, under a name without a part of them."""
    body = json.dumps(sale("N-1")).encode()

    answer = receiver.post(body)

    assert answer.status_code == 201
    receipt = answer.json()
    [(name, content)] = receiver.files().items()
    assert content == body
    assert NAME.fullmatch(name)
    assert receipt["sha256"] == sha256(body).hexdigest()
    assert name.split("_")[1] == receipt["received_at"][:10].replace("-", "")
    assert answer.headers["location"] == f"/receipts/{receipt['receipt_id']}"
    assert "server" not in answer.headers


def test_an_identical_repeat_gets_the_same_receipt(receiver: RunningReceiver) -> None:
    """Whether the bytes are the same, or only the content: order of members, spaces, spelling of numbers."""
    first = receiver.post(sale("N-1")).json()
    other_spelling = (
        b"\xef\xbb\xbf"
        + json.dumps(dict(reversed(sale("N-1", totalAmount=10.50).items())), indent=3)
        .replace("10.5", "10.500")
        .encode()
    )

    for body in (sale("N-1"), other_spelling):
        answer = receiver.post(body)
        assert answer.status_code == 200
        assert answer.json() == first
        assert answer.headers["idempotency-replayed"] == "true"
    assert len(receiver.files()) == 1


def test_other_content_under_the_same_number_is_kept_aside(receiver: RunningReceiver) -> None:
    """The first stays, the second is refused and lies where a person compares the two."""
    receiver.post(sale("N-1"))
    other = json.dumps(sale("N-1", storeId="9")).encode()

    answers = [receiver.post(other) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert answers[0].json()["code"] == "conflict"
    assert list(receiver.files("conflict").values()) == [other]
    [first], [kept] = receiver.files(), receiver.files("conflict")
    assert first.split("_")[:4] == kept.split("_")[:4]
    assert 'tlogs_total{client="north",result="conflict"} 2.0' in receiver.metrics()


@pytest.mark.usefixtures("database_url")
def test_a_return_has_the_number_of_its_sale(receiver: RunningReceiver) -> None:
    """It is another revision of the order, and so is each further return; an empty list is none."""
    bodies = [
        sale("N-1"),
        sale("N-1", **RETURN),
        sale("N-1", returnProductList=[*RETURN["returnProductList"], {"orderItemId": "2"}]),
    ]
    assert [receiver.post(body).status_code for body in bodies] == [201, 201, 201]
    assert receiver.post(sale("N-1", **RETURN, storeId="9")).status_code == 409
    assert receiver.post(sale("N-2")).status_code == 201
    assert receiver.post(sale("N-2", returnProductList=[])).status_code == 409
    assert len(receiver.files()) == 4


@pytest.mark.usefixtures("database_url")
def test_fifty_identical_posts_at_once(receiver: RunningReceiver) -> None:
    """One file, one receipt, one 201."""
    barrier = threading.Barrier(50)

    def post(_: int) -> httpx.Response:
        barrier.wait(30)
        return receiver.post(sale("N-1"))

    with ThreadPoolExecutor(50) as tills:
        answers = list(tills.map(post, range(50)))

    assert sorted(answer.status_code for answer in answers) == [200] * 49 + [201]
    assert len({answer.text for answer in answers}) == 1
    assert len(receiver.files()) == 1


@pytest.mark.usefixtures("database_url")
def test_two_receivers_on_one_database(start_receiver: Callable[..., RunningReceiver]) -> None:
    """It does not matter which one a till reaches."""
    receivers = [start_receiver(), start_receiver()]
    with ThreadPoolExecutor(20) as tills:
        answers = list(tills.map(lambda n: receivers[n % 2].post(sale(f"N-{n // 4}")), range(40)))
    assert {answer.status_code for answer in answers} == {200, 201}
    assert len({answer.json()["receipt_id"] for answer in answers}) == 10
    assert len(receivers[0].files()) == 10


def test_receipts_are_for_their_client_only(receiver: RunningReceiver) -> None:
    """The other client learns as little as of a receipt that is not there."""
    receipt = receiver.post(sale("N-1")).json()

    def look(token: str, receipt_id: str) -> httpx.Response:
        return receiver.http.get(
            f"{receiver.url}/receipts/{receipt_id}", headers={"Authorization": f"Bearer {token}"}
        )

    assert look(TOKEN, receipt["receipt_id"]).json() == receipt
    other, missing = look(OTHER_TOKEN, receipt["receipt_id"]), look(OTHER_TOKEN, "0" * 32)
    assert (other.status_code, other.content) == (missing.status_code, missing.content)
    assert other.status_code == 404
    assert receiver.post(sale("N-1"), OTHER_TOKEN).status_code == 201  # a number of its own


HOSTILE = [
    "../../etc/passwd", "..", "/etc/passwd", "a/b", "a\\b", "nul\x00byte", "new\nline", "C:\\con", "CON",
    "\u202egnp.exe", "\ud800", "'; DROP TABLE tlog_receipt; --", "%2e%2e%2f", " ", "é" * 60, "😀" * 30, ".part",
]  # fmt: skip


def test_no_order_number_reaches_a_file_name(receiver: RunningReceiver) -> None:
    """Whatever stands in it, the file lies in the folder under a name of ours, and repeats are known."""
    for order_id in HOSTILE:
        assert receiver.post(sale(order_id)).status_code == 201, ascii(order_id)
        assert receiver.post(sale(order_id)).status_code == 200, ascii(order_id)
    assert len(receiver.files()) == len(HOSTILE)
    everything = [name.rpartition("/") for name in receiver.sshd.files()]
    assert {folder for folder, _, _ in everything} == {"predictspring/tlog"}
    assert all(NAME.fullmatch(name) for _, _, name in everything)


def altered(member: str, value: str) -> bytes:
    """Give a sale with a member that is written as it stands."""
    return (
        json.dumps(sale("N-1", **{member: 0}))
        .replace(f'"{member}": 0', f'"{member}": {value}')
        .encode()
    )


REFUSED: list[tuple[bytes | dict[str, Any], int, str]] = [
    (b"", 400, ""),
    (b'{"orderId": "N-1"', 400, ""),
    (b"\xff\xfe{}", 400, ""),
    (b"[" * 100_000, 400, ""),
    (b"[]", 422, ""),
    (sale(""), 422, "/orderId"),
    (sale("N" * 61), 422, "/orderId"),
    (b'{"orderId": "A", "orderId": "B", "storeId": "1", "orderDate": 1}', 422, "/orderId"),
    (sale("N-1", storeId=None), 422, "/storeId"),
    (sale("N-1", orderDate={}), 422, "/orderDate"),
    (sale("N-1", orderProductList={}), 422, "/orderProductList"),
    (sale("N-1", returnProductList=[{}] * 1001), 422, "/returnProductList"),
    (sale("N-1", note="n" * 4097), 422, "/note"),
    (altered("deep", "[" * 32 + "]" * 32), 422, "/deep" + "/0" * 31),
    (altered("big", "1" * 25), 422, "/big"),
]


def test_what_is_no_tlog_is_refused_with_its_places(receiver: RunningReceiver) -> None:
    """The answer says where and what was expected, quotes nothing, and the bytes are kept aside."""
    kept = set()
    for body, status, path in REFUSED:
        answer = receiver.post(body)
        assert answer.status_code == status
        assert [error["path"] for error in answer.json()["errors"]] == [path]
        kept.add(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert set(receiver.files("refused").values()) == kept
    assert receiver.files() == {}


def test_doubtful_documents_are_kept(receiver: RunningReceiver) -> None:
    """A till does not send again, so what can be kept is left to the ingest to judge."""
    doubtful = [
        json.dumps(sale("N-1", totalAmount=float("nan"))).encode(),
        json.dumps(sale("N-2", totalAmount=1.123456)).encode(),
        b'{"orderId": "N-3", "storeId": 1, "orderDate": "yesterday", "x": 1, "x": 2}',
        json.dumps(sale("N-4", orderProductList=None, unknown={"a": [1]})).encode(),
        altered("deep", "[" * 31 + "]" * 31).replace(b"N-1", b"N-5"),
    ]
    for body in doubtful:
        assert receiver.post(body).status_code == 201
        assert receiver.post(body).status_code == 200
    assert sorted(receiver.files().values()) == sorted(doubtful)
    changed = doubtful[2].replace(b'"x": 2', b'"x": 3')
    assert receiver.post(changed).status_code == 409
