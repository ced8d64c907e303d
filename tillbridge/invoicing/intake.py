"""Files of Order to Invoice requests from SFTP into the ledger, each order once.

A file is done when all its orders are in the ledger; taking it again changes nothing. Files that
tillbridge did not make are taken as well, as long as they keep to the contract.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Engine

from tillbridge.clients.sftp import SftpClient
from tillbridge.contracts import json_text, order_to_invoice
from tillbridge.contracts.json_text import Element
from tillbridge.database.engine import transaction
from tillbridge.errors import Finding, RecordRejected
from tillbridge.handover import edge
from tillbridge.handover.inbox import Work
from tillbridge.handover.rejects import About, Rejects
from tillbridge.handover.taken_file import TakenFile
from tillbridge.handover.usability import Usability
from tillbridge.invoicing.ledger import orders, origins
from tillbridge.invoicing.ledger.look_alikes import LookAlikes
from tillbridge.invoicing.transform import InvoiceRequest
from tillbridge.profile import Profile

_ORDERS_AT_ONCE = 200


@dataclass(frozen=True)
class Intake:
    """What all files of one run share. `worker` names the run in the ledger's events."""

    engine: Engine
    client: SftpClient
    profile: Profile
    worker: str

    def take_in(self, file: TakenFile) -> Work:
        """Enter every order of a file into the ledger; counts are by `Acceptance`.

        Raises:
            FileRejected: the file cannot be read to its end; nothing of it was entered.
        """
        # A file that is cut off, or mostly something else, is no use, not even its beginning.
        usability = Usability(file.name)
        with file.path.open("rb") as stream:
            for index, element in enumerate(json_text.read_array(stream, file.name)):
                try:
                    self._read(element, index)
                    usability.usable()
                except RecordRejected as problem:
                    usability.unusable(problem)
        usability.require()
        folder = self.profile.order_to_invoice_folder
        counts: Counter[str] = Counter()
        waiting: list[InvoiceRequest] = []
        with (
            Rejects(folder, self.profile.product_store_id, file) as rejects,
            file.path.open("rb") as stream,
        ):
            for index, element in enumerate(json_text.read_array(stream, file.name)):
                try:
                    waiting.append(self._read(element, index))
                except RecordRejected as problem:
                    rejects.add(index, element, problem, About(order_no=problem.key))
                if len(waiting) == _ORDERS_AT_ONCE:
                    counts += self._accept(waiting, file.name)
            counts += self._accept(waiting, file.name)
            rejects.publish(self.client)
        counts["quarantined"] = rejects.count
        # Entering an order twice is harmless, and a refused one may be handed over again on purpose.
        return Work(counts, rejects.failures, may_be_repeated=True, faults=tuple(rejects.faults))

    def _accept(self, waiting: list[InvoiceRequest], file_name: str) -> Counter[str]:
        look_alikes = LookAlikes.from_profile(self.profile)
        with transaction(self.engine) as connection:
            counts = Counter(
                str(
                    orders.accept(
                        connection,
                        self._complete(connection, one),
                        file_name,
                        self.worker,
                        look_alikes,
                    )
                )
                for one in waiting
            )
        waiting.clear()
        return counts

    def _read(self, element: Element, index: int) -> InvoiceRequest:
        with edge.document(f"the order at place {index}"):
            return self._request(element, index)

    def _request(self, element: Element, index: int) -> InvoiceRequest:
        number = element.value.get("OrderNo") if isinstance(element.value, dict) else None
        key = number if isinstance(number, str) else f"the order at place {index}"
        if not isinstance(element.value, dict):
            raise RecordRejected(key, (Finding("", None, "an Order to Invoice object"),))
        request = order_to_invoice.check(element.value, self.profile.request_version)
        if isinstance(request, tuple):
            raise RecordRejected(key, request)
        return InvoiceRequest(
            product_store_id=self.profile.product_store_id,
            order_id=None,
            order_no=request.order_no,
            currency=self.profile.currency,
            total=request.total_amt,
            invoicing_store=request.invoicing_store,
            line_count=len(request.items),
            body=json_text.write(order_to_invoice.write(request)),
        )

    def _complete(self, connection: Connection, request: InvoiceRequest) -> InvoiceRequest:
        """Add what the request does not say, where tillbridge made it."""
        origin = origins.origin_of(connection, request.product_store_id, request.body)
        if origin is None:
            return request
        return replace(request, order_id=origin.order_id, currency=origin.currency)
