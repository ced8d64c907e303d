"""What a retailer says about its Retail Pro endpoint: address, credential, limits, where things stand.

Values only: nothing here opens a connection. The Prefect block `RetailPro` inherits this model and
shows it as a form; `tillbridge.clients.retail_pro` uses it.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal, Self

import httpx
from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from tillbridge.contracts.invoice_answer import AnswerReading
from tillbridge.contracts.invoice_lookup import LookupReading
from tillbridge.field_shapes import BodyBytes, Pointer

MOST_PARALLEL_CALLS = 32
LONGEST_URL = 255
"""Orders are bound to their server by its address, which the ledger keeps in a column of so many characters."""

CredentialMode = Literal["none", "basic", "bearer", "api_key_header", "prism_session"]
Capability = Literal["L0", "L1", "L2", "L3"]

_NEEDS = {
    "none": (),
    "basic": ("user", "password"),
    "bearer": ("token",),
    "api_key_header": ("api_key", "api_key_header"),
    "prism_session": ("user", "password"),
}


class RetailProSettings(BaseModel):
    """Everything that is needed to call one Retail Pro server."""

    base_url: str = Field(
        max_length=LONGEST_URL,
        title="Base URL",
        description="Scheme, host and port of the Retail Pro server, without the paths below.",
        examples=["https://retailpro.example.com:8443"],
    )
    invoice_path: str = Field(
        default="/api/v1/Document/Ordertoinvoice",
        description="Path of the Order to Invoice call; upper and lower case count.",
    )
    credential_mode: CredentialMode = Field(
        default="none",
        description="How a call proves who sends it; Prism session logs in and holds one seat.",
    )
    user: str | None = Field(
        default=None, description="User name, for basic and Prism session.", examples=["tillbridge"]
    )
    password: SecretStr | None = Field(
        default=None, description="Password of that user, for basic and Prism session."
    )
    token: SecretStr | None = Field(default=None, description="Token, for bearer.")
    api_key: SecretStr | None = Field(
        default=None, title="API key", description="Key, for API key header."
    )
    api_key_header: str = Field(
        default="X-API-Key",
        pattern=r"^[A-Za-z0-9-]*$",
        title="API key header",
        description="Name of the header that carries the API key.",
    )
    session_work_station: str = Field(
        default="webclient",
        description="Work station whose licensed seat a Prism session takes.",
    )
    verify_tls: bool = Field(
        default=True,
        title="Verify TLS",
        description="Check the server's certificate; switch off in a closed test network only.",
    )
    ca_file: str | None = Field(
        default=None,
        title="CA file",
        description="PEM file with the certificate authority to trust instead of the public ones.",
        examples=["/etc/ssl/private-ca.pem"],
    )
    allow_clear_text: bool = Field(
        default=False,
        description="Send the credential to another machine over http://, where everybody on the line reads"
        " it with all customers; switch on in a closed test network only.",
    )
    connect_timeout: float = Field(
        default=5, gt=0, le=300, description="Seconds to wait for a connection."
    )
    read_timeout: float = Field(
        default=30, gt=0, le=600, description="Seconds to wait for the next piece of an answer."
    )
    deadline: float = Field(
        default=60,
        gt=0,
        le=900,
        description="Seconds that one call may last in total, however slowly the answer drips.",
    )
    parallel_calls: int = Field(
        default=8,
        ge=1,
        le=MOST_PARALLEL_CALLS,
        description="Calls that may be under way at the same time.",
    )
    calls_per_second: float = Field(
        default=0, ge=0, le=1000, description="Calls started per second at most; 0 is no limit."
    )
    max_answer_bytes: BodyBytes = Field(
        default=1024 * 1024,
        description="Longest answer that is read, in bytes; the rest of a longer one is left.",
    )
    answer: AnswerReading = Field(
        default_factory=AnswerReading,
        description="Where the answer to Order to Invoice says what came of the call.",
    )
    too_many_requests_is_unapplied: bool = Field(
        default=True,
        title="429 is unapplied",
        description="The server counts calls before it works on them, so a 429 made no invoice.",
    )
    capability: Capability = Field(
        default="L0",
        description="What happens to an order whose outcome is unknown. L0: it is parked for a person."
        " L1: its invoice is looked up and taken over; without one it is parked. L2: as L1, but without"
        " an invoice it is sent again. L3: it is sent again with the same key, by which the server"
        " knows it.",
    )
    quiet_minutes: float = Field(
        default=15,
        ge=0,
        description="Minutes after the last possible sending before an order is looked up; at least three"
        " times the longest time the server or a proxy works on a request.",
    )
    absent_minutes: float = Field(
        default=5,
        ge=0,
        description="Minutes between two look-ups that must agree that there is no invoice.",
    )
    lookup: LookupReading = Field(
        default_factory=LookupReading,
        description="How the invoices of one order are looked up, for L1 and L2.",
    )
    key_header: str = Field(
        default="Idempotency-Key",
        pattern=r"^[A-Za-z0-9-]+$",
        description="Name of the header that carries an order's key, for L3.",
    )
    key_hours: float = Field(
        default=24,
        gt=0,
        description="Hours that the server remembers a key; after that nothing is sent again with it.",
    )
    stock_path: str = Field(
        default="/v1/rest/inventory", description="Path of the paged stock query."
    )
    stock_page_size: int = Field(
        default=1000, ge=1, le=10_000, description="Rows asked for in one page of the stock query."
    )
    stock_most_rows: int = Field(
        default=2_000_000,
        ge=1,
        description="Rows of stock that are read at most; a stock query that gives more does not end.",
    )
    stock_most_megabytes: int = Field(
        default=256,
        ge=1,
        description="Megabytes of stock pages that are read at most.",
    )
    stock_deadline: float = Field(
        default=900,
        gt=0,
        le=7200,
        description="Seconds that reading all stock pages may last in total.",
    )
    stock_rows_pointer: Pointer = Field(
        default="",
        description="JSON pointer to the rows of a stock page; empty if the page is the list itself.",
        examples=["", "/data"],
    )
    stock_store_member: str = Field(
        default="store_code", description="Member of a stock row that holds the store code."
    )
    stock_upc_member: str = Field(
        default="upc", title="Stock UPC member", description="Member of a stock row with the UPC."
    )
    stock_quantity_member: str = Field(
        default="quantity", description="Member of a stock row that holds the quantity on hand."
    )

    @property
    def clear_text_problem(self) -> str | None:
        """What is wrong where the credential would be readable on the line, and what to do; else None."""
        if self.credential_mode == "none" or self.allow_clear_text or not self._is_in_clear:
            return None
        return (
            f"{self.base_url} is not encrypted, so whoever is on the line would read the credential"
            f" ({self.credential_mode}). Use https://, or set allow_clear_text in a closed test network"
        )

    @property
    def cautions(self) -> tuple[str, ...]:
        """What everybody who uses these settings should be told each time."""
        told = []
        if self._is_in_clear:
            told.append(
                f"{self.base_url} is not encrypted: whoever is on the line reads and changes what is said"
            )
        if not self.verify_tls and self.base_url.startswith("https:"):
            told.append(
                f"TLS of {self.base_url} is NOT verified (verify_tls is off): whoever is on the line may"
                " answer for it. Give the PEM file of your own authority as ca_file instead"
            )
        return tuple(told)

    @property
    def _is_in_clear(self) -> bool:
        url = _url(self.base_url)
        return url.scheme == "http" and not _is_this_machine(url.host)

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        url = _url(value)
        if url.scheme not in {"http", "https"} or not url.host:
            raise ValueError("an address such as https://retailpro.example.com:8443")
        if url.port is not None and not 0 < url.port < 65536:
            raise ValueError("an address with a port from 1 to 65535")
        if url.userinfo or url.query or url.fragment:
            raise ValueError("an address without user, password, query or fragment")
        return value.rstrip("/")

    @field_validator("invoice_path", "stock_path")
    @classmethod
    def _is_a_path(cls, value: str) -> str:
        url = _url(value)
        if not value.startswith("/") or url.host or url.query or url.fragment:
            raise ValueError("a path that starts with one / and has no query")
        return value

    @field_validator("token", "api_key")
    @classmethod
    def _fits_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        # The value must not be named: it is a secret.
        text = value.get_secret_value() if value else ""
        if not text.isascii() or not text.isprintable() or text != text.strip():
            raise ValueError("plain ASCII without spaces or line breaks around it")
        return value

    @model_validator(mode="after")
    def _has_its_secrets(self) -> Self:
        missing = [name for name in _NEEDS[self.credential_mode] if not _filled(self, name)]
        if missing:
            raise ValueError(
                f"credential_mode {self.credential_mode} needs {' and '.join(missing)}: fill it in"
            )
        return self

    @model_validator(mode="after")
    def _key_has_a_header_of_its_own(self) -> Self:
        taken = {"authorization", "auth-session", "content-type", self.api_key_header.lower()}
        if self.key_header.lower() in taken:
            raise ValueError(f"key_header {self.key_header} has another use: name another header")
        return self


def _filled(settings: RetailProSettings, name: str) -> bool:
    value = getattr(settings, name)
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _url(value: str) -> httpx.URL:
    try:
        return httpx.URL(value)
    except httpx.InvalidURL as error:
        raise ValueError(f"an address that can be read: {error}") from error
