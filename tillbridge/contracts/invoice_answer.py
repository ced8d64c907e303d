"""How to read the answer of Retail Pro's Order to Invoice endpoint.

The form of the answer is not published, so where the success flag, the invoice reference, the message
and the echoes stand is a setting. This module only reads; what an answer proves is decided in
`tillbridge.invoicing.outcome`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tillbridge.contracts import json_text
from tillbridge.contracts.json_pointer import amount_at, look_up, text_at


class AnswerReading(BaseModel):
    """Where the answer says what, as JSON pointers (RFC 6901); an empty pointer reads nothing."""

    model_config = ConfigDict(extra="forbid")

    success: str = Field(
        default="/success",
        description="JSON pointer to the member that says whether the invoice was made.",
        examples=["/success", "/data/0/status"],
    )
    success_values: list[str | bool | int] = Field(
        default=[True, "true"],
        description="Values of that member that mean: the invoice was made.",
    )
    rejected_values: list[str | bool | int] = Field(
        default=[False, "false"],
        description="Values of that member that mean: refused, and certainly no invoice was made.",
    )
    reference: str = Field(
        default="/invoiceNo",
        description="JSON pointer to the number of the invoice that was made.",
    )
    message: str = Field(default="/message", description="JSON pointer to the text for people.")
    order_no: str = Field(
        default="/orderNo",
        description="JSON pointer to the order number echoed back; empty if it is not echoed.",
    )
    total: str = Field(
        default="/total",
        description="JSON pointer to the order total echoed back; empty if it is not echoed.",
    )


@dataclass(frozen=True, slots=True)
class InvoiceAnswer:
    """What one answer says, in the words of the reading that was used.

    `made` is True for an invoice, False for a definite refusal and None where the answer says neither.
    `order_no` and `total` are None where they are not echoed or cannot be read.
    """

    made: bool | None
    reference: str | None
    message: str | None
    order_no: str | None
    total: Decimal | None


def read_answer(body: bytes, reading: AnswerReading) -> InvoiceAnswer | None:
    """Read an answer's body; None when it is not a JSON document at all."""
    try:
        document = json_text.read(body)
    except ValueError:
        return None
    made = look_up(document, reading.success) if reading.success else None
    return InvoiceAnswer(
        made=True
        if _among(made, reading.success_values)
        else False
        if _among(made, reading.rejected_values)
        else None,
        reference=text_at(document, reading.reference),
        message=text_at(document, reading.message),
        order_no=text_at(document, reading.order_no),
        total=amount_at(document, reading.total),
    )


def _among(value: Any, values: list[str | bool | int]) -> bool:
    # 1 == True in Python, but not in JSON.
    return any(value == other and type(value) is type(other) for other in values)
