"""What a brand decides as a Prefect block; the settings are in `tillbridge.profile`."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import HttpUrl

from blocks.strict import StrictSettings
from tillbridge.profile import Profile


class ProductStoreProfile(StrictSettings, Profile, Block):
    """How the orders of one HotWax product store become Retail Pro invoices.

    Example:
        Look at the folders of a product store:

        ```python
        from blocks import ProductStoreProfile

        profile = ProductStoreProfile.load("BLOCK_NAME")
        print(profile.completed_orders_folder, profile.order_to_invoice_folder)
        ```
    """

    _block_type_name = "Product Store Profile"
    _block_type_slug = "product-store-profile"
    _logo_url = HttpUrl(
        "https://cdn.sanity.io/images/3ugk85nk/production/19edd8fc1eea9b0bbdcf0ee8c4f1ae6a5e3f8d51-250x250.png"
    )
    _documentation_url = HttpUrl("https://docs.prefect.io/v3/concepts/blocks")
