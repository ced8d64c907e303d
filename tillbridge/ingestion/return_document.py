"""Goods that came back, in the words of HotWax's returns feed; HotWax publishes no form for importing. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tillbridge.ingestion.order_document import customer_members, item_members
from tillbridge.ingestion.transaction import LineItem, RetailTransaction


def return_document(
    made: RetailTransaction,
    lines: Sequence[LineItem],
    return_id: str,
    product_store_id: str,
    time_zone: str,
) -> dict[str, Any]:
    """Give the return of these lines to the store that took them back.

    The sale is the one that a line or the transaction names, else the transaction itself: a till sends
    the old sale once more, with what came back.
    """
    originals = [line.original_transaction for line in lines if line.original_transaction]
    sale = originals[0] if originals else made.original_transaction or made.transaction_id
    document = {
        "returnId": return_id,
        "externalId": made.transaction_id,
        "orderExternalId": sale,
        "orderName": made.display_id,
        "returnDate": made.begin_date_time.astimezone(ZoneInfo(time_zone)).isoformat(
            timespec="seconds"
        ),
        "returnChannelEnumId": "POS_RTN_CHANNEL",
        "statusId": "RETURN_COMPLETED",
        "currencyUom": made.currency,
        "productStoreId": product_store_id,
        "destinationExternalFacilityId": made.store,
        **customer_members(made),
        "returnTotal": sum((line.total for line in lines), Decimal(0)),
        "paymentPreferences": []
        if made.sales
        else [
            {
                "paymentMethodTypeId": tender.method,
                "statusId": "PAYMENT_REFUNDED",
                "maxAmount": tender.amount,
            }
            for tender in made.tenders
            if not tender.is_exchange
        ],
        "items": [_item(line) for line in lines],
    }
    return {name: value for name, value in document.items() if value is not None}


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
