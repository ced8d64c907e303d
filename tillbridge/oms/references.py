"""What the order store has of the things that imported records refer to. Pure; the reading is SQL elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tillbridge.errors import Finding
from tillbridge.oms.approval import ApprovalRule
from tillbridge.oms.identification import ProductName, flat_type
from tillbridge.oms.order import Facility


@dataclass(frozen=True, slots=True)
class References:
    """What the order store has of the things that a page of records names."""

    approval: Mapping[str, ApprovalRule]
    """By product store; its keys are all product stores."""
    facilities: Mapping[str, Facility]
    facilities_by_external_id: Mapping[str, Facility]
    product_types: Mapping[str, str]
    """productTypeId by product id."""
    identified: Mapping[tuple[str, str], Collection[str]]
    """Product ids by type (`flat_type`) and value of an identification."""

    def facility(self, pointer: str, facility_id: str | None, external_id: str | None) -> Facility:
        """Give the facility that is named by either id, or both.

        Raises:
            NotFound: no facility has it, or the two ids name different ones.
        """
        by_id = self.facilities.get(facility_id) if facility_id else None
        by_external_id = self.facilities_by_external_id.get(external_id) if external_id else None
        if facility_id is None and external_id is None:
            raise NotFound(pointer, None, "expected a facility, by its id or external id")
        if facility_id is not None and by_id is None:
            raise NotFound(pointer, facility_id, "expected a facilityId of the order store")
        if external_id is not None and by_external_id is None:
            raise NotFound(
                pointer,
                external_id,
                "expected the external id of a facility of the order store; add the facility, or "
                "map the till's store id to one in the profile",
            )
        if by_id and by_external_id and by_id != by_external_id:
            raise NotFound(pointer, external_id, "expected both ids to name the same facility")
        return by_id or self.facilities_by_external_id[external_id or ""]

    def product(self, pointer: str, name: ProductName) -> str:
        """Give the id of the product that is named.

        Raises:
            NotFound: no product has that name, several have, or there is no name.
        """
        if name.product_id is not None:
            if name.product_id not in self.product_types:
                raise NotFound(
                    f"{pointer}/productId",
                    name.product_id,
                    "expected a productId of the order store",
                )
            return name.product_id
        if name.type_id is None or name.value is None:
            raise NotFound(
                pointer, None, "expected a product: productId, sku, or idType and idValue"
            )
        found = self.identified.get((flat_type(name.type_id), name.value), ())
        if len(found) != 1:
            has = f"{len(found)} products have it" if found else "none has it"
            raise NotFound(
                f"{pointer}/{name.member}",
                name.value,
                f"expected the {name.type_id[:40]} of one product of the order store; {has}",
            )
        return next(iter(found))


class NotFound(Exception):
    """What a record names is not there; the caller adds the finding to the record's others."""

    def __init__(self, pointer: str, value: str | None, expected: str) -> None:
        super().__init__(pointer, value, expected)
        self.finding = Finding(pointer, value and value[:200], expected)
