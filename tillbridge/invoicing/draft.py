"""A half-written Order to Invoice request that remembers where in the feed each value came from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tillbridge.contracts import json_text, order_to_invoice
from tillbridge.contracts.completed_orders import CompletedOrder, ShipmentItem
from tillbridge.contracts.order_to_invoice import OrderToInvoice
from tillbridge.errors import Finding, RecordRejected

_MOST_FINDINGS = 200

OMITTED = object()
"""Stands for a value whose absence a finding already explains."""


class Origin(NamedTuple):
    """Where a value of the request comes from: a pointer into the feed order, and words for people."""

    pointer: str
    source: str = ""


class FeedItem(NamedTuple):
    """An item of the feed order and the pointer to it."""

    pointer: str
    item: ShipmentItem


class Draft:
    """Collects members and findings, so that an order is rejected with everything that is wrong.

    A finding points into the feed order, the document its reader has, and names the member of the
    request it is about.
    """

    def __init__(self, order: CompletedOrder) -> None:
        self.order = order
        self.findings: list[Finding] = []
        self.members: dict[str, Any] = {}
        self._origins: dict[str, Origin] = {}
        self._omitted: set[str] = set()
        self._attributes = {
            attribute.attr_name: (index, attribute.attr_value)
            for index, attribute in enumerate(order.order_attributes or ())
        }

    def put(self, name: str, value: Any, origin: str | Origin) -> None:
        """Set a member of the request that comes from `origin`, a pointer into the feed order."""
        self._set(self.members, "", name, value, origin)

    def inside(self, *path: str | int) -> Callable[[str, Any, str | Origin], None]:
        """Give a `put` for an object inside the request, such as `CustomerBilling` or `Items/0`."""
        place: Any = self.members
        for step in path:
            if isinstance(step, int):
                place.append({})
                place = place[-1]
            else:
                place = place.setdefault(step, [] if step == "Items" else {})
        prefix = json_text.pointer(*path)
        return lambda name, value, origin: self._set(place, prefix, name, value, origin)

    def attribute(self, name: str) -> str | None:
        """Give the value of an order attribute, None where it is absent or blank."""
        value = self._attributes.get(name, (0, None))[1] or ""
        return value if value.strip() else None

    def attribute_origin(self, name: str) -> Origin:
        """Point to an order attribute's value; where it is absent, to the list that lacks it."""
        found = self._attributes.get(name)
        pointer = f"/orderAttributes/{found[0]}/attrValue" if found else "/orderAttributes"
        return Origin(pointer, f"the order attribute {name}")

    def find(self, pointer: str, value: object, expected: str) -> None:
        """Note something that is wrong with the feed order itself.

        Raises:
            RecordRejected: there is so much of it that nobody needs the rest.
        """
        self.findings.append(Finding(pointer, None if value is None else str(value), expected))
        if len(self.findings) > _MOST_FINDINGS:
            raise RecordRejected(self.order.order_id, tuple(self.findings))

    def finish(self, version: Any) -> OrderToInvoice:
        """Hold the request against the contract.

        Raises:
            RecordRejected: with the findings of the mapping and those of the contract.
        """
        checked = order_to_invoice.check(self.members, version)
        if isinstance(checked, tuple):
            self._find_by_contract(checked)
        if self.findings or isinstance(checked, tuple):
            raise RecordRejected(self.order.order_id, tuple(self.findings))
        return checked

    def _find_by_contract(self, findings: tuple[Finding, ...]) -> None:
        told: set[tuple[str, str]] = set()
        for finding in findings:
            origin = self._origin(finding.pointer)
            # Bill-to and ship-to, or two lines of one item, share a source: saying it once is enough.
            about = (origin.pointer, finding.pointer.rpartition("/")[2])
            if finding.pointer in self._omitted or about in told:
                continue
            told.add(about)
            name = finding.pointer.lstrip("/").replace("/", ".")
            source = f"; it comes from {origin.source}" if origin.source else ""
            self.find(origin.pointer, finding.value, f"{name}: {finding.expected}{source}")

    def _set(
        self, place: dict[str, Any], prefix: str, name: str, value: Any, origin: str | Origin
    ) -> None:
        known = origin if isinstance(origin, Origin) else Origin(origin)
        self._origins[f"{prefix}/{name}"] = known
        if value is OMITTED:
            self._omitted.add(f"{prefix}/{name}")
        elif value is not None and value != "":
            place[name] = value

    def _origin(self, pointer: str) -> Origin:
        while pointer and pointer not in self._origins:
            pointer = pointer.rpartition("/")[0]
        return self._origins.get(pointer, Origin(""))
