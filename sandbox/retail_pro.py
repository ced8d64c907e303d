"""A Retail Pro that runs on loopback: checks orders, makes invoices, deducts stock, fails as told.

What it really did is in its `Journal`; what shall go wrong is in its `FaultPlan`. `RetailProStandIn`
runs it inside a test or the demo; other programs steer it under `/sandbox/` (`sandbox.control`).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.control import control_routes
from sandbox.fault_answers import Cut, Drip, Dropped
from sandbox.faults import Fault, FaultPlan, Rule
from sandbox.http_server import LoopbackServer
from sandbox.journal import DuplicateOrder, Invoice, Journal, Received, Stock
from sandbox.retail_pro_contract import problems_of, read_request
from sandbox.retail_pro_door import CredentialMode, Door

INVOICE_PATH = "/api/v1/Document/Ordertoinvoice"

_ORDER_FILTER = re.compile(r"\(order_document_number,eq,([^()]*)\)")


class RetailPro:
    """The far end itself, as an ASGI app with the switches a test or the control API turns."""

    def __init__(
        self,
        journal: Journal,
        *,
        credential_mode: CredentialMode = "none",
        version: Literal[1, 2] = 2,
        duplicates: Literal["accept", "refuse"] = "accept",
        deduct_at: Literal["invoicing_store", "line_store"] = "invoicing_store",
        latency_ms: float = 0,
    ) -> None:
        self.journal = journal
        self.door = Door(credential_mode)
        self.faults = FaultPlan()
        self.duplicates = duplicates
        self.latency_ms = latency_ms
        self._version = version
        self._deduct_at = deduct_at
        self.app = Starlette(
            routes=[
                Route(INVOICE_PATH, self._order_to_invoice, methods=["GET", "POST"]),
                Route("/v1/rest/auth", self._auth),
                Route("/v1/rest/session", self._session),
                Route("/v1/rest/sit", self._sit),
                Route("/v1/rest/stand", self._stand),
                Route("/v1/rest/document", self._documents),
                Route("/v1/rest/inventory", self._inventory),
                *control_routes(self),
            ]
        )

    async def _order_to_invoice(self, request: Request) -> Response:
        if request.method != "POST":
            let_in = self.door.lets_in(request.headers)
            return _answer(405, {"message": "POST only"}) if let_in else _unauthorized()
        body = await request.body()
        try:
            order = read_request(body)
        except ValueError:
            order = None
        order_no = order.get("OrderNo") if isinstance(order, dict) else None
        order_no = order_no if isinstance(order_no, str) else None
        welcome = self.door.lets_in(request.headers)
        fault = self.faults.take(order_no) if welcome else None
        note = fault.kind if fault else None if welcome else "unauthorized"
        received = self.journal.receive(body, order_no, note)
        if not welcome:
            return _unauthorized()
        await asyncio.sleep(self.latency_ms / 1000)
        if fault is not None:
            return await self._play(fault, received, order)
        return _answer(*self._work(received, order))

    def _work(self, received: int, order: Any) -> tuple[int, dict[str, Any]]:
        """Do what was asked: refuse the order or make its invoice. Gives status and body."""
        problems = problems_of(order, self._version)
        if problems:
            return 400, {"success": False, "message": "; ".join(problems)}
        answer = {"orderNo": order["OrderNo"], "total": order["TotalAmt"]}
        try:
            invoice_no = self.journal.invoice(
                received,
                order,
                refuse_duplicate=self.duplicates == "refuse",
                line_store=self._deduct_at == "line_store",
            )
        except DuplicateOrder as duplicate:
            message = "an invoice for this order exists"
            answer |= {"invoiceNo": duplicate.invoice_no, "message": message}
            return 409, {"success": False, **answer}
        return 200, {"success": True, "invoiceNo": invoice_no, "message": "invoiced", **answer}

    async def _play(self, fault: Fault, received: int, order: Any) -> Response:
        status: int = 503
        body: dict[str, Any] = {"message": "the sandbox is busy"}
        if fault.commit and fault.kind not in {"reject", "late"}:
            status, body = self._work(received, order)
        match fault.kind:
            case "reject":
                return _answer(fault.status, {"success": False, "message": fault.message})
            case "status":
                headers = {"Retry-After": fault.retry_after} if fault.retry_after else None
                return _answer(fault.status, {"message": fault.message}, headers)
            case "late":
                await asyncio.sleep(fault.seconds)
                status, body = self._work(received, order)
            case "hang":
                await asyncio.sleep(fault.seconds)
            case "drop":
                return Dropped()
            case "cut":
                return Cut(_json(body), status, media_type="application/json")
            case "drip":
                return Drip(_json(body), status, fault.seconds)
            case "wrong_order":
                another = {"invoiceNo": "RP9999999", "orderNo": "999999999", "message": "invoiced"}
                status, body = 200, body | another | {"success": True}
            case "not_json":
                return Response("<html><body>It works!</body></html>", media_type="text/html")
        return _answer(status, body)

    async def _auth(self, request: Request) -> Response:
        query = request.query_params
        if "usr" not in query:
            return _answer(200, [], {"Auth-Nonce": self.door.give_nonce()})
        session = self.door.log_in(query["usr"], query.get("pwd", ""), request.headers)
        return _answer(200, [], {"Auth-Session": session}) if session else _unauthorized()

    async def _session(self, request: Request) -> Response:
        known = self.door.knows(request.headers)
        return _answer(200, [{"employee": 1}]) if known else _unauthorized()

    async def _sit(self, request: Request) -> Response:
        if not self.door.knows(request.headers):
            return _unauthorized()
        self.door.sit(request.headers)
        return _answer(200, [{"ws": request.query_params.get("ws")}])

    async def _stand(self, request: Request) -> Response:
        if not self.door.knows(request.headers):
            return _unauthorized()
        self.door.stand(request.headers)
        return _answer(200, [])

    async def _documents(self, request: Request) -> Response:
        """Answer the query for the invoices of one order, in the array form of Prism v1."""
        if not self.door.lets_in(request.headers):
            return _unauthorized()
        wanted = _ORDER_FILTER.fullmatch(request.query_params.get("filter", ""))
        if wanted is None:
            return _answer(400, {"message": "filter=(order_document_number,eq,NUMBER) is needed"})
        found = self.journal.invoices(wanted.group(1))
        return _answer(
            200,
            [
                {
                    "sid": str(invoice.request_id),
                    "document_number": invoice.invoice_no,
                    "order_document_number": invoice.order_no,
                    "order_type": 0,
                    "store_code": invoice.store,
                    "total": invoice.total,
                    "created_datetime": invoice.made_at,
                    "items": invoice.lines,
                }
                for invoice in found
            ],
        )

    async def _inventory(self, request: Request) -> Response:
        if not self.door.lets_in(request.headers):
            return _unauthorized()
        query = request.query_params
        page, size = query.get("page_no", "1"), query.get("page_size", "10")
        if not (page.isdecimal() and size.isdecimal() and int(page) > 0):
            return _answer(400, {"message": "page_no and page_size must be numbers"})
        rows = self.journal.stock(int(page), int(size))
        return _answer(
            200,
            [{"store_code": row.store, "upc": row.upc, "quantity": row.quantity} for row in rows],
        )


class RetailProStandIn:
    """Runs a `RetailPro` on a loopback port while the `with` block lasts.

    Its journal is `retail-pro.sqlite` in the state folder; start it there again and nothing is lost.
    The keyword arguments are those of `RetailPro`.
    """

    def __init__(self, state_folder: Path, *, port: int = 0, **options: Any) -> None:
        state_folder.mkdir(parents=True, exist_ok=True)
        self._journal = Journal(state_folder / "retail-pro.sqlite")
        self.retail_pro = RetailPro(self._journal, **options)
        self._server = LoopbackServer(self.retail_pro.app, port)
        self.base_url = self._server.base_url

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        self._journal.close()

    def program(
        self,
        kind: str,
        *,
        order_no: str | None = None,
        rate: float | None = None,
        seed: int = 0,
        times: int | None = None,
        **fault: Any,
    ) -> None:
        """Put a fault in force; see `Fault` and `Rule` for what the arguments mean."""
        self.retail_pro.faults.add(
            Rule(
                fault=Fault.model_validate({"kind": kind, **fault}),
                order_no=order_no,
                rate=rate,
                seed=seed,
                times=times,
            )
        )

    def requests(self) -> list[Received]:
        """Give every request that came in."""
        return self._journal.requests()

    def invoices(self, order_no: str | None = None) -> list[Invoice]:
        """Give every invoice that was made, or those of one order."""
        return self._journal.invoices(order_no)

    def stock(self) -> list[Stock]:
        """Give all stock."""
        return self._journal.stock()

    def put_stock(self, stock: Mapping[str, Mapping[str, Decimal | int]]) -> None:
        """Set what stores have, by store code and UPC."""
        self._journal.put_stock(stock)


def _answer(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    return Response(_json(body), status, headers, media_type="application/json")


def _unauthorized() -> Response:
    return _answer(401, {"success": False, "message": "not logged in"})


def _json(body: Any) -> bytes:
    # A float shows ten digits exactly, which is all that (10,4) has.
    return json.dumps(body, default=float).encode()
