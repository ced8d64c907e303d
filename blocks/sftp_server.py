"""The SFTP server as a Prefect block; what its settings mean is in `tillbridge.clients.sftp_settings`."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import HttpUrl

from blocks.schema_once import SchemaOnce
from blocks.strict import StrictSettings
from tillbridge.clients.sftp import SftpClient
from tillbridge.clients.sftp_settings import SftpSettings


class SftpServer(SchemaOnce, StrictSettings, SftpSettings, Block):
    """The SFTP server on which HotWax Commerce, Retail Pro and PredictSpring hand over files.

    Example:
        List the completed-orders feeds that wait:

        ```python
        from blocks import SftpServer

        sftp_server = SftpServer.load("BLOCK_NAME")
        with sftp_server.get_client() as client:
            print(client.list("hotwax/completed-orders"))
        ```
    """

    _block_type_name = "SFTP Server"
    _block_type_slug = "sftp-server"
    _logo_url = HttpUrl(
        "https://cdn.sanity.io/images/3ugk85nk/production/19edd8fc1eea9b0bbdcf0ee8c4f1ae6a5e3f8d51-250x250.png"
    )
    _documentation_url = HttpUrl("https://docs.prefect.io/v3/concepts/blocks")

    def get_client(self) -> SftpClient:
        """Give a client for this server; use it in a `with` block. It connects when first used."""
        return SftpClient(self)
