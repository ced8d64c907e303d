"""What a brand decides about the TLogs of its tills. Members of PredictSpring are named as there."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Treatment = Literal["in_store", "endless_aisle", "pickup", "quarantine"]


def one_spelling(folder: str) -> str:
    """Give a folder without a slash at its end.

    Raises:
        ValueError: it does not lie below the root of the server.
    """
    if not folder or folder.startswith("/") or ".." in folder.split("/"):
        raise ValueError("a folder below the root of the SFTP server, without '..'")
    return folder.rstrip("/")


class LineRule(BaseModel):
    """One row of the decision table. A text that is left out (null) fits a line without that member."""

    model_config = ConfigDict(extra="forbid")

    omni_fulfillment_type: str | None = Field(
        default=None,
        description="`omniFulfillmentType` of the line; * fits any, null a line without.",
    )
    fulfillment_type: str | None = Field(
        default="*", description="`fulfillmentType` of the line; * fits any, null a line without."
    )
    order_status: str | None = Field(
        default="*", description="`orderStatus` of the order; * fits any, null an order without."
    )
    treat_as: Treatment = Field(description="What becomes of the line.")


def _default_lines() -> list[LineRule]:
    pickups = ("BOPIS", "BOPS", "BOSS", "ROPIS", "STORE_PICKUP", "PICKUP", "PICKUP_IN_STORE")
    return [
        LineRule(
            omni_fulfillment_type="IN_STORE", fulfillment_type="IN_STORE", treat_as="in_store"
        ),
        LineRule(omni_fulfillment_type="IN_STORE", fulfillment_type=None, treat_as="in_store"),
        LineRule(omni_fulfillment_type="SHIP_TO_HOME", treat_as="endless_aisle"),
        *(LineRule(omni_fulfillment_type=name, treat_as="pickup") for name in pickups),
        LineRule(fulfillment_type="IN_STORE", treat_as="in_store"),
        LineRule(fulfillment_type="ONLINE", treat_as="endless_aisle"),
        LineRule(fulfillment_type=None, order_status="CREATED", treat_as="endless_aisle"),
        LineRule(fulfillment_type=None, order_status="COMPLETED", treat_as="in_store"),
    ]


class SequenceRule(BaseModel):
    """How a sale's order number says which register made it and which number in its row it has."""

    model_config = ConfigDict(extra="forbid")

    pattern: str = Field(
        default=r"^(?P<register>.*?)(?P<number>[0-9]+)$",
        description="Regular expression with the groups `register` and `number`, for `orderId`.",
    )
    report_after_minutes: int = Field(
        default=60, ge=0, description="A number that is missing for so long is reported."
    )
    longest_gap: int = Field(
        default=1000,
        ge=1,
        description="A longer row of missing numbers counts as a new start of the register.",
    )

    @field_validator("pattern")
    @classmethod
    def _has_groups(cls, value: str) -> str:
        try:
            groups = re.compile(value).groupindex
        except re.error as problem:
            raise ValueError(f"{value!r} is no regular expression: {problem}") from problem
        if {"register", "number"} - groups.keys():
            raise ValueError(f"{value!r} lacks the groups (?P<register>…) and (?P<number>…)")
        return value


class TillSettings(BaseModel):
    """How the TLogs of one brand's tills become orders, returns and inventory variances."""

    model_config = ConfigDict(extra="forbid")

    oms_is_order_master: bool = Field(
        default=True,
        description="In-store sales become orders; if not, they only change stock.",
    )
    variance_source: Literal["tlog", "predictspring"] = Field(
        default="tlog",
        description="Where the OMS is not order master: who makes the inventory variance.",
    )
    lines: list[LineRule] = Field(
        default_factory=_default_lines,
        description="The decision table: the first row that fits a line says what becomes of it.",
    )
    cancelled_statuses: list[str] = Field(
        default=["CANCELLED", "CANCELED", "VOIDED"],
        description="`itemStatus` of lines that were not sold after all; they cost and move nothing.",
    )
    stores: dict[str, str] = Field(
        default={},
        description="externalId of the facility by `storeId`; a store that is not named keeps its id.",
        examples=[{"256": "SV-A32"}],
    )
    unknown_store: Literal["quarantine", "accept"] = Field(
        default="quarantine",
        description="What to do with a sale of a store that neither this table nor the order store has.",
    )
    upc_type: str = Field(
        default="UPCA", description="goodIdentificationTypeId of the lines' `gtin`."
    )
    product_id_type: str = Field(
        default="SKU",
        description="goodIdentificationTypeId of the lines' `productId`, used where `gtin` is missing.",
    )
    shipment_method: str = Field(
        default="STANDARD", description="shipmentMethodTypeId of Endless Aisle lines."
    )
    sales_channel: str = Field(
        default="POS_SALES_CHANNEL", description="salesChannelEnumId of the orders."
    )
    order_identification: str = Field(
        default="POS_ORDER_ID",
        description="orderIdentificationTypeId under which the order keeps its `orderId`.",
    )
    payment_methods: dict[str, str] = Field(
        default={"Cash": "CASH", "CreditCard": "CREDIT_CARD", "GiftCard": "GIFT_CARD"},
        description="paymentMethodTypeId by `paymentMethod` of a tender.",
    )
    other_payment_method: str = Field(
        default="EXT_OFFLINE", description="paymentMethodTypeId of every other tender."
    )
    refused_tenders: list[str] = Field(
        default=["DECLINED", "VOIDED", "CANCELLED", "CANCELED", "FAILED", "REFUSED", "PENDING"],
        description="`paymentStatus` of tenders that paid nothing, or nothing yet.",
    )
    refund_tenders: list[str] = Field(
        default=["REFUNDED", "REFUND"],
        description="`paymentStatus` of tenders that were paid out; negative ones are too.",
    )
    prices_include_tax: bool = Field(
        default=False,
        description="Whether prices hold the tax already; then it is kept as an attribute of the item.",
    )
    shipping_members: list[str] = Field(
        default=["shippingAmount", "shippingTotal", "shippingCost", "shippingCharge"],
        description="Members of the order that hold its shipping charge; the first found counts.",
    )
    amount_mismatch: Literal["quarantine", "warn"] = Field(
        default="quarantine", description="What to do with a sale whose amounts do not add up."
    )
    latest_minutes_ahead: int = Field(
        default=60,
        ge=0,
        description="A sale dated further than this after its file arrived is quarantined.",
    )
    location_seq_id: str = Field(
        default="TLTLTLLL01", description="locationSeqId of the inventory variance."
    )
    variance_reason: str = Field(
        default="POS_SALE", description="varianceReasonId of the inventory variance."
    )
    sequence: SequenceRule = Field(
        default_factory=SequenceRule, description="How missing sales are noticed."
    )
    exchange_half_after_hours: int = Field(
        default=24,
        ge=1,
        description="Half of an exchange without the other is reported after that.",
    )
    files_at_once: int = Field(
        default=500, ge=1, le=5000, description="TLogs that are taken and handed on together."
    )
    tlog_folder: str = Field(default="predictspring/tlog", description="SFTP folder of the TLogs.")
    end_of_day_folder: str = Field(
        default="predictspring/end-of-day",
        description="SFTP folder of PredictSpring's daily batch files.",
    )
    predictspring_variance_folder: str = Field(
        default="predictspring/inventory-variance",
        description="SFTP folder of inventory variances that PredictSpring makes itself.",
    )
    order_import_folder: str = Field(
        default="hotwax/order-import", description="SFTP folder of the orders for HotWax."
    )
    return_import_folder: str = Field(
        default="hotwax/return-import", description="SFTP folder of the returns for HotWax."
    )
    inventory_variance_folder: str = Field(
        default="hotwax/inventory-variance",
        description="SFTP folder of the inventory variances for HotWax.",
    )

    @field_validator(
        "tlog_folder",
        "end_of_day_folder",
        "predictspring_variance_folder",
        "order_import_folder",
        "return_import_folder",
        "inventory_variance_folder",
    )
    @classmethod
    def _one_spelling(cls, value: str) -> str:
        return one_spelling(value)

    @property
    def folders(self) -> tuple[str, ...]:
        """Every exchange folder of this journey."""
        return tuple(
            getattr(self, name) for name in type(self).model_fields if name.endswith("_folder")
        )
