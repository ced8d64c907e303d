"""How to read the answer to a look-up: which invoices does Retail Pro have of one order?

The stock Prism document query is the default; where another endpoint says what is a setting. This
module only reads; what a found or a missing invoice proves is decided in `tillbridge.invoicing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tillbridge.contracts import json_text
from tillbridge.contracts.json_pointer import amount_at, look_up, text_at
from tillbridge.errors import ConfigurationProblem, Unavailable
from tillbridge.field_shapes import Pointer


class LookupReading(BaseModel):
    """Where to ask for the invoices of one order, and where a row of the answer says what."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(
        default="/v1/rest/document",
        pattern=r"^/[^?#]*$",
        description="Path of the query that lists the invoices of one order.",
    )
    query: dict[str, str] = Field(
        default={
            "filter": "(order_document_number,eq,{order_no})",
            "cols": "document_number,order_document_number,transaction_total_amt,items",
            "page_no": "{page_no}",
            "page_size": "100",
        },
        description="Parameters of the query; {order_no} stands for the order's number, and {page_no} for"
        " the page where the answer comes in pages.",
    )
    rows: Pointer = Field(
        default="",
        description="JSON pointer to the list of invoices; empty if the answer is the list itself.",
        examples=["", "/data"],
    )
    errors: Pointer = Field(
        default="/errors",
        description="JSON pointer to what went wrong; an answer that has something there proves nothing.",
    )
    order_no: Pointer = Field(
        default="/order_document_number",
        min_length=1,
        description="JSON pointer, in a row, to the order number; it guards against a filter that the"
        " server ignores.",
    )
    reference: Pointer = Field(
        default="/document_number",
        description="JSON pointer, in a row, to the number of the invoice.",
    )
    total: Pointer = Field(
        default="/transaction_total_amt",
        description="JSON pointer, in a row, to the total of the invoice. Compare it with TotalAmt on a"
        " test server first: the stock document has several totals.",
    )
    lines: Pointer = Field(
        default="/items",
        description="JSON pointer, in a row, to the list of lines or to their number.",
    )

    @field_validator("query")
    @classmethod
    def _asks_for_one_order(cls, value: dict[str, str]) -> dict[str, str]:
        if not any("{order_no}" in text for text in value.values()):
            raise ValueError("parameters of which one holds {order_no}")
        return value

    @property
    def has_pages(self) -> bool:
        """Whether the answer comes in pages, the last of which is empty."""
        return any("{page_no}" in text for text in self.query.values())

    def parameters(self, order_no: str, page: int) -> dict[str, str]:
        """Give the parameters that ask for one page of the invoices of one order."""
        return {
            name: text.replace("{page_no}", str(page)).replace("{order_no}", order_no)
            for name, text in self.query.items()
        }


@dataclass(frozen=True, slots=True)
class FoundInvoice:
    """One invoice that Retail Pro has; None is what its row does not say or cannot be read."""

    reference: str | None
    order_no: str
    total: Decimal | None
    line_count: int | None


def read_found(body: bytes, reading: LookupReading, order_no: str) -> list[FoundInvoice]:
    """Read one page of the invoices of `order_no`; empty where it has none.

    Raises:
        Unavailable: the page is not JSON or tells of an error; it proves nothing, ask again later.
        ConfigurationProblem: the rows are not where the settings say, or are of another order.
    """
    try:
        document = json_text.read(body)
    except ValueError as error:
        raise Unavailable("looking up an invoice: the answer is not JSON") from error
    if reading.errors and look_up(document, reading.errors):
        raise Unavailable(
            f"looking up an invoice: the answer tells of an error at {reading.errors}"
        )
    rows = look_up(document, reading.rows)
    if not isinstance(rows, list):
        raise ConfigurationProblem(
            f"looking up an invoice: {reading.rows or 'the answer itself'} is not a list;"
            " check lookup.rows"
        )
    return [_found(row, reading, order_no) for row in rows]


def _found(row: Any, reading: LookupReading, order_no: str) -> FoundInvoice:
    named = text_at(row, reading.order_no)
    if named is None:
        raise ConfigurationProblem(
            f"looking up an invoice: a row has no order number at {reading.order_no};"
            " check lookup.order_no"
        )
    if named != order_no:
        raise ConfigurationProblem(
            f"looking up an invoice: asked for order {order_no}, a row has something else at"
            f" {reading.order_no}; check lookup.query, the server does not filter by it"
        )
    return FoundInvoice(
        text_at(row, reading.reference),
        named,
        amount_at(row, reading.total),
        _line_count(look_up(row, reading.lines) if reading.lines else None),
    )


def _line_count(lines: Any) -> int | None:
    if isinstance(lines, list):
        return len(lines)
    return lines if isinstance(lines, int) and not isinstance(lines, bool) else None
