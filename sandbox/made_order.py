"""What a made-up order is: the order as it is new, and what then happens to it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from tillbridge.oms.order import ITEM_CANCELLED, ITEM_COMPLETED, ORDER_COMPLETED, Order, Shipment


@dataclass(frozen=True, slots=True)
class Step:
    """Some items leave with `shipment`, are completed without one (digital), or are cancelled."""

    item_seq_ids: tuple[str, ...]
    at: datetime
    shipment: Shipment | None = None
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class MadeOrder:
    """A new order, its steps in order of time, and the kind (kinds.py) of order that makes it."""

    kind: str
    number: str
    order: Order
    steps: tuple[Step, ...]

    def completed(self) -> Order:
        """Give the order as it is when all its steps have happened."""
        items = {item.order_item_seq_id: item for item in self.order.items}
        total = self.order.grand_total
        for step in self.steps:
            status = ITEM_CANCELLED if step.cancelled else ITEM_COMPLETED
            for seq_id in step.item_seq_ids:
                item = items[seq_id]
                items[seq_id] = replace(
                    item, status_id=status, status_at=step.at, shipment=step.shipment
                )
                if step.cancelled:
                    total -= item.quantity * item.unit_price
                    total -= sum((one.amount for one in item.adjustments), Decimal(0))
        return replace(
            self.order, status_id=ORDER_COMPLETED, items=tuple(items.values()), grand_total=total
        )
