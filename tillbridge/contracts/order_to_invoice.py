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
    PlainValidator,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_pascal

from tillbridge import money
from tillbridge.contracts import json_text
from tillbridge.contracts.members import Lines, too_many
from tillbridge.errors import Finding

LARGEST_AMOUNT = Decimal("999999.9999")
_CLEAN_ASCII = "^[!-~]([ -~]*[!-~])?$"
"""Order numbers and store codes are keys, here and at the far end: nothing in them may be invisible."""

Amount = Annotated[Decimal, BeforeValidator(money.parse), Field(ge=0, le=LARGEST_AMOUNT)]
Quantity = Annotated[Decimal, BeforeValidator(money.parse), Field(gt=0, le=LARGEST_AMOUNT)]
StoreCode = Annotated[str, Field(max_length=5, pattern=_CLEAN_ASCII)]


def _number(value: object) -> object:
    # True is 1 in Python, but not in JSON.
    if isinstance(value, bool):
        raise ValueError("1 or 2")
    return value


OneOrTwo = Annotated[Literal[1, 2], BeforeValidator(_number)]


def _true_or_false(value: object) -> object:
    if isinstance(value, bool) or value in ("true", "false"):
        return value
    raise ValueError('true, false, "true" or "false"')


def _at_least_one(items: tuple[Item, ...]) -> tuple[Item, ...]:
    # Not a minimum length, which pydantic also finds missed when the only item is wrong.
    if not items:
        raise ValueError("at least one item")
    return items


def _local_to_the_second(moment: datetime) -> datetime:
    if moment.tzinfo is not None or moment.microsecond:
        raise ValueError("a local time such as 2026-11-22T09:30:00, without zone and fraction")
    return moment


LocalDatetime = Annotated[
    datetime,
    AfterValidator(_local_to_the_second),
    PlainSerializer(lambda moment: moment.isoformat(timespec="seconds")),
]
"""Local time of the store; the endpoint takes no zone and no fraction."""


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_pascal, frozen=True)


class CustomerV1(_Document):
    """`CustomerBilling` and `CustomerShipping` have the same members."""

    first_name: str = Field(max_length=30, pattern=r"\S")
    last_name: str = Field(max_length=30, pattern=r"\S")
    email: str = Field(max_length=60, pattern=r"\S")
    address1: str = Field(max_length=40, pattern=r"\S")
    address2: str | None = Field(default=None, max_length=40)
    city: str | None = Field(default=None, max_length=40)
    country: str | None = Field(default=None, max_length=40)
    no_document: str = Field(max_length=20, pattern=r"\S")
    phone: str | None = None


class CustomerV2(CustomerV1):
    """Version 2 also wants the kind of the identity document."""

    type_document: str = Field(max_length=40, pattern=r"\S")


class Item(_Document):
    """One line. Prices and taxes are for one unit; the `Orig` ones are before discount."""

    upc: str = Field(alias="UPC", max_length=19, pattern=r"\S")
    orig_price: Amount
    orig_tax: Amount
    price: Amount
    tax: Amount
    qty: Quantity
    store_orig: StoreCode
    store_dest: str | None = Field(default=None, max_length=5)


class _OrderToInvoice(_Document):
    invoicing_store: StoreCode
    order_no: str = Field(max_length=9, pattern=_CLEAN_ASCII)
    created_date: LocalDatetime
    delivery_type: OneOrTwo
    payment_type: OneOrTwo
    total_amt: Amount
    total_disc_amt: Amount | None = None
    shipping_amt: Amount | None = None
    items: Annotated[Lines[Item], AfterValidator(_at_least_one)]


class OrderToInvoiceV1(_OrderToInvoice):
    """The request as first published."""

    customer_billing: CustomerV1
    customer_shipping: CustomerV1


class OrderToInvoiceV2(_OrderToInvoice):
    """The request with identity document kinds and tax-credit (fiscal credit) invoices."""

    fiscal_credit: Annotated[Literal["true", "false"] | bool, PlainValidator(_true_or_false)]
    company_id: str | None = Field(default=None, max_length=20, validate_default=True)
    company_name: str | None = Field(default=None, max_length=30, validate_default=True)
    company_address: str | None = Field(default=None, max_length=80, validate_default=True)
    customer_billing: CustomerV2
    customer_shipping: CustomerV2

    @field_validator("company_id", "company_name", "company_address")
    @classmethod
    def _company_of_a_fiscal_credit(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("fiscal_credit") in (True, "true") and not (value or "").strip():
            raise ValueError("a value, because FiscalCredit is true")
        return value


OrderToInvoice = OrderToInvoiceV1 | OrderToInvoiceV2

_VERSIONS: dict[int, type[OrderToInvoiceV1 | OrderToInvoiceV2]] = {
    1: OrderToInvoiceV1,
    2: OrderToInvoiceV2,
}


def check(members: dict[str, Any], version: Literal[1, 2]) -> OrderToInvoice | tuple[Finding, ...]:
    """Hold a request against the published contract: the request, or everything that is wrong."""
    model = _VERSIONS[version]
    try:
        return model.model_validate(members)
    except ValidationError as problem:
        if flood := too_many(problem):
            return (flood,)
        return tuple(
            Finding(
                json_text.pointer(*_place(error, model)),
                json_text.shown(_value(error)),
                _expectation(error),
            )
            for error in problem.errors(include_url=False)
        )


def write(request: OrderToInvoice) -> dict[str, Any]:
    """Give the members the endpoint takes; optional ones without a value are left out."""
    return request.model_dump(by_alias=True, exclude_none=True)


def _place(error: Any, model: type[BaseModel]) -> list[object]:
    # The name of an unknown member is foreign text, a value like any other; it stands in its object.
    if error["type"] == "extra_forbidden":
        return list(error["loc"][:-1])
    # A member that is not there is reported under the name of its field.
    return [to_pascal(part) if part in model.model_fields else part for part in error["loc"]]


def _value(error: Any) -> object:
    return error["loc"][-1] if error["type"] == "extra_forbidden" else error["input"]


def _expectation(error: Any) -> str:
    value = error["input"]
    if isinstance(value, json_text.Unreadable):
        return f"expected {value.why}"
    context = error.get("ctx", {})
    expectations = {
        "missing": "Order to Invoice needs a value here",
        "less_than_equal": f"Order to Invoice takes amounts (10,4), at most {LARGEST_AMOUNT}",
        "greater_than_equal": "Order to Invoice takes no negative amount here",
        "greater_than": "Order to Invoice takes a quantity above zero",
        "extra_forbidden": "Order to Invoice has no member of that name",
    }
    match error["type"]:
        case "string_pattern_mismatch" if value.strip():
            return "expected printable ASCII without spaces at its ends"
        case "string_pattern_mismatch":
            return expectations["missing"]
        case "string_too_long":
            longest = context["max_length"]
            return f"Order to Invoice takes at most {longest} characters, this has {len(value)}"
        case "value_error":
            return f"expected {context['error']}"
        case other:
            return expectations.get(other, str(error["msg"]))
