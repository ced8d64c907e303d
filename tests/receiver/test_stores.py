"""Which stores a client speaks for, and what becomes of the sales of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.fixtures_receiver import RunningReceiver, sale
from tests.receiver.test_answers import RETURN

Start = Callable[..., RunningReceiver]
NORTH, SOUTH, FREE, TWIN = (
    "token-of-the-" + name for name in ("north", "south", "others", "twins")
)
CLIENTS: dict[str, dict[str, Any]] = {
    "north": {"bearer_tokens": [NORTH], "stores": ["1", "2"]},
    "south": {"bearer_tokens": [SOUTH], "stores": ["3"]},
    "twin": {"bearer_tokens": [TWIN], "stores": ["2", "4"]},
    "free": {"bearer_tokens": [FREE]},
}


def test_a_sale_of_anothers_store_is_refused_and_kept(start_receiver: Start) -> None:
    """Whether the store is a text or a number; nothing of it comes into the folder."""
    receiver = start_receiver(clients=CLIENTS)
    for store in ("1", 1, 2):
        assert receiver.post(sale(f"N-{store!r}", storeId=store), NORTH).status_code == 201
    for number, store in enumerate(("3", 3, "1 ", "01", 1.5)):
        answer = receiver.post(sale(f"X-{number}", storeId=store), NORTH)
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign_store")
    assert len(receiver.files()) == 3
    assert len(receiver.files("refused")) == 5
    assert receiver.post(sale("N-9", storeId="1"), FREE).status_code == 201
    assert 'tlogs_total{client="north",result="foreign_store"} 5.0' in receiver.metrics()


def test_a_return_of_anothers_sale_is_refused_and_kept(start_receiver: Start) -> None:
    """Where it is known whose sale it is; clients with a store in common may take back each other's."""
    receiver = start_receiver(clients=CLIENTS)

    def back(token: str, order_id: str, store: str) -> int:
        return receiver.post(sale(order_id, **RETURN, storeId=store), token).status_code

    assert receiver.post(sale("N-1", storeId="1"), NORTH).status_code == 201
    assert receiver.post(sale("F-1", storeId="1"), FREE).status_code == 201
    assert back(SOUTH, "N-1", "3") == 403
    assert back(NORTH, "N-1", "2") == 201
    assert back(TWIN, "N-1", "4") == 201
    assert back(FREE, "N-1", "3") == 201
    assert back(SOUTH, "F-1", "3") == 201
    assert back(SOUTH, "unknown", "3") == 201
    # A number of its own: south's sale is called the same.
    assert receiver.post(sale("N-1", storeId="3"), SOUTH).status_code == 201
    assert back(SOUTH, "N-1", "3") == 201
    assert len(receiver.files("refused")) == 1
