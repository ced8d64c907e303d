"""`python -m sandbox`: the far ends on loopback until Ctrl-C, and orders to play with."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import httpx
from cyclopts import App, Parameter

from sandbox import orders
from sandbox.baskets import day_of
from sandbox.catalog import BRANDS
from sandbox.services import TILL_TOKEN, Sandbox
from sandbox.till import Mischief, post_all
from tillbridge.database.engine import connect
from tillbridge.database.upgrading import upgrade

app = App(name="sandbox", help="Far ends on loopback to try tillbridge with.")

State = Annotated[Path, Parameter(help="Folder for everything the sandbox keeps.")]


@app.default
def serve(
    *,
    state: State = Path(".sandbox"),
    sftp_port: int = 0,
    retail_pro_port: int = 0,
    mail_port: int = 0,
    receiver_port: int = 0,
) -> None:
    """Run Retail Pro, SFTP server and mail inbox until Ctrl-C; port 0 takes a free one.

    `receiver_port` is only written into the configuration: the receiver is a process of its own.
    """
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with Sandbox(
        state,
        sftp_port=sftp_port,
        retail_pro_port=retail_pro_port,
        mail_port=mail_port,
        receiver_port=receiver_port,
    ) as far_ends:
        config = far_ends.state / "tillbridge.toml"
        config.write_text(far_ends.config(), encoding="utf-8")
        (far_ends.state / "retail-pro.url").write_text(far_ends.retail_pro.base_url)
        print(f"Retail Pro   {far_ends.retail_pro.base_url}  (steer it under /sandbox/)")
        print(
            f"SFTP         sftp -i {far_ends.state}/keys/sftp_client_key "
            f"-P {far_ends.sftp.port} {far_ends.sftp.user}@127.0.0.1  (files: {far_ends.files})"
        )
        print(f"SMTP         127.0.0.1:{far_ends.inbox.port}  (mails: {far_ends.state}/mail)")
        print(f"Set up with  tillbridge setup --config {config}")
        (far_ends.state / "receiver.url").write_text(f"http://127.0.0.1:{far_ends.receiver_port}")
        print("Seed with    python -m sandbox seed")
        print(f"Receive with tillbridge-receiver --config {config}")
        print("Sell with    python -m sandbox till", flush=True)
        stopped.wait()


@app.command
def seed(
    *,
    state: State = Path(".sandbox"),
    count: int = 200,
    random_seed: int = 1,
    start: int = 1,
) -> None:
    """Put made-up orders into the sandbox's order store, and the stock into its Retail Pro."""
    state = state.resolve()
    engine = connect(f"sqlite:///{state / 'tillbridge.db'}")
    upgrade(engine)
    report = orders.seed(engine, count, random_seed, start, BRANDS[:1])
    _receive((state / "retail-pro.url").read_text(), report.retail_pro_stock)
    for kind, number in sorted(report.counts.items()):
        print(f"{number:5} {kind.replace('_', ' ')}")


@app.command
def till(
    *,
    state: State = Path(".sandbox"),
    url: Annotated[str | None, Parameter(help="Where to post; the sandbox's receiver.")] = None,
    token: Annotated[str, Parameter(help="Bearer token of the till.")] = TILL_TOKEN,
    store: Annotated[int, Parameter(help="Which store of the made-up brand, from 0.")] = 0,
    register: Annotated[
        str, Parameter(help="Name of the register; a new one numbers anew.")
    ] = "T1",
    customers: int = 30,
    rate: Annotated[float | None, Parameter(help="Posts a second; as fast as it goes.")] = None,
    skip: Annotated[int, Parameter(help="Sales that are never posted.")] = 0,
    repeat: Annotated[int, Parameter(help="Documents that are posted twice.")] = 0,
    reorder: Annotated[int, Parameter(help="Pairs that change places.")] = 0,
    corrupt: Annotated[int, Parameter(help="Sales whose total is wrong.")] = 0,
    random_seed: int = 1,
) -> None:
    """Sell at one register, and post each sale to the receiver as a till does."""
    address = url or (state.resolve() / "receiver.url").read_text()
    opens_at = datetime.now(UTC) - timedelta(days=1)
    brand = BRANDS[0]
    baskets = day_of(brand, brand.facilities[store], random_seed, opens_at, customers, register)
    report = post_all(
        f"{address}/tlog",
        {"authorization": f"Bearer {token}"},
        baskets,
        Mischief(skip, repeat, reorder, corrupt),
        seed=random_seed,
        rate=rate,
    )
    for status, times in sorted(Counter(report.statuses).items()):
        print(f"{times:5} times {status}")
    for what, order_ids in (("skipped", report.skipped), ("corrupted", report.corrupted)):
        for order_id in order_ids:
            print(f"{what} {order_id}")


def _receive(base_url: str, stock: Mapping[str, Mapping[str, Decimal]]) -> None:
    """Add stock to what Retail Pro has now."""
    address = f"{base_url}/sandbox/stock"
    there = {
        (row["store"], row["upc"]): Decimal(str(row["quantity"]))
        for row in httpx.get(address).raise_for_status().json()
    }
    new = {
        store: {upc: str(number + there.get((store, upc), 0)) for upc, number in articles.items()}
        for store, articles in stock.items()
    }
    httpx.post(address, json=new).raise_for_status()


if __name__ == "__main__":
    app()
