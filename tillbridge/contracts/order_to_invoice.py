"""Retail Pro's "Order to Invoice" request, versions 1 and 2, with every published length and rule.

Version 2 adds `TypeDocument` and the four members for a tax-credit invoice. Amounts are (10,4): at most
ten digits, four of them decimals. Source: HotWax's description of the endpoint; `Phone` stands in its
template and sample but in no table, so it is passed on without a rule.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_pascal

from tillbridge import money
from tillbridge.contracts import json_text
from tillbridge.errors import Finding

LARGEST_AMOUNT = Decimal("999999.9999")

Amount = Annotated[Decimal, BeforeValidator(money.parse), Field(ge=0, le=LARGEST_AMOUNT)]
Quantity = Annotated[Decimal, BeforeValidator(money.parse), Field(gt=0, le=LARGEST_AMOUNT)]
StoreCode = Annotated[str, Field(min_length=1, max_length=5)]


def _local_to_the_second(moment: datetime) -> datetime:
    if moment.tzinfo is not None or moment.microsecond:
        raise ValueError("a local time such as 2026-11-22T09:30:00, without zone and fraction")
    return moment


LocalDatetime = Annotated[
    datetime,
    AfterValidator(_local_to_the_second),
    PlainSerializer(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S")),
]
"""Local time of the store; the endpoint takes no zone and no fraction."""


class _Document(BaseModel):
    model_config = ConfigDict(
        extra="forbid", alias_generator=to_pascal, populate_by_name=True, frozen=True
    )


class CustomerV1(_Document):
    """`CustomerBilling` and `CustomerShipping` have the same members."""

    first_name: str = Field(min_length=1, max_length=30)
    last_name: str = Field(min_length=1, max_length=30)
    email: str = Field(min_length=1, max_length=60)
    address1: str = Field(min_length=1, max_length=40)
    address2: str | None = Field(default=None, max_length=40)
    city: str | None = Field(default=None, max_length=40)
    country: str | None = Field(default=None, max_length=40)
    no_document: str = Field(min_length=1, max_length=20)
    phone: str | None = None


class CustomerV2(CustomerV1):
    """Version 2 also wants the kind of the identity document."""

    type_document: str = Field(min_length=1, max_length=40)


class Item(_Document):
    """One line. Prices and taxes are for one unit; the `Orig` ones are before discount."""

    upc: str = Field(alias="UPC", min_length=1, max_length=19)
    orig_price: Amount
    orig_tax: Amount
    price: Amount
    tax: Amount
    qty: Quantity
    store_orig: StoreCode
    store_dest: StoreCode | None = None


class _OrderToInvoice(_Document):
    invoicing_store: StoreCode
    order_no: str = Field(min_length=1, max_length=9)
    created_date: LocalDatetime
    delivery_type: Literal[1, 2]
    payment_type: Literal[1, 2]
    total_amt: Amount
    total_disc_amt: Amount | None = None
    shipping_amt: Amount | None = None
    items: tuple[Item, ...] = Field(min_length=1)


class OrderToInvoiceV1(_OrderToInvoice):
    """The request as first published."""

    customer_billing: CustomerV1
    customer_shipping: CustomerV1


class OrderToInvoiceV2(_OrderToInvoice):
    """The request with identity document kinds and tax-credit (fiscal credit) invoices."""

    fiscal_credit: Literal["true", "false"] | bool
    company_id: str | None = Field(default=None, max_length=20)
    company_name: str | None = Field(default=None, max_length=30)
    company_address: str | None = Field(default=None, max_length=80)
    customer_billing: CustomerV2
    customer_shipping: CustomerV2

    @model_validator(mode="after")
    def _company_of_a_fiscal_credit(self) -> OrderToInvoiceV2:
        wanted = self.fiscal_credit in (True, "true")
        missing = [
            name
            for name in ("company_id", "company_name", "company_address")
            if wanted and not getattr(self, name)
        ]
        if missing:
            names = ", ".join(to_pascal(name) for name in missing)
            raise ValueError(f"{names}, because FiscalCredit is true")
        return self


OrderToInvoice = OrderToInvoiceV1 | OrderToInvoiceV2

_VERSIONS: dict[int, type[OrderToInvoiceV1 | OrderToInvoiceV2]] = {
    1: OrderToInvoiceV1,
    2: OrderToInvoiceV2,
}


def check(members: dict[str, Any], version: Literal[1, 2]) -> OrderToInvoice | tuple[Finding, ...]:
    """Hold a request against the published contract: the request, or everything that is wrong."""
    try:
        return _VERSIONS[version].model_validate(members)
    except ValidationError as problem:
        return tuple(
            Finding(
                json_text.pointer(*error["loc"]),
                None if isinstance(error["input"], dict | list | tuple) else str(error["input"]),
                _expectation(error),
            )
            for error in problem.errors(include_url=False)
        )


def write(request: OrderToInvoice) -> dict[str, Any]:
    """Give the members the endpoint takes; optional ones without a value are left out."""
    return request.model_dump(by_alias=True, exclude_none=True)


def _expectation(error: Any) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "missing" | "string_too_short" | "too_short":
            return "Order to Invoice needs a value here"
        case "string_too_long":
            length = len(error["input"])
            return f"Order to Invoice takes at most {context['max_length']} characters, this has {length}"
        case "less_than_equal":
            return f"Order to Invoice takes amounts (10,4), at most {context['le']}"
        case "greater_than_equal":
            return "Order to Invoice takes no negative amount here"
        case "greater_than":
            return "Order to Invoice takes a quantity above zero"
        case "value_error":
            return f"expected {context['error']}"
        case _:
            return str(error["msg"])
