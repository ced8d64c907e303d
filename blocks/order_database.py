"""The database of the ledger and the order store as a Prefect block."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr
from sqlalchemy import Engine

from blocks.schema_once import SchemaOnce
from blocks.strict import StrictSettings
from tillbridge.database.engine import connect
from tillbridge.database.schema import require_schema


class OrderDatabase(SchemaOnce, StrictSettings, Block):
    """The database that holds the invoice ledger and the order store.

    Example:
        Count the orders of a product store by state:

        ```python
        from blocks import OrderDatabase
        from tillbridge.invoicing.ledger import orders

        engine = OrderDatabase.load("BLOCK_NAME").get_engine()
        print(orders.counts(engine, "SV_STORE"))
        ```
    """

    _block_type_name = "Order Database"
    _block_type_slug = "order-database"
    _logo_url = HttpUrl(
        "https://cdn.sanity.io/images/3ugk85nk/production/fb3f4debabcda1c5a3aeea4f5b3f94c28845e23e-250x250.png"
    )
    _documentation_url = HttpUrl("https://docs.prefect.io/v3/concepts/blocks")

    url: SecretStr = Field(
        default=...,
        title="URL",
        description="Where the database is; a SQLite file on a local disk, or PostgreSQL.",
        examples=[
            "sqlite:////var/lib/tillbridge/tillbridge.db",
            "postgresql://tillbridge:secret@localhost:5432/tillbridge",
        ],
    )

    def get_engine(self) -> Engine:
        """Open the database.

        Raises:
            ConfigurationProblem: its schema is missing or of another version; run `tillbridge setup`.
        """
        engine = connect(self.url.get_secret_value())
        require_schema(engine)
        return engine
