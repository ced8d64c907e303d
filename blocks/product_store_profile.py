"""What a brand decides as a Prefect block, and the blocks that are its own.

The brand's rules are in `tillbridge.profile`; `blocks.brand` loads what is named here.
"""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl

from blocks.loading import BlockName
from blocks.schema_once import SchemaOnce
from blocks.strict import StrictSettings
from tillbridge.profile import Profile


class ProductStoreProfile(SchemaOnce, StrictSettings, Profile, Block):
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

    retail_pro: BlockName = Field(
        default="tillbridge",
        title="Retail Pro block",
        description="Name of the Retail Pro block whose server invoices the orders.",
    )
    sftp_server: BlockName = Field(
        default="tillbridge",
        title="SFTP Server block",
        description="Name of the SFTP Server block where the files are handed over.",
    )
    order_database: BlockName = Field(
        default="tillbridge",
        title="Order Database block",
        description="Name of the Order Database block that holds the ledger and the order store.",
    )
    mail_notification: BlockName = Field(
        default="tillbridge",
        title="Mail Notification block",
        description="Name of the Mail Notification block that sends the failure reports.",
    )
