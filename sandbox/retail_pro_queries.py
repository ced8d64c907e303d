"""The queries of the Retail Pro stand-in: documents as Prism lists them, invoices in another form, stock.

Invoices come into sight `query_delay_seconds` after they were made, and a rule for the call `query` makes
the answer go wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.fault_answers import as_json, spoilt
from sandbox.journal import Invoice

if TYPE_CHECKING:
    from sandbox.retail_pro import RetailPro

DOCUMENT_PATH = "/v1/rest/document"
INVOICES_PATH = "/api/invoices"

_ORDER_FILTER = re.compile(r"\(order_document_number,eq,([^()]*)\)")
_ANOTHER = Invoice("RP9999999", "999999999", "SVA32", Decimal(1), [], 0, "")


def query_routes(retail_pro: RetailPro) -> list[Route]:
    """Give the routes that ask `retail_pro` what it has."""
    journal = retail_pro.journal

    async def found(
        request: Request, order_no: str, form: Callable[[Sequence[Invoice]], Any]
    ) -> Response:
        until = datetime.now(UTC) - timedelta(seconds=retail_pro.query_delay_seconds)
        invoices = journal.invoices(order_no, until=until)
        fault = retail_pro.faults.take(order_no, "query")
        if fault is None:
            return as_json(200, form(invoices))
        if fault.kind in {"lies", "wrong_order"}:
            invoices = [_ANOTHER] if fault.kind == "wrong_order" else []
        return await spoilt(fault, 200, form(invoices), str(request.url))

    async def documents(request: Request) -> Response:
        query = request.query_params
        wanted = _ORDER_FILTER.fullmatch(query.get("filter", ""))
        page = _page(request)
        if wanted is None or page is None:
            said = "filter=(order_document_number,eq,NUMBER), page_no and page_size are understood"
            return as_json(400, {"message": said})
        columns = query.get("cols", "*")

        def form(invoices: Sequence[Invoice]) -> Any:
            number, size = page
            shown = invoices[(number - 1) * size : number * size]
            rows = [_document(invoice) for invoice in shown]
            if columns == "*":
                return rows
            return [{name: row[name] for name in columns.split(",") if name in row} for row in rows]

        return await found(request, wanted.group(1), form)

    async def invoices(request: Request) -> Response:
        order_no = request.query_params.get("order")
        if order_no is None:
            return as_json(400, {"data": [], "errors": ["order=NUMBER is needed"]})

        def form(invoices: Sequence[Invoice]) -> Any:
            return {"data": [_short(invoice) for invoice in invoices], "errors": None}

        return await found(request, order_no, form)

    async def inventory(request: Request) -> Response:
        page = _page(request)
        if page is None:
            return as_json(400, {"message": "page_no and page_size must be numbers"})
        rows = journal.stock(*page)
        return as_json(
            200,
            [{"store_code": row.store, "upc": row.upc, "quantity": row.quantity} for row in rows],
        )

    def let_in(query: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            if not retail_pro.door.lets_in(request.headers):
                return as_json(401, {"success": False, "message": "not logged in"})
            response: Response = await query(request)
            return response

        return answer

    return [
        Route(DOCUMENT_PATH, let_in(documents)),
        Route(INVOICES_PATH, let_in(invoices)),
        Route("/v1/rest/inventory", let_in(inventory)),
    ]


def _page(request: Request) -> tuple[int, int] | None:
    page = request.query_params.get("page_no", "1")
    size = request.query_params.get("page_size", "10")
    if not (page.isdecimal() and size.isdecimal() and int(page) > 0):
        return None
    return int(page), int(size)


def _document(invoice: Invoice) -> dict[str, Any]:
    return {
        "sid": str(invoice.request_id),
        "document_number": invoice.invoice_no,
        "order_document_number": invoice.order_no,
        "order_type": 0,
        "store_code": invoice.store,
        "transaction_total_amt": invoice.total,
        "created_datetime": invoice.made_at,
        "items": invoice.lines,
    }


def _short(invoice: Invoice) -> dict[str, Any]:
    return {
        "orderNo": invoice.order_no,
        "invoice": invoice.invoice_no,
        "amount": invoice.total,
        "lineCount": len(invoice.lines),
    }
