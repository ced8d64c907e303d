"""Retail Pro as a Prefect block; the settings are in `tillbridge.clients.retail_pro_settings`."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import HttpUrl

from blocks.schema_once import SchemaOnce
from blocks.strict import StrictSettings
from blocks.telling import tell
from tillbridge.clients.retail_pro import RetailProClient
from tillbridge.clients.retail_pro_settings import RetailProSettings


class RetailPro(SchemaOnce, StrictSettings, RetailProSettings, Block):
    """A Retail Pro server and its Order to Invoice endpoint: address, credential, limits, answers.

    Example:
        Read the stock:

        ```python
        from blocks import RetailPro

        retail_pro = RetailPro.load("BLOCK_NAME")
        with retail_pro.get_client() as client:
            for row in client.read_stock():
                print(row)
        ```
    """

    _block_type_name = "Retail Pro"
    _block_type_slug = "retail-pro"
    _logo_url = HttpUrl(
        "https://cdn.sanity.io/images/3ugk85nk/production/19edd8fc1eea9b0bbdcf0ee8c4f1ae6a5e3f8d51-250x250.png"
    )
    _documentation_url = HttpUrl("https://docs.prefect.io/v3/concepts/blocks")

    def get_client(self) -> RetailProClient:
        """Give a client for this server; use it in a `with` block. It connects when first used.

        Raises:
            ConfigurationProblem: the CA file cannot be used, or the credential may not go over this line.
        """
        tell(self.cautions)
        return RetailProClient(self)
