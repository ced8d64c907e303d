"""Completed-orders feeds from SFTP, turned into files of Order to Invoice requests.

The same feed gives the same file under the same name, so a run that was killed is simply repeated. The
mapping of one order is `transform`; orders that cannot be mapped go to quarantine, the rest goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from tillbridge.clients.exchange import Folder
from tillbridge.clients.sftp import SftpClient
from tillbridge.contracts import json_text
from tillbridge.contracts.completed_orders import CompletedOrder, read_order
from tillbridge.contracts.json_spool import ArraySpool
from tillbridge.database.engine import transaction
from tillbridge.errors import RecordRejected
from tillbridge.handover import edge
from tillbridge.handover.inbox import Work
from tillbridge.handover.rejects import About, Rejects
from tillbridge.handover.taken_file import TakenFile
from tillbridge.handover.usability import Usability
from tillbridge.invoicing.ledger import origins
from tillbridge.invoicing.transform import InvoiceRequest, NotInvoiced, transform
from tillbridge.profile import Profile, StoreCodes

_ORIGINS_AT_ONCE = 500
_MOST_WARNINGS = 1000


@dataclass(frozen=True)
class FeedTransformer:
    """What all feeds of one run share."""

    engine: Engine
    client: SftpClient
    profile: Profile
    stores: Mapping[str, StoreCodes]

    def transform_feed(self, feed: TakenFile) -> Work:
        """Turn one feed into one file of requests; no file when there is nothing to invoice.

        Raises:
            FileRejected: the feed cannot be read to its end; nothing of it was handed on.
        """
        folder, scratch = self.profile.completed_orders_folder, feed.path.parent
        with (
            Rejects(folder, self.profile.product_store_id, feed) as rejects,
            ArraySpool(scratch / "requests.json") as requests,
        ):
            excluded, warnings = self._map_all(feed, requests, rejects)
            if requests.count:
                name = f"OrderToInvoice-{feed.modified_at:%Y-%m-%d-%H-%M-%S}-{feed.sha256[:8]}.json"
                Folder(self.client, self.profile.order_to_invoice_folder).publish(
                    name, requests.finish()
                )
            rejects.publish(self.client)
            counts = {
                "transformed": requests.count,
                "excluded": excluded,
                "quarantined": rejects.count,
            }
            return Work(
                counts,
                rejects.failures,
                tuple(warnings[:_MOST_WARNINGS]),
                may_be_repeated=bool(rejects.count),
                faults=tuple(rejects.faults),
            )

    def _map_all(
        self, feed: TakenFile, requests: ArraySpool, rejects: Rejects
    ) -> tuple[int, list[str]]:
        """Map order by order; returns how many are rightly left out, and the warnings."""
        mapped: list[InvoiceRequest] = []
        warnings: list[str] = []
        excluded = 0
        usability = Usability(feed.name)
        with feed.path.open("rb") as stream:
            for index, element in enumerate(json_text.read_array(stream, feed.name)):
                order: CompletedOrder | None = None
                try:
                    with edge.document(f"the order at place {index}"):
                        order = read_order(element.value, index)
                        result, found = transform(order, self.profile, self.stores)
                except RecordRejected as problem:
                    rejects.add(index, element, problem, _about(problem, order))
                    usability.unusable(problem)
                    continue
                usability.usable()
                if isinstance(result, NotInvoiced):
                    excluded += 1
                    continue
                requests.add(result.body)
                if len(warnings) < _MOST_WARNINGS:
                    warnings += (f"order {result.order_no}: {warning}" for warning in found)
                mapped.append(result)
                if len(mapped) == _ORIGINS_AT_ONCE:
                    self._remember(mapped, feed.name)
        usability.require()
        self._remember(mapped, feed.name)
        return excluded, warnings

    def _remember(self, requests: list[InvoiceRequest], feed_name: str) -> None:
        with transaction(self.engine) as connection:
            origins.remember_origins(connection, requests, feed_name)
        requests.clear()


def _about(problem: RecordRejected, order: CompletedOrder | None) -> About:
    if order is None:
        return About(order_id=problem.key)
    currency = order.currency if order.currency and len(order.currency) == 3 else None
    return About(
        order_no=order.order_name or "",
        order_id=order.order_id,
        amount=order.grand_total if currency else None,
        currency=currency,
    )
