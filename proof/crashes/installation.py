"""An installation to break: far ends of its own, a database, the product's blocks, and what was handed over.

What was handed over is remembered here, so that the oracle need not ask the product what it should have.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from pydantic import SecretStr

from benchmarks.made import BRAND, PROFILE, STORES
from blocks import OrderDatabase
from commands.config import read_config
from proof.crashes.nursery import Nursery, Worker
from proof.crashes.worker import Job
from sandbox import orders
from sandbox.catalog import FACILITIES, PRODUCTS
from sandbox.kinds import DEFECTS, GOOD, kinds
from sandbox.made_orders import make_orders
from sandbox.services import Sandbox
from tillbridge.clients.exchange import Folder
from tillbridge.contracts import feed_manifest, json_text
from tillbridge.contracts.completed_orders import read_order
from tillbridge.contracts.feed_manifest import Manifest, manifest_name
from tillbridge.database.engine import connect, transaction
from tillbridge.database.upgrading import upgrade
from tillbridge.handover import failures
from tillbridge.handover.failures import NewFailure
from tillbridge.invoicing.doubt_policy import Level
from tillbridge.invoicing.ledger import circuit
from tillbridge.invoicing.transform import InvoiceRequest, transform
from tillbridge.oms import export, feed
from tillbridge.oms.feed_document import document

STORE = PROFILE.product_store_id
REQUESTS = PROFILE.order_to_invoice_folder
FEEDS = PROFILE.completed_orders_folder

_UNUSABLE = set(DEFECTS) - {"no_store"}
"""Kinds of orders that cannot be invoiced; one without a product store never leaves the order store."""

DEADLINE = 1.0
"""Seconds that one call to Retail Pro may take in these installations."""


class Installation:
    """Runs while the `with` block lasts; set up on the Prefect server under its name.

    `sent` holds the total (where it is known) of every order that has to end in the ledger, `bodies` the
    digest of its request, `files` the digest of every file that was handed over by its path, and
    `unusable` how many orders and files must be reported as such. `settings` are those of the Retail Pro
    block.
    """

    def __init__(
        self,
        name: str,
        state: Path,
        database_url: str = "",
        level: Level = "L0",
        seed: int = 1,
        **settings: Any,
    ) -> None:
        self.name = name
        self.level = level
        self.far_ends = Sandbox(state, keys="enforce" if level == "L3" else "ignore")
        self.sent: dict[str, Decimal | None] = {}
        self.bodies: dict[str, str] = {}
        self.files: dict[str, str] = {}
        self.unusable = 0
        self._seed = seed
        self._number = 1
        self._database_url = database_url or self.far_ends.database_url
        self._settings = {"deadline": DEADLINE, "read_timeout": DEADLINE, **settings}

    def __enter__(self) -> Self:
        self.far_ends.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.far_ends.__exit__()

    def set_up(self, sftp_port: int | None = None) -> None:
        """Make schema, blocks and folders; `sftp_port` is that of a proxy in between."""
        path = self.far_ends.state / "tillbridge.toml"
        path.write_text(self.far_ends.config(), encoding="utf-8")
        config = read_config(path)
        self.engine = connect(self._database_url)
        upgrade(self.engine)
        profile = config.profiles["tillbridge"]
        profile.completed_orders_manifest = True
        profile.retail_pro = profile.sftp_server = self.name
        profile.order_database = profile.mail_notification = self.name
        database = OrderDatabase(url=SecretStr(self._database_url))
        for setting, value in {"capability": self.level, **self._settings}.items():
            setattr(config.retail_pro, setting, value)
        self._sftp = config.sftp.model_copy()
        config.sftp.port = sftp_port or config.sftp.port
        config.mail.server.save(self.name, overwrite=True)
        mail = config.mail_notification(config.mail.server)
        for block in (profile, database, config.sftp, config.retail_pro, mail):
            block.save(self.name, overwrite=True)
        for folder in (FEEDS, REQUESTS):
            (self.far_ends.files / folder).mkdir(parents=True, exist_ok=True)

    def job(self, flow: str, **more: Any) -> Job:
        """Give the job to run a flow here."""
        parameters: dict[str, Any] = {"profile": self.name}
        if flow.startswith("report"):
            parameters["send_now"] = True
        return Job(flow, parameters, **more)

    def run(self, nursery: Nursery, flow: str, **more: Any) -> Worker:
        """Run a flow here to its end."""
        return nursery.run(self.job(flow, **more))

    # --- what is handed over

    def drop_requests(self, count: int, *, with_unusable: bool = True) -> list[str]:
        """Hand over a file of good invoice requests, and one unusable; gives the order numbers."""
        made = list(itertools.islice(self._requests(), count))
        self.sent |= {one.order_no: one.total for one in made}
        self.bodies |= {one.order_no: hashlib.sha256(one.body).hexdigest() for one in made}
        bodies = [one.body for one in made]
        if with_unusable:
            bodies.append(b'{"OrderNo":"","Note":"%d"}' % self._number)
            self.unusable += 1
        content = b"[" + b",".join(bodies) + b"]"
        self._drop(REQUESTS, f"requests-{self._number:08}.json", content)
        return [one.order_no for one in made]

    def drop_unreadable(self) -> None:
        """Hand over a feed that ends in its middle."""
        content = b'[{"orderId": "%d"' % self._number
        name = f"unreadable-{self._number:08}.json"
        manifest = Manifest(hashlib.sha256(content).hexdigest(), len(content), 1)
        self._drop(FEEDS, manifest_name(name), feed_manifest.write(manifest))
        self._drop(FEEDS, name, content)
        self._number += 1
        self.unusable += 1

    def complete_orders(self, count: int = 12) -> None:
        """Let orders be completed in the order store; some of them cannot be invoiced."""
        mixed = (
            seed for seed in itertools.count(self._number) if _UNUSABLE & set(kinds(count, seed))
        )
        seeded = orders.seed(self.engine, count, next(mixed), self._number, [BRAND])
        self._number += count
        self.sent |= dict.fromkeys(seeded.numbers(GOOD))
        self.unusable += len(seeded.numbers(_UNUSABLE))

    def hand_over_feed(self) -> None:
        """Let orders be completed, and export them without a flow."""
        self.complete_orders()
        selection = feed.FeedSelection(product_store_ids=[STORE])
        feed.produce(self.engine, selection, 100, datetime.now(UTC), FEEDS)
        with self._sftp.get_client() as client:
            folder = Folder(client, FEEDS, with_manifests=True)
            for waiting in feed.unsent(self.engine, FEEDS):
                export.publish(self.engine, folder, waiting, datetime.now(UTC))

    def record_failure(self) -> None:
        """Let an order be reported as unusable."""
        with transaction(self.engine) as connection:
            failures.add(
                connection,
                NewFailure(
                    kind="quarantined",
                    product_store_id=STORE,
                    order_no=f"{self._number:08}",
                    order_id="",
                    store=None,
                    amount=None,
                    currency=None,
                    reason_code="proof",
                    reason="It was made up.",
                    next_step="Nothing.",
                    source_file="none.json",
                    occasion="once",
                ),
            )
        self._number += 1
        self.unusable += 1

    def open_circuit(self) -> None:
        """Let the circuit to Retail Pro be open, as after a bad day."""
        circuit.trip(self.engine, self.far_ends.retail_pro.base_url, "It was opened.", None)

    def left_in(self, folder: str) -> list[str]:
        """List the files that wait in a folder or are claimed; manifests may stand alone for a day."""
        place = self.far_ends.files / folder
        found = [*place.glob("*.json"), *(place / "processing").glob("*.json")]
        names = {path.name for path in found if not path.name.startswith(".")}
        return sorted(name for name in names if not name.endswith(feed_manifest.SUFFIX))

    def _requests(self) -> Iterator[InvoiceRequest]:
        """Make requests without end; each takes a number that no other order has."""
        while True:
            for made in make_orders(50, self._seed, self._number, [BRAND]):
                self._number += 1
                if made.kind not in GOOD:
                    continue
                order = read_order(
                    json_text.read(
                        json_text.write(document(made.completed(), FACILITIES, PRODUCTS))
                    ),
                    0,
                )
                result, _ = transform(order, PROFILE, STORES)
                assert isinstance(result, InvoiceRequest)
                yield result

    def _drop(self, folder: str, name: str, content: bytes) -> None:
        place = self.far_ends.files / folder
        unfinished = place / f".{name}.part"
        unfinished.write_bytes(content)
        unfinished.rename(place / name)
        self.files[f"{folder}/{name}"] = hashlib.sha256(content).hexdigest()
