"""Who is billed and who is shipped to: the two customer objects of an Order to Invoice request. Pure."""

from __future__ import annotations

from collections.abc import Callable

from tillbridge.contracts.completed_orders import CompletedOrder, PostalAddress
from tillbridge.invoicing.draft import Draft
from tillbridge.profile import Profile


def write_customers(draft: Draft, order: CompletedOrder, profile: Profile) -> None:
    """Fill `CustomerBilling` and `CustomerShipping`.

    Each falls back to the other's address: a pickup has no ship-to, an imported order no bill-to.
    """
    shipment = next(
        (index for index, found in enumerate(order.shipments or ()) if found.ship_to), None
    )
    ship_to = None if shipment is None else (order.shipments or ())[shipment].ship_to
    ship_pointer = f"/shipments/{shipment or 0}/shipTo"
    bill = (order.bill_to, "/billTo") if order.bill_to else (ship_to, ship_pointer)
    ship = (ship_to, ship_pointer) if ship_to else (order.bill_to, "/billTo")
    _write(draft, "CustomerBilling", order, profile, *bill, _billed_name)
    _write(draft, "CustomerShipping", order, profile, *ship, _shipped_name)


def _write(
    draft: Draft,
    role: str,
    order: CompletedOrder,
    profile: Profile,
    address: PostalAddress | None,
    pointer: str,
    names: Callable[[CompletedOrder, PostalAddress], tuple[str | None, str | None]],
) -> None:
    address = address or PostalAddress()
    missing = profile.missing_fields
    first_name, last_name = names(order, address)
    put = draft.inside(role)
    put("FirstName", first_name, "/customerFirstName")
    put("LastName", last_name or missing.get("LastName"), "/customerLastName")
    put("Email", address.email or order.customer_email or missing.get("Email"), f"{pointer}/email")
    put("Address1", address.address1 or missing.get("Address1"), f"{pointer}/address1")
    put("Address2", address.address2, f"{pointer}/address2")
    put("City", address.city, f"{pointer}/city")
    put("Country", _country(address, profile), f"{pointer}/countryGeoCode")
    put("Phone", address.phone or order.customer_phone, f"{pointer}/phone")
    put(
        "NoDocument",
        draft.attribute(profile.document_attribute) or missing.get("NoDocument"),
        draft.attribute_origin(profile.document_attribute),
    )
    if profile.request_version == 2:
        put(
            "TypeDocument",
            draft.attribute(profile.document_type_attribute) or missing.get("TypeDocument"),
            draft.attribute_origin(profile.document_type_attribute),
        )


def _billed_name(order: CompletedOrder, address: PostalAddress) -> tuple[str | None, str | None]:
    if order.customer_first_name or order.customer_last_name:
        return order.customer_first_name, order.customer_last_name
    return _address_name(address)


def _shipped_name(order: CompletedOrder, address: PostalAddress) -> tuple[str | None, str | None]:
    customer = (order.customer_first_name, order.customer_last_name)
    whole = " ".join(part for part in customer if part)
    if address.to_name in (None, "", whole) and not address.first_name:
        return customer
    return _address_name(address)


def _address_name(address: PostalAddress) -> tuple[str | None, str | None]:
    if address.first_name or address.last_name:
        return address.first_name, address.last_name
    first, _, last = (address.to_name or "").strip().partition(" ")
    return first or None, last.strip() or None


def _country(address: PostalAddress, profile: Profile) -> str | None:
    code = address.country_geo_code
    return address.country_geo_name or (profile.countries.get(code, code) if code else None)
