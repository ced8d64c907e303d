"""How imported records name a product. Pure."""

from __future__ import annotations

from dataclasses import dataclass

_OTHER_NAMES = {"SHOPIFYPRODUCTID": "SHOPIFYPRODID", "SHOPIFYPRODUCTSKU": "SHOPIFYPRODSKU"}
_SKU = "SKU"
_PRODUCT_ID = "PRODUCTID"


@dataclass(frozen=True, slots=True)
class ProductName:
    """A product by its id, or by an identification of a type; `member` is where the value stood."""

    product_id: str | None = None
    type_id: str | None = None
    value: str | None = None
    member: str = "idValue"


def product_name(
    product_id: str | None, sku: str | None, id_type: str | None, id_value: str | None
) -> ProductName:
    """Say which of the ways to name a product a record uses: its id before its SKU before the rest."""
    if product_id is not None:
        return ProductName(product_id=product_id)
    if sku is not None:
        return ProductName(type_id=_SKU, value=sku, member="sku")
    if id_type is not None and flat_type(id_type) == _PRODUCT_ID:
        return ProductName(product_id=id_value)
    return ProductName(type_id=id_type, value=id_value)


def flat_type(type_id: str) -> str:
    """Give one spelling of a goodIdentificationTypeId.

    HotWax's own files write SHOPIFY_PROD_ID, Shopify_Prod_ID, shopifyProductId and Shopify Product Id.
    """
    flat = "".join(mark for mark in type_id.upper() if mark.isalnum())
    return _OTHER_NAMES.get(flat, flat)
