"""The TLog receiver as a Prefect block; its options are in `tillbridge.receiver.settings`."""

from __future__ import annotations

from typing import Any, Self

from prefect.blocks.core import Block
from prefect.types import SecretDict
from pydantic import Field, HttpUrl, ValidationError, model_validator

from blocks.schema_once import SchemaOnce
from blocks.strict import StrictSettings
from tillbridge.receiver.settings import ReceiverOptions, ReceiverSettings


class TillReceiver(SchemaOnce, StrictSettings, ReceiverOptions, Block):
    """The HTTP receiver that takes the TLogs of the tills: its clients, limits and promises.

    Example:
        See what the answers of the receiver promise:

        ```python
        from blocks import TillReceiver

        till_receiver = TillReceiver.load("BLOCK_NAME")
        print(till_receiver.ack)
        ```
    """

    _block_type_name = "Till Receiver"
    _block_type_slug = "till-receiver"
    _logo_url = HttpUrl(
        "https://cdn.sanity.io/images/3ugk85nk/production/19edd8fc1eea9b0bbdcf0ee8c4f1ae6a5e3f8d51-250x250.png"
    )
    _documentation_url = HttpUrl("https://docs.prefect.io/v3/concepts/blocks")

    # Prefect masks secrets in a SecretDict whole, and those in a table of models not at all.
    clients: SecretDict = Field(
        default=...,
        title="Clients",
        description=(
            "The clients by name, each with its credentials: bearer_tokens, api_keys, basic_user and "
            "basic_passwords, signing_secrets."
        ),
    )

    @model_validator(mode="after")
    def _clients_can_prove_themselves(self) -> Self:
        try:
            self.get_settings()
        except ValidationError as problem:
            # The error itself quotes what was entered, which are secrets.
            raise ValueError(
                "; ".join(
                    f"{'.'.join(map(str, error['loc']))}: {error['msg']}"
                    for error in problem.errors(include_url=False, include_input=False)
                )
            ) from None
        return self

    def get_settings(self) -> ReceiverSettings:
        """Give the settings with the clients' credentials."""
        options: dict[str, Any] = {
            name: getattr(self, name) for name in ReceiverOptions.model_fields
        }
        return ReceiverSettings(**options, clients=self.clients.get_secret_value())
