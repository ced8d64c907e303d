"""HotWax's rule that says whether an order is approved, which it has to be before it is brokered. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tillbridge.oms.order import Payment

WAITS_FOR_APPROVAL = ("ORDER_CREATED", "ORDER_HOLD")

_NOT_RECEIVED = "PAYMENT_NOT_RECEIVED"
_CASH_ON_DELIVERY = "EXT_SHOP_CASH_ON_DEL"


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """A product store's `autoApproveOrder`, and whether payments are looked at (`APPR_WO_PMNT_CHK`)."""

    auto_approve: bool = True
    checks_payment: bool = True

    def approves(
        self, status_id: str, order_auto_approve: str | None, payments: Iterable[Payment]
    ) -> bool:
        """Say whether an order of this store is approved now.

        A payment that has not been received keeps it waiting, unless it is cash on delivery.
        """
        if status_id not in WAITS_FOR_APPROVAL or not self.auto_approve:
            return False
        if order_auto_approve == "N":
            return False
        return not self.checks_payment or all(
            payment.status_id != _NOT_RECEIVED or payment.method_type_id == _CASH_ON_DELIVERY
            for payment in payments
        )
