"""Who is billed and who is shipped to: the two customer objects of an Order to Invoice request. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tillbridge.contracts.completed_orders import CompletedOrder, PostalAddress
from tillbridge.invoicing.draft import Draft
from tillbridge.profile import Profile


class _Found(NamedTuple):
    """A value of the feed order and the pointer to it."""

    value: str | None
    pointer: str


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
    names: Callable[[CompletedOrder, PostalAddress, str], tuple[_Found, _Found]],
) -> None:
    address = address or PostalAddress()
    missing = profile.missing_fields
    first_name, last_name = names(order, address, pointer)
    put = draft.inside(role)
    put("FirstName", *first_name)
    put("LastName", *_first(last_name, _Found(missing.get("LastName"), "")))
    put(
        "Email",
        *_first(
            _Found(address.email, f"{pointer}/email"),
            _Found(order.customer_email, "/customerEmail"),
            _Found(missing.get("Email"), ""),
        ),
    )
    put(
        "Address1",
        *_first(
            _Found(address.address1, f"{pointer}/address1"), _Found(missing.get("Address1"), "")
        ),
    )
    put("Address2", address.address2, f"{pointer}/address2")
    put("City", address.city, f"{pointer}/city")
    put("Country", *_country(address, pointer, profile))
    put(
        "Phone",
        *_first(
            _Found(address.phone, f"{pointer}/phone"),
            _Found(order.customer_phone, "/customerPhone"),
        ),
    )
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


def _first(*candidates: _Found) -> _Found:
    """Choose the first that says something; where none does, the first, whose place should have."""
    return next((one for one in candidates if (one.value or "").strip()), candidates[0])


def _billed_name(
    order: CompletedOrder, address: PostalAddress, pointer: str
) -> tuple[_Found, _Found]:
    if order.customer_first_name or order.customer_last_name:
        return _customer_name(order)
    return _address_name(address, pointer)


def _shipped_name(
    order: CompletedOrder, address: PostalAddress, pointer: str
) -> tuple[_Found, _Found]:
    first, last = _customer_name(order)
    whole = " ".join(part for part in (first.value, last.value) if part)
    if address.to_name in (None, "", whole) and not address.first_name:
        return first, last
    return _address_name(address, pointer)


def _customer_name(order: CompletedOrder) -> tuple[_Found, _Found]:
    return (
        _Found(order.customer_first_name, "/customerFirstName"),
        _Found(order.customer_last_name, "/customerLastName"),
    )


def _address_name(address: PostalAddress, pointer: str) -> tuple[_Found, _Found]:
    if address.first_name or address.last_name:
        return (
            _Found(address.first_name, f"{pointer}/firstName"),
            _Found(address.last_name, f"{pointer}/lastName"),
        )
    first, _, last = (address.to_name or "").strip().partition(" ")
    return _Found(first, f"{pointer}/toName"), _Found(last.strip(), f"{pointer}/toName")


def _country(address: PostalAddress, pointer: str, profile: Profile) -> _Found:
    code = address.country_geo_code
    return _first(
        _Found(address.country_geo_name, f"{pointer}/countryGeoName"),
        _Found(profile.countries.get(code, code) if code else None, f"{pointer}/countryGeoCode"),
    )
