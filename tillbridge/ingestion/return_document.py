"""Goods that came back, in the words of HotWax's returns feed; HotWax publishes no form for importing. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tillbridge.ingestion.order_document import customer_members, item_members
from tillbridge.ingestion.transaction import LineItem, RetailTransaction


def return_document(
    made: RetailTransaction,
    lines: Sequence[LineItem],
    sale: str | None,
    return_id: str,
    returned_at: datetime,
    product_store_id: str,
    time_zone: str,
    *,
    is_first: bool,
) -> dict[str, Any]:
    """Give the return of these lines of one `sale` to the store that took them back.

    Where no sale is named it is the one that the transaction names, else the transaction itself: a till
    sends the old sale once more, with what came back. The refund stands in the first return of several.
    """
    document = {
        "returnId": return_id,
        "externalId": made.transaction_id,
        "orderExternalId": sale or made.original_transaction or made.transaction_id,
        "orderName": made.display_id,
        "returnDate": returned_at.astimezone(ZoneInfo(time_zone)).isoformat(timespec="seconds"),
        "returnChannelEnumId": "POS_RTN_CHANNEL",
        "statusId": "RETURN_COMPLETED",
        "currencyUom": made.currency,
        "productStoreId": product_store_id,
        "destinationExternalFacilityId": made.store,
        **customer_members(made),
        "returnTotal": sum((line.total for line in lines), Decimal(0)),
        "paymentPreferences": _refunds(made) if is_first else [],
        "items": [_item(line) for line in lines],
    }
    return {name: value for name, value in document.items() if value is not None}


def _refunds(made: RetailTransaction) -> list[dict[str, Any]]:
    """Give what was paid out: of a sale the tenders that say so, of a mere return all."""
    return [
        {
            "paymentMethodTypeId": tender.method,
            "statusId": "PAYMENT_REFUNDED",
            "maxAmount": tender.amount,
        }
        for tender in made.tenders
        if tender.is_refund or (not made.sales and not tender.is_exchange)
    ]


def _item(line: LineItem) -> dict[str, Any]:
    item = {
        "returnItemSeqId": f"{line.sequence_number:05}",
        "orderItemExternalId": line.external_id,
        **item_members(line),
        "returnPrice": line.unit_price,
        "reasonId": line.reason,
        "description": line.description,
    }
    return {name: value for name, value in item.items() if value is not None}
