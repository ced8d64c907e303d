"""The orders of one file that cannot be used: kept as they came, with every finding, and reported."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Self

from tillbridge.clients.sftp import SftpClient
from tillbridge.contracts import json_text
from tillbridge.contracts.json_spool import ArraySpool
from tillbridge.contracts.json_text import Element
from tillbridge.errors import InternalError, RecordRejected
from tillbridge.handover import reasons
from tillbridge.handover.failures import NewFailure, Told
from tillbridge.handover.kind import Journey, Kind
from tillbridge.handover.taken_file import TakenFile


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a rejected order, for the report's reader."""

    order_no: str = ""
    order_id: str = ""
    store: str | None = None
    amount: Decimal | None = None
    currency: str | None = None


class Rejects:
    """Collects rejected orders on disk and puts them into the folder's `quarantine/`.

    Use it in a `with` block.
    """

    def __init__(
        self,
        folder: str,
        product_store_id: str,
        file: TakenFile,
        journey: Journey = "invoicing",
        next_step: str = "",
    ) -> None:
        self._folder = folder
        self._journey = journey
        self._next_step = next_step or (
            "Mend what the reason names, in the order or in the profile. Then have the order exported "
            f"again, or drop its file from {folder}/quarantine into {folder}."
        )
        self._product_store_id = product_store_id
        self._file_name = file.name
        self._occasion = file.occasion
        self._orders = ArraySpool(file.path.parent / "rejected.json")
        self._reports = ArraySpool(file.path.parent / "rejected.report.json")
        self._told = Told(self._folder)
        self.faults: list[str] = []
        """Which orders met a fault of this program, and its class."""

    @property
    def count(self) -> int:
        """How many there are."""
        return self._orders.count

    @property
    def failures(self) -> list[NewFailure]:
        """What people are told of them."""
        return self._told.failures

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._orders.__exit__()
        self._reports.__exit__()

    def add(
        self,
        index: int,
        element: Element,
        problem: RecordRejected,
        about: About,
        kind: Kind = "quarantined",
    ) -> None:
        """Keep the order at place `index` of the file, with its findings."""
        original = element.text.encode()
        self._orders.add(original)
        findings = [asdict(found) for found in problem.findings]
        self._reports.add(
            json_text.write_readable(
                {"order": problem.key, "placeInFile": index, "findings": findings}
            )
        )
        if isinstance(problem, InternalError):
            self.faults.append(
                f"the record at place {index + 1} ({about.order_no or about.order_id})"
            )
        self._told.add(
            NewFailure(
                kind=kind,
                journey=self._journey,
                product_store_id=self._product_store_id,
                order_no=about.order_no[:60],
                order_id=about.order_id[:60],
                store=about.store,
                amount=about.amount,
                currency=about.currency,
                reason_code=reasons.code(problem),
                reason=reasons.sentences(problem.findings, with_member=self._journey == "tills"),
                next_step=self._next_step,
                source_file=self._file_name,
                # An order that is dropped again and still cannot be used is reported again.
                occasion=f"{hashlib.sha256(original).hexdigest()} {self._occasion}",
            )
        )

    def publish(self, client: SftpClient) -> None:
        """Write the orders, and beside them the report, if there are any.

        The name carries a mark of both, so that doing it again gives the same files, and the same orders
        with other findings give others.
        """
        if not self._orders.count:
            return
        orders, reports = self._orders.finish(), self._reports.finish()
        digest = hashlib.sha256()
        for path in (orders, reports):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        mark = digest.hexdigest()[:8]
        target = f"{self._folder}/quarantine/{Path(self._file_name).stem}-{mark}.json"
        client.put(f"{target}.report.json", reports)
        client.put(target, orders)
