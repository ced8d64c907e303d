"""HotWax's rules for a change of stock: it may reach zero and not less, and follows its reset. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from tillbridge.contracts.inventory_variance import InventoryVariance
from tillbridge.oms.findings import Findings
from tillbridge.oms.identification import ProductName, product_name
from tillbridge.oms.order import Facility
from tillbridge.oms.references import NotFound, References
from tillbridge.oms.stock_rule import take

SOLD_AT_TILL = "POS_SALE"

REASONS = frozenset(
    {
        *("POS_SALE", "MISMATCH", "NOT_IN_STOCK", "NO_VARIANCE_LOG", "REJ_RSN_DAMAGED"),
        *("VAR_DAMAGED", "VAR_LOST", "VAR_FOUND", "VAR_STOLEN", "VAR_SAMPLE", "WORN_DISPLAY"),
        *("VAR_MANUAL", "VAR_INTEGR", "VAR_EXT_RESET", "VAR_EQUAL_QOH_ATP", "VAR_SHIP_RECV"),
    }
)
"""The varianceReasonIds that HotWax documents or ships with; those of mis-shipments have a common start."""

_WITHOUT_STOCK = "VIRTUAL_FACILITY"
_MISSHIPPED = "VAR_MISSHIP_"
_MOST_STOCK = Decimal(999_999_999_999)
_NAMED_IN_COMMENT = re.compile(r"\bafter reset (\S+)", re.IGNORECASE)
_NAMED_IN_FILE_NAME = re.compile(r"-after-reset-(.+)\.csv$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Applied:
    """What a variance does to a stock; `short` is what a till sold that was not there."""

    delta: Decimal
    short: Decimal = Decimal(0)


def reset_before(file_name: str, comments: str | None) -> str | None:
    """Name the reset file that has to be applied before a variance; None where it belongs to none.

    A variance takes back what a reset counted too much, so without its reset it would be wrong. It names
    its reset in the comment (`after reset NAME`) or in its file's name (`...-after-reset-NAME.csv`). A
    variance that names none, such as a till's, stands by itself.
    """
    for pattern, text in ((_NAMED_IN_COMMENT, comments or ""), (_NAMED_IN_FILE_NAME, file_name)):
        if named := pattern.search(text):
            return named.group(1)
    return None


def product_of(variance: InventoryVariance) -> ProductName:
    """Give how the row names its product."""
    return product_name(None, None, variance.id_type, variance.id_value)


def place(
    key: str, variance: InventoryVariance, references: References, file_name: str
) -> tuple[str, str]:
    """Give facility id and product id of a row that may be applied, as far as the stock allows it.

    Raises:
        RecordRejected: with everything that the order store does not have, an unknown reason, or the
            reset that has to come first.
    """
    found = Findings(key)
    facility = found.attempt(_facility, variance, references)
    product_id = found.attempt(references.product, "", product_of(variance))
    reason = variance.variance_reason_id
    if reason not in REASONS and not reason.startswith(_MISSHIPPED):
        found.add("/varianceReasonId", reason[:200], "expected a varianceReasonId of HotWax")
    if reset := reset_before(file_name, variance.comments):
        # Resets are not taken yet, so none can have been applied.
        found.add(
            "/comments",
            reset[:200],
            "expected the reset that this variance belongs to, applied first; it was not",
        )
    if facility and facility.parent_facility_type_id == _WITHOUT_STOCK:
        found.add("/facilityId", facility.facility_id, "expected a facility that has stock")
    found.stop_if_any()
    return facility.facility_id if facility else "", product_id or ""


def apply(key: str, variance: InventoryVariance, on_hand: Decimal) -> Applied:
    """Say what a row does to the stock on hand.

    What a till sold is gone, so there the stock goes down to zero and the rest is short; every other
    change that would go below zero is refused whole.

    Raises:
        RecordRejected: the stock would be below zero or have too many digits.
    """
    delta = variance.available_delta
    if delta < 0 and variance.variance_reason_id == SOLD_AT_TILL:
        taken = take(on_hand, -delta)
        return Applied(-taken.quantity, taken.short)
    found = Findings(key)
    if on_hand + delta < 0:
        found.add(
            "/availableDelta",
            str(delta),
            f"expected a change that leaves 0 or more; {on_hand} are on hand. Correct the stock or "
            "the row",
        )
    if on_hand + delta > _MOST_STOCK:
        found.add("/availableDelta", str(delta), "expected a stock of at most 12 digits")
    found.stop_if_any()
    return Applied(delta)


def _facility(variance: InventoryVariance, references: References) -> Facility:
    """Give the facility of a row. Retail Pro's files have the external id in `facilityId` as well."""
    by_external_id = references.facilities_by_external_id
    named, external = variance.facility_id, variance.external_facility_id
    if named is None:
        return references.facility("/externalFacilityId", None, external)
    readings = {references.facilities.get(named), by_external_id.get(named)} - {None}
    if external is not None:
        readings &= {by_external_id.get(external)}
    facilities = [one for one in readings if one is not None]
    if len(facilities) != 1:
        several = "several have it" if facilities else "none has it"
        raise NotFound(
            "/facilityId", named, f"expected one facility of the order store, by its id; {several}"
        )
    return facilities[0]
