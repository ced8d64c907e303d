"""Believable baskets of a till, as PredictSpring's CustomerOrder: the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

from sandbox.catalog import SHOES, Brand, dollars
from sandbox.made_customers import Customer
from tillbridge import money
from tillbridge.oms.order import Facility, Product

KINDS = (
    *("in_store", "in_store", "in_store", "discounted", "several_tenders", "tax_exempt"),
    *("endless_aisle", "mixed_cart", "pickup", "return", "exchange", "transaction_discount"),
)
"""What a till's customers do, the frequent things several times."""


@dataclass(frozen=True, slots=True)
class Basket:
    """One CustomerOrder and what kind it is of."""

    kind: str
    document: dict[str, Any]

    @property
    def order_id(self) -> str:
        """Its order id."""
        return str(self.document["orderId"])


@dataclass
class Register:
    """One register of a store; its order ids count up."""

    brand: Brand
    store: Facility
    name: str
    random: Random
    now: datetime
    number: int = 0
    sold: list[dict[str, Any]] = field(default_factory=list)

    def sell(self, kind: str) -> list[Basket]:
        """Give what the till sends for one customer: one document, for an exchange two."""
        self.now += timedelta(seconds=self.random.randrange(30, 600))
        if kind in {"return", "exchange"} and not self.sold:
            kind = "in_store"
        if kind == "return":
            return [Basket("return", self._brought_back()[0])]
        if kind == "exchange":
            old, worth = self._brought_back()
            return [Basket("exchange", self._sale("in_store", worth)), Basket("return", old)]
        document = self._sale(kind)
        if kind in {"in_store", "discounted"}:
            self.sold.append(document)
        return [Basket(kind, document)]

    def _sale(self, kind: str, carried_over: Decimal = Decimal(0)) -> dict[str, Any]:
        self.number += 1
        order_id = f"{self.store.store_code}-{self.name}-{self.number:06}"
        customer = Customer(self.random, self.brand, self.number)
        products = self.random.sample(SHOES, self.random.randrange(1, 5))
        if kind == "mixed_cart":
            products = self.random.sample(SHOES, 3)
        lines = [
            self._line(order_id, index, product, kind) for index, product in enumerate(products, 1)
        ]
        total = _sum(lines, "total")
        document = {
            "orderId": order_id,
            "displayOrderId": order_id,
            "orderSource": "IN_STORE",
            "orderStatus": "COMPLETED",
            "orderStatusText": "COMPLETED",
            "orderDate": int(self.now.timestamp() * 1000),
            "currency": self.brand.currency,
            "storeId": self.store.external_id,
            "orderSubTotal": _sum(lines, "subTotal"),
            "discount": _sum(lines, "discount"),
            "taxSubTotal": _sum(lines, "tax"),
            "totalAmount": total,
            "email": customer.email,
            "customerProfile": {
                "customerId": customer.party_id,
                "firstName": customer.first_name,
                "lastName": customer.last_name,
                "email": customer.email,
                "phoneMobile": customer.phone,
            },
            "shippingAddress": _address(customer),
            "orderProductList": lines,
            "productList": [{**line, "orderItemId": "1"} for line in lines],
        }
        if kind == "transaction_discount":
            off = self._rounded(total / 10)
            document["transactionDiscountAmount"] = off
            document["discount"] += off
            document["totalAmount"] = total = total - off
        document["tenders"] = self._tenders(kind, total, carried_over)
        return document

    def _line(self, order_id: str, index: int, product: Product, kind: str) -> dict[str, Any]:
        price = self.brand.price(dollars(product))
        quantity = self.random.choice((1, 1, 1, 2))
        sub_total = price * quantity
        off = self._rounded(sub_total / 5) if kind in {"discounted", "mixed_cart"} else None
        exempt = kind == "tax_exempt"
        tax = (
            Decimal(0) if exempt else self._rounded((sub_total - (off or 0)) * self.brand.tax_rate)
        )
        fulfillment, omni = "IN_STORE", "IN_STORE"
        if kind == "endless_aisle" or (kind == "mixed_cart" and index > 1):
            fulfillment, omni = "ONLINE", "SHIP_TO_HOME"
        elif kind == "pickup":
            fulfillment, omni = "ONLINE", "BOPIS"
        line = {
            "orderItemId": str(index),
            "externalId": f"{order_id}-{index}",
            "orderStatus": "COMPLETED",
            "itemStatus": "COMPLETED",
            "fulfillmentType": fulfillment,
            "fulfillmentSubType": "DEFAULT",
            "omniFulfillmentType": omni,
            "productId": product.identifications["SKU"],
            "gtin": product.identifications["UPCA"],
            "name": product.product_name,
            "quantity": quantity,
            "price": price,
            "subTotal": sub_total,
            "discount": off,
            "tax": tax,
            "total": sub_total - (off or 0) + tax,
            "priceAdjustments": None,
            "taxExemption": {"reason": "Diplomat"} if exempt else None,
        }
        if off:
            line["priceAdjustments"] = [
                {
                    "auto": "false",
                    "id": f"PRICE_OVERRIDE_{product.identifications['SKU']}",
                    "price": off,
                    "description": "Discretionary",
                    "priceAdjustmentType": "PRICE_OVERRIDE",
                    "reasons": [{"reasonCodeType": "PRICE_OVERRIDE"}],
                }
            ]
        if omni == "BOPIS":
            line["pickupStoreId"] = self.brand.facilities[1].external_id
        return line

    def _brought_back(self) -> tuple[dict[str, Any], Decimal]:
        """Send an old sale again, with its first line brought back; gives it and what that is worth."""
        old = self.sold.pop(self.random.randrange(len(self.sold)))
        back = dict(old["orderProductList"][0])
        back["itemStatus"] = "RETURNED"
        document = {
            **old,
            "orderStatus": "PARTIALLY_REFUNDED",
            "returnProductList": [back],
            "productList": old["productList"][1:],
            "totalAmount": old["totalAmount"] - back["total"],
        }
        return document, back["total"]

    def _tenders(self, kind: str, total: Decimal, carried_over: Decimal) -> list[dict[str, Any]]:
        carried = min(carried_over, total)
        parts = [total - carried]
        if kind == "several_tenders":
            first = self._rounded(total / 3)
            parts = [first, total - first]
        methods = ("CreditCard", "Cash")
        return [
            {
                "paymentId": f"{self.random.randrange(16**8):08x}",
                "paymentMethod": methods[index % 2],
                "amountAuthorized": part,
                "paymentStatus": "APPROVED",
                "paymentSequenceNumber": str(index + 1),
                "totalAmountCarriedOverForExchange": carried if not index else 0,
            }
            for index, part in enumerate(parts)
        ]

    def _rounded(self, amount: Decimal) -> Decimal:
        step = Decimal(1).scaleb(-money.places(self.brand.currency))
        return money.parse(amount.quantize(step, ROUND_HALF_UP))


def day_of(
    brand: Brand, store: Facility, seed: int, opens_at: datetime, customers: int, name: str = "T1"
) -> Iterator[Basket]:
    """Give everything one register sends on one day, in the order of its sales.

    Every kind of basket is among them when there are at least as many customers as kinds.
    """
    random = Random(f"{seed} {store.facility_id} {name} {opens_at:%Y-%m-%d}")
    register = Register(brand, store, name, random, opens_at)
    kinds = [*KINDS, *random.choices(KINDS, k=max(customers - len(KINDS), 0))][:customers]
    for kind in kinds:
        yield from register.sell(kind)


def _sum(lines: list[dict[str, Any]], name: str) -> Decimal:
    return sum((line[name] or Decimal(0) for line in lines), Decimal(0))


def _address(customer: Customer) -> dict[str, Any]:
    address = customer.address(customer.name)
    return {
        "addressLine1": address.address1,
        "addressLine2": address.address2,
        "city": address.city,
        "country": address.country_geo_code,
        "postalCode": address.postal_code,
        "firstName": customer.first_name,
        "lastName": customer.last_name,
    }
