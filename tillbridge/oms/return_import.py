"""A return of an import file as the order store holds it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tillbridge.contracts.return_import import ReturnImport
from tillbridge.oms.findings import Findings
from tillbridge.oms.identification import ProductName, product_name
from tillbridge.oms.order import Adjustment, Payment
from tillbridge.oms.order_import import adjustments_of, payments_of
from tillbridge.oms.references import References
from tillbridge.oms.sale import ComingBack


@dataclass(frozen=True, slots=True)
class ReturnItem:
    """One line; `price` is of one unit and positive."""

    return_item_seq_id: str
    product_id: str
    quantity: Decimal
    price: Decimal
    adjustments: tuple[Adjustment, ...]
    order_item_external_id: str | None
    reason_id: str | None
    description: str | None

    def coming_back(self) -> ComingBack:
        """Give the line as it is held against the sale."""
        return ComingBack(self.product_id, self.order_item_external_id, self.quantity)


@dataclass(frozen=True, slots=True)
class Return:
    """One return to the stock of a facility; its sale is named by the id it has at the till."""

    return_id: str
    external_id: str | None
    product_store_id: str
    order_external_id: str | None
    order_name: str | None
    return_at: datetime
    entry_at: datetime
    status_id: str
    channel: str
    currency: str
    total: Decimal
    destination_facility_id: str
    customer_party_id: str | None
    customer_first_name: str | None
    customer_last_name: str | None
    customer_email: str | None
    customer_phone: str | None
    items: tuple[ReturnItem, ...]
    adjustments: tuple[Adjustment, ...]
    payments: tuple[Payment, ...]


def products_of(document: ReturnImport) -> Iterator[ProductName]:
    """Yield how the return names its products, for looking them up."""
    for item in document.items:
        yield product_name(item.product_id, item.sku, item.id_type, item.id_value)


def to_return(document: ReturnImport, references: References, now: datetime) -> Return:
    """Give the return that an import document describes.

    Raises:
        RecordRejected: with everything that the order store does not have.
    """
    found = Findings(document.return_id)
    if document.product_store_id not in references.approval:
        found.add(
            "/productStoreId",
            document.product_store_id,
            "expected a product store of the order store; add it first",
        )
    destination = found.attempt(
        references.facility,
        "/destinationFacilityId",
        document.destination_facility_id,
        document.destination_external_facility_id,
    )
    items = tuple(
        ReturnItem(
            return_item_seq_id=item.return_item_seq_id or f"{index + 1:05}",
            product_id=found.attempt(references.product, f"/items/{index}", name) or "",
            quantity=item.quantity,
            price=item.return_price,
            adjustments=adjustments_of(item.adjustments or ()),
            order_item_external_id=item.order_item_external_id,
            reason_id=item.reason_id,
            description=item.description,
        )
        for index, (item, name) in enumerate(
            zip(document.items, products_of(document), strict=True)
        )
    )
    found.once_each("/items", (item.return_item_seq_id for item in items))
    found.stop_if_any()
    return Return(
        return_id=document.return_id,
        external_id=document.external_id,
        product_store_id=document.product_store_id,
        order_external_id=document.order_external_id,
        order_name=document.order_name,
        return_at=document.return_date or now,
        entry_at=now,
        status_id=document.status_id,
        channel=document.return_channel_enum_id,
        currency=document.currency_uom,
        total=document.return_total,
        destination_facility_id=destination.facility_id if destination else "",
        customer_party_id=document.customer_id or document.customer_external_id,
        customer_first_name=document.first_name,
        customer_last_name=document.last_name,
        customer_email=document.customer_email,
        customer_phone=document.customer_phone,
        items=items,
        adjustments=adjustments_of(document.adjustments or ()),
        payments=payments_of(document.payment_preferences),
    )
