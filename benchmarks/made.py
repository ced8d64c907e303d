"""Generated orders, in the shapes the benchmarks feed in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sandbox.catalog import BRANDS
from sandbox.orders import feed_file
from tillbridge.contracts import json_text
from tillbridge.contracts.completed_orders import read_order
from tillbridge.errors import RecordRejected
from tillbridge.invoicing.transform import InvoiceRequest, transform
from tillbridge.profile import Profile, StoreCodes

BRAND = BRANDS[0]
PROFILE = Profile(
    product_store_id=BRAND.product_store_id,
    brand=BRAND.country,
    time_zone=BRAND.time_zone,
    currency=BRAND.currency,
    countries={BRAND.country_code: BRAND.country},
)
STORES = {
    facility.external_id: StoreCodes(
        invoicing_store=facility.invoicing_store_code, store=facility.store_code
    )
    for facility in BRAND.facilities
    if facility.invoicing_store_code and facility.store_code
}
_NUMBERS_APART = 1_000_000
_FEED_PER_GOOD = 1.25


def feed(path: Path, count: int) -> None:
    """Write a completed-orders feed of `count` orders, one in seven of which cannot be invoiced."""
    feed_file(path, count, seed=1, brands=(BRAND,))


def invoice_bodies(scratch: Path, count: int, series: int) -> list[bytes]:
    """Give `count` Order to Invoice requests; no order number is in two series."""
    path = scratch / f"feed-{series}.json"
    start = series * _NUMBERS_APART + 1
    feed_file(path, int(count * _FEED_PER_GOOD), seed=series, start=start, brands=(BRAND,))
    bodies = list(_bodies(path))[:count]
    path.unlink()
    if len(bodies) < count:
        raise ValueError(f"only {len(bodies)} of {count} orders can be invoiced")
    return bodies


def _bodies(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        for index, element in enumerate(json_text.read_array(stream, path.name)):
            try:
                result, _ = transform(read_order(element.value, index), PROFILE, STORES)
            except RecordRejected:
                continue
            if isinstance(result, InvoiceRequest):
                yield result.body
