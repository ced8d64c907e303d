"""A CustomerOrder of PredictSpring as a transaction, or everything that is wrong with it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tillbridge import money
from tillbridge.contracts.customer_order import CustomerOrder, OrderProduct, PostalAddress
from tillbridge.errors import Finding, RecordRejected
from tillbridge.ingestion import arithmetic
from tillbridge.ingestion.decision import treatment
from tillbridge.ingestion.numbering import place_of
from tillbridge.ingestion.transaction import (
    Customer,
    ItemId,
    LineItem,
    RetailTransaction,
    Tender,
)
from tillbridge.profile import TillSettings
from tillbridge.profile.tills import Treatment

_ZERO = Decimal(0)
_LONGEST_REASON = 60
_MOST_FINDINGS = 200


@dataclass(frozen=True)
class Rules:
    """What the transactions of one run are read by.

    `facilities` are the external ids of the facilities that the order store has; empty where a HotWax of
    the retailer's own has them.
    """

    settings: TillSettings
    time_zone: str
    facilities: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """A transaction that can be used, and what about it looks odd."""

    transaction: RetailTransaction
    warnings: tuple[str, ...] = ()


def read_transaction(order: CustomerOrder, rules: Rules, arrived_at: datetime) -> Reading:
    """Read one CustomerOrder that came in at `arrived_at` (aware UTC).

    Raises:
        RecordRejected: with everything that is wrong with it.
    """
    findings: list[Finding] = []
    sales = _lines(order, "orderProductList", order.order_product_list, rules, findings)
    returns = _lines(order, "returnProductList", order.return_product_list, rules, findings)
    if not sales and not returns and not findings:
        findings.append(
            Finding("/orderProductList", None, "expected a line here or in returnProductList")
        )
    store = _store(order.store_id, "/storeId", rules, findings)
    latest = arrived_at + timedelta(minutes=rules.settings.latest_minutes_ahead)
    if order.order_date > latest:
        findings.append(
            Finding(
                "/orderDate",
                f"{order.order_date:%Y-%m-%d %H:%M} UTC",
                f"expected a moment before {latest:%Y-%m-%d %H:%M} UTC; check the clock of the till",
            )
        )
    shipping = _shipping(order, rules, findings)
    made = _assemble(order, rules, store, sales, returns, shipping)
    if not findings:
        findings += arithmetic.sum_limits(made)
    warnings: list[str] = []
    if not findings:
        wrong = list(_arithmetic(order, made))
        if rules.settings.amount_mismatch == "quarantine":
            findings += wrong
        else:
            warnings += (str(finding) for finding in wrong)
    if findings:
        raise RecordRejected(order.order_id, tuple(findings))
    return Reading(made, (*warnings, *_tender_warnings(order, made)))


def _assemble(
    order: CustomerOrder,
    rules: Rules,
    store: str,
    sales: Sequence[LineItem],
    returns: Sequence[LineItem],
    shipping: Decimal,
) -> RetailTransaction:
    place = place_of(order.order_id, rules.settings.sequence)
    profile = order.customer_profile
    return RetailTransaction(
        transaction_id=order.order_id,
        display_id=order.display_order_id or order.order_id,
        retail_store_id=order.store_id,
        store=store,
        workstation_id=place[0] if place else None,
        sequence_number=place[1] if place else None,
        begin_date_time=order.order_date,
        business_day_date=order.order_date.astimezone(ZoneInfo(rules.time_zone)).date(),
        currency=order.currency,
        customer=Customer(
            profile.customer_id if profile else None,
            (profile.first_name if profile else None) or _of(order.shipping_address, "first_name"),
            (profile.last_name if profile else None) or _of(order.shipping_address, "last_name"),
            order.email or (profile.email if profile else None),
            order.phone_number or (profile.phone_mobile if profile else None),
        ),
        ship_to=_address(order.shipping_address),
        bill_to=_address(order.billing_address),
        sales=tuple(sales),
        returns=tuple(returns),
        tenders=tuple(_tenders(order, rules)),
        discount=arithmetic.transaction_discount(order, sales, returns, shipping),
        shipping=shipping,
        original_transaction=order.original_order_id,
    )


def _lines(
    order: CustomerOrder,
    list_name: str,
    products: Sequence[OrderProduct] | None,
    rules: Rules,
    findings: list[Finding],
) -> list[LineItem]:
    """Read one of the two lists; lines that share an id are told apart by their order."""
    is_return = list_name == "returnProductList"
    times: Counter[str] = Counter()
    keys: set[str] = set()
    lines: list[LineItem] = []
    for index, product in enumerate(products or ()):
        pointer = f"/{list_name}/{index}"
        findings += _line_problems(product, pointer, is_return)
        item = _item_id(product, rules)
        if item is None:
            findings.append(Finding(pointer, None, "expected a gtin or a productId"))
        kind = _fulfillment(order, product, rules)
        if kind == "quarantine" and not is_return:
            findings.append(_no_treatment(order, product, pointer))
        name = product.order_item_id or product.external_id or str(index + 1)
        key = name
        # Another line may have just the id that this one would get.
        while key in keys:
            times[name] += 1
            key = f"{name}~{times[name] + 1}"
        keys.add(key)
        pickup_store = product.pickup_store_id or order.store_id
        tax = _ZERO if rules.settings.prices_include_tax else abs(product.tax or _ZERO)
        lines.append(
            LineItem(
                key=key,
                sequence_number=index + 1,
                external_id=product.external_id or f"{order.order_id}-{key}",
                item=item or ItemId("", ""),
                description=product.name,
                quantity=abs(product.quantity),
                unit_price=abs(product.price),
                discount=arithmetic.line_discount(product, tax),
                tax=tax,
                included_tax=abs(product.tax or _ZERO) - tax,
                fulfillment="in_store" if kind == "quarantine" else kind,
                pickup_store=_store(pickup_store, f"{pointer}/pickupStoreId", rules, findings)
                if kind == "pickup" and not is_return
                else None,
                is_cancelled=(product.item_status or "").upper()
                in rules.settings.cancelled_statuses,
                is_tax_exempt=bool(product.tax_exemption),
                original_transaction=product.original_order_id,
                reason=_reason(product),
            )
        )
        findings += arithmetic.limits(lines[-1], pointer)
        if len(findings) > _MOST_FINDINGS:
            break  # nobody needs the rest, and it is refused anyway
    return lines


def _line_problems(product: OrderProduct, pointer: str, is_return: bool) -> Iterator[Finding]:
    if not product.quantity:
        yield Finding(f"{pointer}/quantity", "0", "expected a quantity other than 0")
    if is_return:
        return
    for name in ("quantity", "price", "discount", "tax", "total"):
        value = getattr(product, name)
        if value is not None and value < 0:
            yield Finding(
                f"{pointer}/{name}",
                str(value),
                "expected no negative number; goods that come back belong in returnProductList",
            )


def _fulfillment(order: CustomerOrder, product: OrderProduct, rules: Rules) -> Treatment:
    return treatment(
        product.omni_fulfillment_type,
        product.fulfillment_type,
        order.order_status,
        rules.settings.lines,
    )


def _no_treatment(order: CustomerOrder, product: OrderProduct, pointer: str) -> Finding:
    found = (
        f"omniFulfillmentType {product.omni_fulfillment_type!r}, "
        f"fulfillmentType {product.fulfillment_type!r}, orderStatus {order.order_status!r}"
    )
    return Finding(
        f"{pointer}/omniFulfillmentType",
        found[:200],
        f"expected a combination that the profile's decision table (tills.lines) knows; found {found[:200]}",
    )


def _item_id(product: OrderProduct, rules: Rules) -> ItemId | None:
    if product.gtin:
        return ItemId(rules.settings.upc_type, product.gtin)
    return (
        ItemId(rules.settings.product_id_type, product.product_id) if product.product_id else None
    )


def _store(store_id: str, pointer: str, rules: Rules, findings: list[Finding]) -> str:
    """Give the facility's external id of a store, and find fault with one nobody knows."""
    store = rules.settings.stores.get(store_id, store_id)
    is_known = (
        store_id in rules.settings.stores or not rules.facilities or store in rules.facilities
    )
    if not is_known and rules.settings.unknown_store == "quarantine":
        findings.append(
            Finding(
                pointer,
                store_id,
                f"expected a store that the order store or the profile (tills.stores) has; found {store_id}",
            )
        )
    return store


def _shipping(order: CustomerOrder, rules: Rules, findings: list[Finding]) -> Decimal:
    extra = order.model_extra or {}
    for name in rules.settings.shipping_members:
        if extra.get(name) is not None:
            try:
                return abs(money.parse(extra[name]))
            except ValueError as problem:
                findings.append(Finding(f"/{name}", None, f"expected {problem}"))
    return _ZERO


def _tenders(order: CustomerOrder, rules: Rules) -> Iterator[Tender]:
    settings = rules.settings
    for tender in order.tenders or ():
        carried = tender.total_amount_carried_over_for_exchange or _ZERO
        if carried:
            yield Tender(_method("Exchange", settings), abs(carried), is_exchange=True)
        status = (tender.payment_status or "").upper()
        amount = tender.amount_authorized
        if amount and status not in settings.refused_tenders:
            is_refund = amount < 0 or status in settings.refund_tenders
            method = _method(tender.payment_method, settings)
            yield Tender(method, abs(amount), is_refund=is_refund)


def _method(name: str | None, settings: TillSettings) -> str:
    return settings.payment_methods.get(name or "", settings.other_payment_method)


def _arithmetic(order: CustomerOrder, made: RetailTransaction) -> Iterator[Finding]:
    for name, products, lines in (
        ("orderProductList", order.order_product_list, made.sales),
        ("returnProductList", order.return_product_list, made.returns),
    ):
        for index, (product, line) in enumerate(zip(products or (), lines, strict=True)):
            yield from arithmetic.line_findings(product, line, f"/{name}/{index}")
    yield from arithmetic.order_findings(order, made)


def _tender_warnings(order: CustomerOrder, made: RetailTransaction) -> Iterator[str]:
    paid = sum((-one.amount if one.is_refund else one.amount for one in made.tenders), _ZERO)
    wanted = made.sales_total
    if order.tenders and not made.returns and paid != wanted:
        yield f"tenders of {paid}, the sale costs {wanted}"


def _reason(product: OrderProduct) -> str | None:
    for adjustment in product.price_adjustments or ():
        for reason in adjustment.reasons or ():
            if reason.reason_code_type:
                return reason.reason_code_type[:_LONGEST_REASON]
    return None


def _of(address: PostalAddress | None, name: str) -> str | None:
    return getattr(address, name) if address else None


def _address(address: PostalAddress | None) -> dict[str, str]:
    """Give an address as HotWax's postalAddress; empty where there is no street and no city."""
    if address is None or not (address.address_line1 or address.city):
        return {}
    name = " ".join(filter(None, (address.first_name, address.last_name)))
    members = {
        "toName": name,
        "address1": address.address_line1,
        "address2": address.address_line2,
        "city": address.city,
        "stateProvinceGeoId": address.state,
        "postalCode": address.postal_code,
        "countryGeoId": address.country,
    }
    return {key: value for key, value in members.items() if value}
