"""Hostile feeds and request files through the real folders: one bad order costs no other, no name escapes."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from tests.corpus import DEVICES, FILES, NUMBERS, ORDERS, PATHS, TEXTS, UNICODE
from tests.fixtures_retail_pro import order_body
from tests.strategies import PROFILE, STORES, feed_item, feed_order
from tillbridge.clients.sftp import SftpClient, SftpSettings
from tillbridge.contracts import json_text
from tillbridge.database.engine import transaction
from tillbridge.database.ledger_tables import invoice_failure, invoice_order
from tillbridge.handover.inbox import FileResult, Inbox
from tillbridge.invoicing.feeds import FeedTransformer
from tillbridge.invoicing.intake import Intake

FEEDS, REQUESTS = PROFILE.completed_orders_folder, PROFILE.order_to_invoice_folder
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,250}")
STRANGE_PLACES = ("orderId", "orderName", "currency", "salesChannel", "productStoreId")


@pytest.fixture
def client(sandbox_settings: SftpSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[SftpClient]:
    """A client of the sandbox's SFTP server; nobody waits for files to stand still."""
    monkeypatch.setattr("tillbridge.clients.exchange.sleep", lambda seconds: None)
    with SftpClient(sandbox_settings) as client:
        yield client


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """What the SFTP server shows, on disk."""
    return tmp_path / "exchange"


def text_of(document: Any) -> str:
    """Write an order as its exporter would; half characters go as escapes."""
    return json_text.write(document).decode()


def numbered(number: int, **changes: Any) -> dict[str, Any]:
    """Give a good order with a number of its own, with changes."""
    names = [{"orderIdentificationTypeId": "SHOPIFY_ORD_NO", "idValue": str(10_000 + number)}]
    own = {"orderId": f"M{number}", "orderName": f"CS#{number}", "orderIdentifications": names}
    return feed_order(**{**own, **changes})


def drop(root: Path, folder: str, name: str, orders: Sequence[str]) -> None:
    """Put a file of orders into a folder of the server."""
    place = root / folder
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_text(f"[{','.join(orders)}]", encoding="utf-8")


def transformed(engine: Engine, client: SftpClient) -> list[FileResult]:
    """Do every waiting feed."""
    inbox = Inbox(engine, client, PROFILE, FEEDS, "run-1")
    transformer = FeedTransformer(engine, client, PROFILE, STORES)
    return [inbox.do(file, transformer.transform_feed) for file in inbox.waiting()]


def taken_in(engine: Engine, client: SftpClient) -> list[FileResult]:
    """Do every waiting file of requests."""
    inbox = Inbox(engine, client, PROFILE, REQUESTS, "run-2")
    intake = Intake(engine, client, PROFILE, "run-2")
    return [inbox.do(file, intake.take_in) for file in inbox.waiting()]


def quarantined(root: Path, folder: str) -> list[str]:
    """Give the orders in quarantine, as text, exactly as they lie there; each file has a report."""
    texts = []
    for path in sorted((root / folder / "quarantine").glob("*.json")):
        if path.name.endswith(".report.json"):
            assert json.loads(path.read_bytes())
            continue
        assert path.with_name(f"{path.name}.report.json").exists()
        with path.open("rb") as stream:
            texts += [one.text for one in json_text.read_array(stream, path.name)]
    return texts


def invoiced(engine: Engine) -> dict[str, Any]:
    """Give the orders in the ledger by their number."""
    with transaction(engine) as connection:
        return {row.order_no: row for row in connection.execute(select(invoice_order))}


def failed(engine: Engine) -> int:
    """Count the failures of what could not be used; that good orders look alike is told beside."""
    with transaction(engine) as connection:
        unusable = invoice_failure.c.reason_code != "order-looks-alike"
        return len(connection.execute(select(invoice_failure).where(unusable)).all())


def assert_nothing_escaped(root: Path, own: Callable[[str], bool] = lambda name: False) -> None:
    """Every file lies in a known folder under a plain name, or is one that the test put there."""
    places = {root / folder for folder in (FEEDS, REQUESTS)}
    places |= {place / inner for place in places for inner in ("archive", "quarantine")}
    for path in root.rglob("*"):
        if path.is_file():
            assert path.parent in places, path
            assert PLAIN.fullmatch(path.name) or own(path.name), ascii(path.name)


def test_one_bad_order_costs_no_other(engine: Engine, client: SftpClient, root: Path) -> None:
    """Good orders between hundreds of hostile ones are all invoiced; each hostile one is kept as it came."""
    orders = list(ORDERS.values())
    for number, text in enumerate(TEXTS):
        orders.append(text_of(numbered(number, **dict.fromkeys(STRANGE_PLACES, text))))
        names = [{"orderIdentificationTypeId": "SHOPIFY_ORD_NO", "idValue": text}]
        orders.append(text_of(numbered(number, orderId=text, orderIdentifications=names)))
    hostile = set(orders)
    # A file that is mostly hostile is refused whole, so each has a good one beside it.
    good = [str(60_000 + number) for number in range(len(orders))]
    for place, order_no in enumerate(good):
        orders.insert(2 * place, text_of(numbered(int(order_no) - 10_000)))
    drop(root, FEEDS, "CompletedOrders.json", orders)

    (done,) = transformed(engine, client)
    (taken,) = taken_in(engine, client)

    kept = quarantined(root, FEEDS)
    assert done.result == taken.result == "done"
    assert done.counts["transformed"] + len(kept) == len(orders)
    assert failed(engine) == done.counts["quarantined"] == len(kept)
    assert set(kept) <= hostile
    ledger = invoiced(engine)
    assert set(good) <= set(ledger)
    assert {order.state for order in ledger.values()} == {"READY"}
    assert_nothing_escaped(root)


def test_every_amount_survives_exactly(engine: Engine, client: SftpClient, root: Path) -> None:
    """A price reaches the ledger and the bytes to post to the last decimal, or its order is refused."""
    item = feed_item(itemQuantity=1, shippedQuantity=1, unitPrice="PRICE", itemAdjustments=[])
    priced = {"grandTotal": "PRICE", "orderAdjustments": [], "currency": "CLF"}
    shipments = [{"shipmentItems": [item]}]
    orders = [
        text_of(numbered(number, shipments=shipments, **priced)).replace('"PRICE"', text)
        for number, text in enumerate(NUMBERS)
    ]
    for start in range(0, len(orders), 30):
        drop(root, FEEDS, f"CompletedOrders-{start}.json", orders[start : start + 30])

    transformed(engine, client)
    taken_in(engine, client)

    ledger = invoiced(engine)
    wanted = {
        str(10_000 + n): amount for n, amount in enumerate(NUMBERS.values()) if amount is not None
    }
    assert {number: order.total for number, order in ledger.items()} == wanted
    for number, order in ledger.items():
        posted = json.loads(order.body, parse_float=Decimal)
        assert posted["TotalAmt"] == posted["Items"][0]["Price"] == wanted[number]
        assert re.fullmatch(r"[0-9]+(\.[0-9]*[1-9])?", str(posted["TotalAmt"]))
    assert len(quarantined(root, FEEDS)) == len(orders) - len(wanted)


def test_one_bad_request_costs_no_other(engine: Engine, client: SftpClient, root: Path) -> None:
    """A file that another program made is taken order by order, whatever its members hold."""
    good: dict[str, Any] = json_text.read(order_body("1001"))
    orders = list(ORDERS.values())
    for text in TEXTS:
        customer = good["CustomerBilling"] | {"FirstName": text, "Phone": text, "City": text}
        for strange in (
            {"OrderNo": text},
            {"InvoicingStore": text},
            {"CustomerBilling": customer, "TotalAmt": text, text: text},
        ):
            orders.append(text_of({**good, "OrderNo": f"{len(orders)}", **strange}))
    numbers = [str(60_000 + number) for number in range(len(orders))]
    for place, order_no in enumerate(numbers):
        orders.insert(2 * place, text_of({**good, "OrderNo": order_no}))
    drop(root, REQUESTS, "requests.json", orders)

    (taken,) = taken_in(engine, client)

    assert taken.result == "done"
    ledger = invoiced(engine)
    assert set(numbers) <= set(ledger)
    assert all(re.fullmatch("[!-~]([ -~]*[!-~])?", number) for number in ledger)
    assert len(quarantined(root, REQUESTS)) == taken.counts["quarantined"] == failed(engine)
    assert sum(taken.counts.values()) == len(orders)
    assert_nothing_escaped(root)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("folder", [FEEDS, REQUESTS])
def test_one_bad_file_costs_no_other(
    engine: Engine, client: SftpClient, root: Path, folder: str
) -> None:
    """Each unreadable file goes to quarantine as it came, with a reason; the good one is done."""
    drop(root, folder, "good.json", [text_of(numbered(1))])
    place = root / folder
    names = {f"bad-{number:02}.json": data for number, data in enumerate(FILES.values())}
    for name, data in names.items():
        (place / name).write_bytes(data)

    results = transformed(engine, client) if folder == FEEDS else taken_in(engine, client)

    assert {one.name: one.result for one in results} == {
        **dict.fromkeys(names, "quarantined"),
        "good.json": "done",
    }
    for name, data in names.items():
        assert (place / "quarantine" / name).read_bytes() == data
        report = json.loads((place / "quarantine" / f"{name}.report.json").read_bytes())
        assert 0 < len(report["findings"][0]["expected"]) < 300
        assert "M1" not in str(report)
    assert_nothing_escaped(root)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_file_name_leads_out_of_its_folder(
    engine: Engine, client: SftpClient, root: Path, tmp_path: Path
) -> None:
    """A file under a hostile name is done where it lies, or left alone; nothing is written elsewhere."""
    names = set()
    for number, text in enumerate([*PATHS, *DEVICES[:6], *UNICODE[::4]]):
        name = f"{text}.json"
        # Longer ones, and those with a slash or NUL, no file can have.
        if not set(name) & {"/", "\0"} and len(os.fsencode(ascii(name))) < 250:
            with suppress(UnicodeEncodeError):
                drop(root, FEEDS, name, [text_of(numbered(number))])
                names.add(name)
    before = outside(root, tmp_path)

    results = transformed(engine, client)

    assert {one.result for one in results} == {"done"}
    assert {one.name for one in results} <= names
    assert_nothing_escaped(root, lambda name: name in names)
    assert outside(root, tmp_path) == before


def outside(root: Path, tmp_path: Path) -> set[Path]:
    """List what lies outside of the server's root, but for the database and its journal."""
    found = {path for path in tmp_path.rglob("*") if root not in path.parents}
    return {path for path in found if not path.name.startswith("orders.db")}
