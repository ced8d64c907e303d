"""Makes what an order is about: ship groups, items and every amount, exact to the last decimal. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from sandbox.catalog import DIGITAL, KITS, NO_FACILITY, SHOES, WITHOUT_UPC, Brand, dollars
from tillbridge import money
from tillbridge.oms.order import (
    POS_COMPLETED,
    SALES_TAX,
    Adjustment,
    Item,
    Product,
    ShipGroup,
)

IN_STORE = {"STOREPICKUP", POS_COMPLETED}
"""Shipment methods that need no carrier and no address."""

_METHODS = {"pickup": "STOREPICKUP", "till_sale": POS_COMPLETED}
_SOLD = {"kit": KITS, "digital": DIGITAL, "missing_upc": WITHOUT_UPC}


@dataclass(frozen=True, slots=True)
class Goods:
    """The ship groups, items, adjustments and total of one order."""

    ship_groups: tuple[ShipGroup, ...]
    items: tuple[Item, ...]
    adjustments: tuple[Adjustment, ...]

    @property
    def total(self) -> Decimal:
        """What the customer pays: items, discounts, taxes and shipping."""
        total = sum((item.quantity * item.unit_price for item in self.items), Decimal(0))
        total += sum((one.amount for item in self.items for one in item.adjustments), Decimal(0))
        return total + sum((one.amount for one in self.adjustments), Decimal(0))


def make_goods(random: Random, brand: Brand, kind: str, number: int) -> Goods:
    """Make up the goods of an order of `kind`."""
    maker = _GoodsMaker(random, brand, kind, number)
    groups = maker.ship_groups()
    discount = maker.order_discount()
    items = maker.taxed(maker.items(groups), discount)
    promotion = (Adjustment("EXT_PROMO_ADJUSTMENT", -discount),) if discount else ()
    return Goods(groups, items, (*promotion, *maker.shipping(groups)))


class _GoodsMaker:
    def __init__(self, random: Random, brand: Brand, kind: str, number: int) -> None:
        self._random = random
        self._brand = brand
        self._kind = kind
        self._number = number
        self._decimals = money.places(brand.currency)

    def ship_groups(self) -> tuple[ShipGroup, ...]:
        method = _METHODS.get(self._kind, self._random.choice(("STANDARD", "STANDARD", "NEXT_DAY")))
        match self._kind:
            case "digital":
                facilities = [NO_FACILITY]
            case "facility_without_code":
                facilities = [self._brand.uncoded]
            case "multi_facility" | "partial":
                many = min(self._random.choice((2, 2, 3)), len(self._brand.facilities))
                facilities = self._random.sample(self._brand.facilities, many)
            case _:
                facilities = [self._random.choice(self._brand.facilities)]
        return tuple(
            ShipGroup(f"{index:05}", facility.facility_id, method)
            for index, facility in enumerate(facilities, 1)
        )

    def items(self, groups: Sequence[ShipGroup]) -> list[Item]:
        if self._kind == "exploded":
            # One line of several pieces, as HotWax explodes it: the pieces share an external id.
            line = self._item(1, groups[0], self._random.choice(SHOES), 1)
            return [
                replace(line, order_item_seq_id=f"{100 + place:05}")
                for place in range(1, self._random.randrange(3, 6))
            ]
        sold = _SOLD.get(self._kind, SHOES)
        many = 3 if self._kind == "cancelled_item" else self._random.choice((1, 1, 2, 3))
        items: list[Item] = []
        for group in groups:
            for product in self._random.sample(sold, many if sold is SHOES else 1):
                several = self._kind in {"multi_quantity", "kit"}
                quantity = self._random.randrange(2, 5) if several else 1
                items.append(self._item(len(items) + 1, group, product, quantity))
        return items

    def order_discount(self) -> Decimal:
        """A sum that seldom divides evenly by the number of items, and is less than any of them."""
        if self._random.random() < 0.7:
            return Decimal(0)
        return self._brand.price(Decimal(self._random.randrange(101, 299)) / 100)

    def taxed(self, items: Sequence[Item], discount: Decimal) -> tuple[Item, ...]:
        worth = [
            item.quantity * item.unit_price + sum(one.amount for one in item.adjustments)
            for item in items
        ]
        shares = money.allocate(discount, worth, self._decimals)
        return tuple(
            replace(
                item,
                adjustments=(
                    *item.adjustments,
                    Adjustment(SALES_TAX, self._share(net - less, self._brand.tax_rate)),
                ),
            )
            for item, net, less in zip(items, worth, shares, strict=True)
        )

    def shipping(self, groups: Sequence[ShipGroup]) -> tuple[Adjustment, ...]:
        if groups[0].shipment_method_type_id in IN_STORE or self._kind == "digital":
            return ()
        charge = self._brand.price(Decimal("3.95"))
        charged = Adjustment("SHIPPING_CHARGES", charge)
        match self._random.randrange(6):
            case 0:
                return charged, Adjustment("EXT_SHIP_ADJUSTMENT", -charge)
            case 1:
                tax = self._share(charge, self._brand.tax_rate)
                return charged, Adjustment("SHIPPING_SALES_TAX", tax)
            case _:
                return (charged,)

    def _item(self, place: int, group: ShipGroup, product: Product, quantity: int) -> Item:
        price = self._brand.price(dollars(product))
        promotion: tuple[Adjustment, ...] = ()
        if self._random.random() < 0.3:
            rate = Decimal(self._random.randrange(5, 40)) / 100
            amount = self._share(price * quantity, rate)
            promotion = (Adjustment("EXT_PROMO_ADJUSTMENT", -amount),)
        return Item(
            order_item_seq_id=f"{100 + place:05}",
            ship_group_seq_id=group.ship_group_seq_id,
            product_id=product.product_id,
            quantity=Decimal(quantity),
            unit_price=price,
            adjustments=promotion,
            external_id=str(12_000_000_000_000 + self._number * 100 + place),
        )

    def _share(self, amount: Decimal, rate: Decimal) -> Decimal:
        step = Decimal(1).scaleb(-self._decimals)
        return money.parse((amount * rate).quantize(step, ROUND_HALF_UP))
