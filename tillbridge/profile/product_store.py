"""Everything a brand decides, in one typed document.

The rules in `tillbridge.invoicing` and `tillbridge.ingestion` read it; the Prefect block
`ProductStoreProfile` is this document with a form around it. It holds no secret and no address of a server.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, field_validator, model_validator

from tillbridge.field_shapes import NotEmpty
from tillbridge.profile.tills import TillSettings, one_spelling

Code = Literal[1, 2]
Names = list[str]
StoreCode = Annotated[str, Field(min_length=1, max_length=5)]


class StoreCodes(BaseModel):
    """The two codes of one facility in Retail Pro; header and lines may use different code sets."""

    invoicing_store: StoreCode = Field(
        description="Code used as InvoicingStore, at most 5 characters.", examples=["SVA32"]
    )
    store: StoreCode = Field(
        description="Code used as StoreOrig and StoreDest, at most 5 characters.", examples=["A32"]
    )


class Profile(BaseModel):
    """How the orders of one HotWax product store become Retail Pro invoices."""

    product_store_id: str = Field(
        min_length=1,
        max_length=60,
        description="HotWax productStoreId whose orders are invoiced.",
        examples=["SV_STORE"],
    )
    brand: NotEmpty = Field(description="Name of the brand, shown in reports.")
    time_zone: str = Field(
        default="UTC",
        description="IANA time zone of the stores; CreatedDate and reports are written in it.",
        examples=["America/El_Salvador"],
    )
    currency: str = Field(
        default="USD",
        pattern="^[A-Z]{3}$",
        description="Currency of invoice files that tillbridge did not make itself.",
    )
    request_version: Code = Field(
        default=2, description="Version of the Order to Invoice request the endpoint takes."
    )
    order_number_source: str = Field(
        default="SHOPIFY_ORD_NO",
        description="HotWax orderIdentificationTypeId that becomes OrderNo (at most 9 characters).",
        examples=["SHOPIFY_ORD_NO", "SHOPIFY_ORD_NAME"],
    )
    order_number_strip: str = Field(
        default="",
        description="Regular expression; what it matches is taken out of the order number.",
        examples=["^#", "^[A-Z]+#"],
    )
    look_alike_numbers: Literal["hold", "allow"] = Field(
        default="hold",
        description="What to do with an order number that differs from a known one of another order only in "
        "case, blanks, leading zeros, a plus sign or a fraction of zeros: hold the order, or allow it.",
    )
    similar_order_days: int = Field(
        default=7,
        ge=0,
        le=90,
        description="An order with customer, total and lines of another one that was sent in so many days "
        "is told in the report, and sent; 0 is never.",
    )
    excluded_channels: Names = Field(
        default=["POS_CHANNEL", "POS_SALES_CHANNEL"],
        description="Sales channels that are not invoiced, because the till has done it.",
    )
    invoicing_location: Literal["last", "first"] = Field(
        default="last",
        description="Which store of a multi-facility order is invoiced: the last or first to ship.",
    )
    delivery_types: dict[str, Code] = Field(
        default={"STOREPICKUP": 1},
        description="DeliveryType by slaShipmentMethodTypeId: 1 in store, 2 at home.",
    )
    other_delivery_type: Code = Field(
        default=2, description="DeliveryType of every other shipment method."
    )
    mixed_delivery_type: Literal["quarantine", 1, 2] = Field(
        default="quarantine",
        description="DeliveryType of an order with both kinds of lines, or quarantine it.",
    )
    payment_types: dict[str, Code] = Field(
        default={"EXT_SHOP_CASH_ON_DEL": 2},
        description="PaymentType by paymentMethodTypeId: 1 card, 2 cash on delivery.",
    )
    other_payment_type: Code = Field(
        default=1, description="PaymentType of every other payment method."
    )
    missing_payment_type: Literal["quarantine", 1, 2] = Field(
        default="quarantine",
        description="PaymentType of an order without payments in the feed, or quarantine it.",
    )
    upc_sources: Names = Field(
        default=["UPCA"],
        min_length=1,
        description="HotWax goodIdentificationTypeIds that may become UPC; the first found is used.",
        examples=[["UPCA", "SKU"]],
    )
    document_attribute: str = Field(
        default="customerId",
        description="Order attribute with the number of the customer's identity document.",
    )
    document_type_attribute: str = Field(
        default="documentType",
        description="Order attribute with the kind of the identity document (version 2).",
    )
    fiscal_credit_attribute: str = Field(
        default="taxCredit",
        description="Order attribute that asks for a tax-credit invoice; absent means no (version 2).",
    )
    company_id_attribute: str = Field(
        default="companyId", description="Order attribute with the company's tax id."
    )
    company_name_attribute: str = Field(
        default="companyName", description="Order attribute with the company's name."
    )
    company_address_attribute: str = Field(
        default="companyAddress", description="Order attribute with the company's address."
    )
    fiscal_credit_form: Literal["text", "boolean"] = Field(
        default="text", description='Whether FiscalCredit is sent as "true" or as true.'
    )
    missing_fields: dict[
        Literal["Email", "Address1", "NoDocument", "TypeDocument", "LastName"], str
    ] = Field(
        default={},
        description="Values for required customer fields that an order lacks; else it is quarantined.",
        examples=[{"TypeDocument": "dui"}],
    )
    discount_adjustments: Names = Field(
        default=["EXT_PROMO_ADJUSTMENT", "PROMOTION_ADJUSTMENT", "DISCOUNT_ADJUSTMENT"],
        description="HotWax orderAdjustmentTypeIds that lower the price of the lines.",
    )
    tax_adjustments: Names = Field(
        default=["SALES_TAX", "VAT_TAX", "GST_TAX"],
        description="HotWax orderAdjustmentTypeIds that are the tax of the lines.",
    )
    shipping_adjustments: Names = Field(
        default=["SHIPPING_CHARGES", "EXT_SHIP_ADJUSTMENT"],
        description="HotWax orderAdjustmentTypeIds that add up to ShippingAmt.",
    )
    total_amount: Literal["grand_total", "without_shipping"] = Field(
        default="grand_total", description="What TotalAmt is."
    )
    original_tax: Literal["scaled", "same"] = Field(
        default="scaled",
        description="OrigTax: the tax scaled by OrigPrice / Price, or the same as Tax.",
    )
    amount_mismatch: Literal["quarantine", "warn"] = Field(
        default="quarantine",
        description="What to do with an order whose amounts do not add up to its grandTotal.",
    )
    countries: dict[str, str] = Field(
        default={},
        description="Country by HotWax countryGeoCode, where the feed has no country name.",
        examples=[{"SV": "El Salvador"}],
    )
    stores: dict[str, StoreCodes] = Field(
        default={},
        description="Retail Pro's codes by facilityExternalId; they win over the order store's.",
    )
    stock_deducted_at: Literal["invoicing_store", "line_store"] = Field(
        default="invoicing_store",
        description="The store whose stock Retail Pro lowers when it makes the invoice.",
    )
    completed_orders_folder: str = Field(
        default="hotwax/completed-orders", description="SFTP folder of the completed-orders feeds."
    )
    completed_orders_manifest: bool = Field(
        default=False,
        description="Take a feed only with its manifest NAME.manifest.json beside it, and compare the two.",
    )
    order_to_invoice_folder: str = Field(
        default="retail-pro/order-to-invoice", description="SFTP folder of the invoice requests."
    )
    tills: TillSettings = Field(
        default_factory=TillSettings, description="What becomes of the TLogs of this brand's tills."
    )
    largest_file_megabytes: int = Field(
        default=300, ge=1, le=4096, description="Larger files are quarantined without being read."
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, OSError, ValueError) as problem:
            raise ValueError(
                f"{value!r} is no IANA time zone; use one such as America/El_Salvador"
            ) from problem
        return value

    @field_validator("order_number_strip")
    @classmethod
    def _valid_pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as problem:
            raise ValueError(f"{value!r} is no regular expression: {problem}") from problem
        return value

    @field_validator("completed_orders_folder", "order_to_invoice_folder")
    @classmethod
    def _one_spelling(cls, value: str) -> str:
        return one_spelling(value)

    @model_validator(mode="after")
    def _folders_of_their_own(self) -> Self:
        """Refuse two purposes of one folder: a feed would be read as an invoice request."""
        folders = (self.completed_orders_folder, self.order_to_invoice_folder, *self.tills.folders)
        shared = sorted(folder for folder, times in Counter(folders).items() if times > 1)
        if shared:
            raise ValueError(f"the folders of two purposes must differ; both are {shared[0]}")
        return self
