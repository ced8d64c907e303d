"""What of a sale can still come back: never more than was sold. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from tillbridge.errors import Finding

_Key = tuple[str, str | None]
"""A product and, where it counts by itself, the external id of one line of the sale."""


@dataclass(frozen=True, slots=True)
class SoldItem:
    """One line of the sale, less what was cancelled of it; `has_left` says that the customer had it."""

    order_item_seq_id: str
    external_id: str | None
    product_id: str
    quantity: Decimal
    has_left: bool = True


@dataclass(frozen=True, slots=True)
class ComingBack:
    """One line of a return; `external_id` is the sale's line, as far as the till knows it."""

    product_id: str
    external_id: str | None
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Sale:
    """The lines of one sale, and what came back of them so far."""

    order_id: str
    items: tuple[SoldItem, ...]
    returned: dict[_Key, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def note_returned(self, lines: Iterable[ComingBack]) -> None:
        """Note lines that came back."""
        for line in lines:
            for key in self._keys(line):
                self.returned[key] += line.quantity

    def has(self, lines: Iterable[ComingBack]) -> bool:
        """Say whether the products of all lines were sold here."""
        return all(self._candidates(line) for line in lines)

    def line_of(self, line: ComingBack) -> str:
        """Give the order item that a line of a return belongs to.

        Tills number the lines of a return anew as often as not, so a line whose external id the sale does
        not have belongs to the item with its product.
        """
        return self._candidates(line)[0].order_item_seq_id

    def refuse(
        self, pointer: str, line: ComingBack, before: Iterable[ComingBack]
    ) -> Finding | None:
        """Say what is wrong with one more line coming back after those `before` it, if anything is."""
        candidates = self._candidates(line)
        if not candidates:
            return Finding(pointer, None, "expected a product of the sale; it was not sold there")
        if not any(item.has_left for item in candidates):
            return Finding(
                pointer,
                None,
                f"expected an item that has left; item {candidates[0].order_item_seq_id} of the sale was not "
                "shipped or picked up yet, so nothing of it can be back. Cancel it in the order store",
            )
        for key in self._keys(line):
            sold = sum((item.quantity for item in self.items if key in _keys_of(item)), Decimal(0))
            with_this = (one.quantity for one in (*before, line) if key in self._keys(one))
            if sum(with_this, self.returned[key]) > sold:
                return Finding(
                    f"{pointer}/quantity",
                    str(line.quantity),
                    f"expected at most what was sold: {sold}, of which {self.returned[key]} came "
                    "back before",
                )
        return None

    def _candidates(self, line: ComingBack) -> list[SoldItem]:
        of_product = [item for item in self.items if item.product_id == line.product_id]
        named = [item for item in of_product if item.external_id == line.external_id]
        return named or of_product

    def _keys(self, line: ComingBack) -> set[_Key]:
        """Give what a line counts against: its product, and the named item where the sale has it."""
        named = (line.product_id, line.external_id)
        has_it = any((item.product_id, item.external_id) == named for item in self.items)
        return {(line.product_id, None), named} if has_it else {(line.product_id, None)}


def _keys_of(item: SoldItem) -> set[_Key]:
    return {(item.product_id, None), (item.product_id, item.external_id)}
