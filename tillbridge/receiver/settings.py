"""What the receiver's settings look like, as one form. It opens nothing.

The Prefect block and the `[receiver]` section of the configuration file inherit from `ReceiverOptions`,
so every description here is read in its form. Where the files go, and the database, are other blocks.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from tillbridge.contracts.json_limits import MOST_VALUES
from tillbridge.field_shapes import BodyBytes, NotEmpty, Port
from tillbridge.receiver import signatures

ClientName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
Secrets = Annotated[list[SecretStr], Field(max_length=2)]

_HEADER_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_SHORTEST_SECRET = 16
_TAKEN_HEADERS = {"authorization", "content-type", "content-length", "host", "connection"}


class TillCredentials(BaseModel):
    """What one client proves itself with. Two secrets of a kind are valid at once, for a rotation."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    bearer_tokens: Secrets = Field(
        default=[], description="Tokens it may send as `Authorization: Bearer …`."
    )
    api_keys: Secrets = Field(
        default=[], description="Keys it may send in the API key header (`api_key_header`)."
    )
    basic_user: str = Field(
        default="", max_length=100, description="User name of HTTP Basic authentication."
    )
    basic_passwords: Secrets = Field(default=[], description="Passwords of that user.")
    signing_secrets: Secrets = Field(
        default=[],
        description="Secrets (`whsec_…`) it may sign with, as Standard Webhooks says.",
    )
    stores: list[NotEmpty] = Field(
        default=[],
        description="The `storeId`s it may post sales and returns of; empty for every store.",
    )

    @field_validator("bearer_tokens", "api_keys", "basic_passwords")
    @classmethod
    def _long_enough(cls, secrets: list[SecretStr]) -> list[SecretStr]:
        if any(len(secret.get_secret_value()) < _SHORTEST_SECRET for secret in secrets):
            raise ValueError(
                f"a secret of at least {_SHORTEST_SECRET} characters, best made by chance"
            )
        return secrets

    @field_validator("signing_secrets")
    @classmethod
    def _can_sign(cls, secrets: list[SecretStr]) -> list[SecretStr]:
        for secret in secrets:
            signatures.key(secret.get_secret_value())
        return secrets

    @model_validator(mode="after")
    def _there_is_one(self) -> Self:
        if bool(self.basic_user) != bool(self.basic_passwords) or ":" in self.basic_user:
            raise ValueError("a basic_user (without a colon) together with its basic_passwords")
        if not self.all_secrets():
            raise ValueError("at least one token, key, password or signing secret")
        return self

    def all_secrets(self) -> list[str]:
        """Give every secret of this client."""
        kinds = (self.bearer_tokens, self.api_keys, self.basic_passwords, self.signing_secrets)
        return [secret.get_secret_value() for kind in kinds for secret in kind]


class ReceiverOptions(BaseModel):
    """Where the receiver listens, what its answers promise, and how much it takes at once."""

    model_config = ConfigDict(hide_input_in_errors=True)

    ack: Literal["sftp", "inbox"] = Field(
        default="sftp",
        description=(
            "What an answer promises: `sftp`, the TLog file is durably on SFTP (201); `inbox`, its bytes are "
            "committed in the database, and the file follows (202)."
        ),
    )
    profile: NotEmpty = Field(
        default="tillbridge",
        description="The Product Store Profile whose TLog folder (`tlog_folder`) the files go to.",
    )
    host: NotEmpty = Field(
        default="127.0.0.1",
        description="Address to listen on; leave it on loopback when the proxy is on this machine.",
    )
    port: Port = Field(default=8080, description="Port for the tills' proxy.")
    metrics_host: NotEmpty = Field(
        default="127.0.0.1", description="Address that Prometheus scrapes."
    )
    metrics_port: Port = Field(default=8081, description="Port of the metrics.")
    serve_openapi: bool = Field(
        default=True, description="Serve /openapi.json. Switch it off in production."
    )
    api_key_header: str = Field(
        default="x-api-key", description="Name of the header that carries an API key."
    )
    signature_tolerance_seconds: int = Field(
        default=300,
        ge=1,
        le=3600,
        description="How far the time in a signature may be from this machine's clock.",
    )
    largest_body_bytes: BodyBytes = Field(
        default=1024 * 1024, description="Largest TLog that is taken."
    )
    deepest: int = Field(
        default=32, ge=4, le=60, description="How deep a TLog's JSON may be nested."
    )
    most_lines: int = Field(
        default=1000, ge=1, description="Most lines in each of a TLog's two product lists."
    )
    longest_text: int = Field(
        default=4096, ge=100, description="Most characters of one text in a TLog."
    )
    most_values: int = Field(
        default=MOST_VALUES,
        ge=1000,
        description="Most values in a TLog; each list and object counts, too.",
    )
    header_seconds: float = Field(
        default=10, gt=0, le=60, description="Seconds until the head of a request must be there."
    )
    body_seconds: float = Field(
        default=10, gt=0, le=60, description="Seconds until its body must be there."
    )
    store_seconds: float = Field(
        default=20,
        gt=0,
        le=120,
        description="Seconds that storing may take before 503 is answered.",
    )
    requests_per_second: float = Field(
        default=20, gt=0, description="TLogs per second that one store of a client may keep up."
    )
    burst: int = Field(
        default=100, ge=1, description="TLogs that one store of a client may post at once."
    )
    client_requests_per_second: float = Field(
        default=200,
        gt=0,
        description="Requests per second that a client with all stores may keep up.",
    )
    client_burst: int = Field(
        default=1000, ge=1, description="Requests that a client with all stores may make at once."
    )
    turn_seconds: float = Field(
        default=5,
        ge=0,
        le=30,
        description="Seconds that a request of a known client waits for its turn before 429 is answered.",
    )
    parallel_requests: int = Field(
        default=64,
        ge=1,
        description="TLogs that are stored at the same time; others wait 5 seconds.",
    )
    most_connections: int = Field(
        default=800,
        ge=2,
        description="Open connections; beyond, the one that has waited longest for a head is closed.",
    )
    most_bytes_in_flight: int = Field(
        default=64 * 1024 * 1024,
        ge=1024,
        description="Bytes of bodies held in memory; one client may hold a quarter, and so may all unproved.",
    )
    most_kept_aside: int = Field(
        default=1000,
        ge=0,
        description="Documents of one client that are kept aside a day, in refused/ and conflict/.",
    )
    most_bytes_kept_aside: int = Field(
        default=100 * 1024 * 1024, ge=0, description="Bytes of them a day."
    )
    least_free_megabytes: int = Field(
        default=1024,
        ge=0,
        description="Free space on the SFTP server below which the receiver says that it is not ready.",
    )
    retry_after_seconds: int = Field(
        default=30, ge=1, description="Retry-After of an answer 503 when something is down."
    )
    notice_seconds: float = Field(
        default=30,
        gt=0,
        description="Shortest time between two events that tell Prefect of new TLogs.",
    )

    @field_validator("api_key_header")
    @classmethod
    def _header_can_be_sent(cls, name: str) -> str:
        name = name.lower()
        if not _HEADER_NAME.fullmatch(name) or name in _TAKEN_HEADERS:
            raise ValueError("the name of a header of its own, such as x-api-key")
        return name

    @model_validator(mode="after")
    def _one_body_fits(self) -> Self:
        if self.most_bytes_in_flight < self.largest_body_bytes:
            raise ValueError("most_bytes_in_flight of at least largest_body_bytes")
        return self


class ReceiverSettings(ReceiverOptions):
    """The options together with the clients."""

    model_config = ConfigDict(extra="forbid")

    clients: dict[ClientName, TillCredentials] = Field(min_length=1)

    @model_validator(mode="after")
    def _secrets_tell_clients_apart(self) -> Self:
        secrets = [
            secret for client in self.clients.values() for secret in set(client.all_secrets())
        ]
        if len(secrets) != len(set(secrets)):
            raise ValueError("clients with secrets of their own; two share one")
        return self
