"""Makes believable orders, each the same for the same seed and number. Pure: no database, no clock.

Bad orders have exactly one defect each, named by their kind; kinds.py says how many there are of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from sandbox.catalog import BRANDS, Brand
from sandbox.kinds import kinds
from sandbox.made_customers import Customer
from sandbox.made_goods import IN_STORE, Goods, make_goods
from sandbox.made_order import MadeOrder, Step
from tillbridge.oms.order import Address, Order, Payment, ShipGroup, Shipment

UNTIL = datetime(2026, 11, 20, 18, tzinfo=UTC)
"""When the made-up days end; fixed, so that the same seed makes the same orders on any day."""


def make_orders(
    count: int, seed: int, start: int = 1, brands: Sequence[Brand] = BRANDS
) -> Iterator[MadeOrder]:
    """Yield orders numbered from `start` on; the number of each kind is the same for every seed."""
    for number, kind in enumerate(kinds(count, seed), start):
        yield _make(number, kind, Random(f"{seed}/{number}"), brands)


def _make(number: int, kind: str, random: Random, brands: Sequence[Brand]) -> MadeOrder:
    brand = random.choice(brands)
    goods = make_goods(random, brand, kind, number)
    customer = Customer(random, brand, number)
    order_at = UNTIL - timedelta(seconds=random.randrange(6 * 3600, 72 * 3600))
    is_cash = kind == "delivery" and random.random() < 0.3
    is_shipped = kind != "digital" and goods.ship_groups[0].shipment_method_type_id not in IN_STORE
    channel = random.choice(("WEB_SALES_CHANNEL",) * 4 + ("CSR_SALES_CHANNEL",))
    name = f"#{brand.country_code}{number}"
    order = Order(
        order_id=f"M{number:08}",
        product_store_id=brand.product_store_id,
        order_name=name,
        order_at=order_at,
        entry_at=order_at + timedelta(minutes=2),
        sales_channel="POS_SALES_CHANNEL" if kind in {"till_sale", "send_sale"} else channel,
        currency=brand.currency,
        grand_total=goods.total,
        ship_groups=goods.ship_groups,
        items=goods.items,
        adjustments=goods.adjustments,
        payments=(
            Payment("EXT_SHOP_CASH_ON_DEL", goods.total, "PAYMENT_NOT_RECEIVED")
            if is_cash
            else Payment("CREDIT_CARD", goods.total),
        ),
        identifications={
            "SHOPIFY_ORD_ID": str(5_000_000_000_000 + number),
            "SHOPIFY_ORD_NAME": name,
            "SHOPIFY_ORD_NO": f"{number:08}",
        },
        attributes=customer.document() | (customer.company() if kind == "fiscal_credit" else {}),
        customer_party_id=customer.party_id,
        customer_first_name=customer.first_name,
        customer_last_name=customer.last_name,
        customer_email=customer.email,
        customer_phone=customer.phone,
        bill_to=customer.address(customer.name),
        ship_to=customer.address(customer.receiver()) if is_shipped else None,
    )
    steps = tuple(_steps(random, kind, number, order_at, goods, is_cash))
    return MadeOrder(kind, f"{number:08}", _spoiled(order, kind, number), steps)


def _steps(
    random: Random, kind: str, number: int, at: datetime, goods: Goods, is_cash: bool
) -> Iterator[Step]:
    """Give what happens: a cancellation at times, then facility after facility fulfils its part."""
    gone: tuple[str, ...] = ()
    if kind == "cancelled_item":
        gone = (min(goods.items, key=lambda item: item.unit_price).order_item_seq_id,)
        yield Step(gone, at + timedelta(minutes=5), cancelled=True)
    groups = goods.ship_groups[:-1] if kind == "partial" else goods.ship_groups
    for index, group in enumerate(groups, 1):
        at += timedelta(seconds=random.randrange(600, 5400))
        leaving = tuple(
            item.order_item_seq_id
            for item in goods.items
            if item.ship_group_seq_id == group.ship_group_seq_id
            and item.order_item_seq_id not in gone
        )
        tracking_number = str(random.randrange(10**11, 10**12))
        shipment_id = f"S{number:08}-{index}"
        shipment = _shipment(shipment_id, group, is_cash, tracking_number)
        yield Step(leaving, at, None if kind == "digital" else shipment)


def _shipment(shipment_id: str, group: ShipGroup, is_cash: bool, tracking_number: str) -> Shipment:
    if group.shipment_method_type_id in IN_STORE:
        return Shipment(shipment_id, group.facility_id, group.shipment_method_type_id)
    carrier = "COD-Drivin" if is_cash else "DHL"
    return Shipment(shipment_id, group.facility_id, "GROUND", carrier, tracking_number)


def _spoiled(order: Order, kind: str, number: int) -> Order:
    """Put in the defect the kind asks for; those of facility and product are in the order already."""
    attributes = dict(order.attributes or {})
    match kind:
        case "missing_document":
            del attributes["customerId"]
            return replace(order, attributes=attributes)
        case "too_long" if number % 2:
            attributes["customerId"] = "9" * 24
            return replace(order, attributes=attributes)
        case "too_long":
            address = order.bill_to or Address()
            street = f"Residencial Las Magnolias, Sector Norte, {address.address1}"
            return replace(order, bill_to=replace(address, address1=street))
        case "amounts_do_not_add_up":
            return replace(order, grand_total=order.grand_total + 1)
        case "no_store":
            return replace(order, product_store_id=None)
        case _:
            return order
