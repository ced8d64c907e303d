"""A Retail Pro that runs on loopback: checks orders, makes invoices, deducts stock, fails as told.

What it really did is in its `Journal`; what shall go wrong is in its `FaultPlan`. `RetailProStandIn`
runs it inside a test or the demo; other programs steer it under `/sandbox/` (`sandbox.control`).
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Self

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.control import control_routes
from sandbox.fault_answers import as_json, spoilt
from sandbox.faults import Call, Fault, FaultPlan, Rule
from sandbox.http_server import LoopbackServer
from sandbox.journal import DuplicateOrder, Invoice, Journal, Received, Stock
from sandbox.retail_pro_contract import problems_of, read_request
from sandbox.retail_pro_delivery import Noted, proof_of
from sandbox.retail_pro_door import CredentialMode, Door
from sandbox.retail_pro_keys import Keys, Result
from sandbox.retail_pro_queries import query_routes

INVOICE_PATH = "/api/v1/Document/Ordertoinvoice"
KEY_HEADER = "Idempotency-Key"

_NOTICES_AFTER = 0.05
"""Seconds until a call that waits sees that the latency was changed."""

_NOT_LOGGED_IN = {"success": False, "message": "not logged in"}
_ORDER_NO = re.compile(rb'"OrderNo"\s*:\s*"([^"\\]+)"')


class RetailPro:
    """The far end itself, as an ASGI app with the switches a test or the control API turns.

    `duplicates` is what a second request for an order comes to, `keys` whether an idempotency key is
    minded. `query_delay_seconds` is how long queries do not see an invoice that was made.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        credential_mode: CredentialMode = "none",
        version: Literal[1, 2] = 2,
        duplicates: Literal["accept", "refuse"] = "accept",
        keys: Literal["ignore", "enforce"] = "ignore",
        deduct_at: Literal["invoicing_store", "line_store"] = "invoicing_store",
        latency_ms: float = 0,
        query_delay_seconds: float = 0,
    ) -> None:
        self.journal = journal
        self.door = Door(credential_mode)
        self.faults = FaultPlan()
        self.duplicates = duplicates
        self.keys = keys
        self.latency_ms = latency_ms
        self.query_delay_seconds = query_delay_seconds
        self._results = Keys(journal)
        self._version = version
        self._deduct_at = deduct_at
        self.app = Starlette(
            routes=[
                Route(INVOICE_PATH, self._order_to_invoice, methods=["GET", "POST"]),
                Route("/v1/rest/auth", self._auth),
                Route("/v1/rest/session", self._session),
                Route("/v1/rest/sit", self._sit),
                Route("/v1/rest/stand", self._stand),
                *query_routes(self),
                *control_routes(self),
            ]
        )

    async def _order_to_invoice(self, request: Request) -> Response:
        if request.method != "POST":
            let_in = self.door.lets_in(request.headers)
            return as_json(405, {"message": "POST only"}) if let_in else _unauthorized()
        body, whole = await _body_of(request)
        order, order_no = _read(body)
        sent_key = request.headers.get(KEY_HEADER)
        key = sent_key if self.keys == "enforce" else None
        refusal = self._refusal(request, whole, key, body)
        fault = None if refusal else self.faults.take(order_no)
        note = refusal[0] if refusal else fault.kind if fault else None
        received = self.journal.receive(body, order_no, note, sent_key)
        if refusal:
            status, said = refusal[1]
        else:
            with self._results.held(key, body):
                await self._take_time()
                status, said = await self._work(received, order, key, fault)
        answer = as_json(status, said)
        if fault is not None:
            answer = await spoilt(fault, status, said, str(request.url))
        proof = proof_of(answer.status_code, said, fault)

        def end(status: int | None, there: bool, sha256: str) -> None:
            self.journal.answer(received, status, proof, sha256, delivered=there)

        return Noted(answer, end)

    def _refusal(
        self, request: Request, whole: bool, key: str | None, body: bytes
    ) -> tuple[str, Result] | None:
        """Say why a call is not worked on at all, and what it is answered."""
        if not self.door.lets_in(request.headers):
            return "unauthorized", (401, _NOT_LOGGED_IN)
        if not whole:
            return "unfinished", (400, {})
        clash = self._results.clash(key, body)
        return ("clash", clash) if clash else None

    async def _take_time(self) -> None:
        """Wait for as long as `latency_ms` says; calls that wait already mind a change of it."""
        started = time.monotonic()
        while (left := started + self.latency_ms / 1000 - time.monotonic()) > 0:
            await asyncio.sleep(min(left, _NOTICES_AFTER))

    async def _work(
        self, received: int, order: Any, key: str | None, fault: Fault | None
    ) -> Result:
        """Do what `fault` leaves of what was asked, once per key. Gives status and body of the answer."""

        def work() -> Result:
            return self._invoice(received, order)

        if fault is None:
            return self._results.once(key, work)
        match fault.kind:
            case "reject":
                refusal = fault.status, {"success": False, "message": fault.message}
                return self._results.once(key, lambda: refusal)
            case "late":
                await asyncio.sleep(fault.seconds)
                return self._results.once(key, work)
        busy = 503, {"message": "the sandbox is busy"}
        status, body = self._results.once(key, work) if fault.commit else busy
        if fault.kind == "wrong_order":
            another = {"invoiceNo": "RP9999999", "orderNo": "999999999", "message": "invoiced"}
            return 200, body | another | {"success": True}
        return status, body

    def _invoice(self, received: int, order: Any) -> Result:
        """Refuse the order or make its invoice."""
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

    async def _auth(self, request: Request) -> Response:
        query = request.query_params
        if "usr" not in query:
            return as_json(200, [], {"Auth-Nonce": self.door.give_nonce()})
        session = self.door.log_in(query["usr"], query.get("pwd", ""), request.headers)
        return as_json(200, [], {"Auth-Session": session}) if session else _unauthorized()

    async def _session(self, request: Request) -> Response:
        known = self.door.knows(request.headers)
        return as_json(200, [{"employee": 1}]) if known else _unauthorized()

    async def _sit(self, request: Request) -> Response:
        if not self.door.knows(request.headers):
            return _unauthorized()
        self.door.sit(request.headers)
        return as_json(200, [{"ws": request.query_params.get("ws")}])

    async def _stand(self, request: Request) -> Response:
        if not self.door.knows(request.headers):
            return _unauthorized()
        self.door.stand(request.headers)
        return as_json(200, [])


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
        call: Call = "invoice",
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
                call=call,
                order_no=order_no,
                rate=rate,
                seed=seed,
                times=times,
            )
        )

    def requests(self) -> list[Received]:
        """Give every request that came in."""
        return self._journal.requests()

    def ambiguous(self) -> set[str]:
        """Give the orders whose outcome their client cannot know; see `Journal.ambiguous`."""
        return self._journal.ambiguous()

    def invoices(self, order_no: str | None = None) -> list[Invoice]:
        """Give every invoice that was made, or those of one order."""
        return self._journal.invoices(order_no)

    def stock(self) -> list[Stock]:
        """Give all stock."""
        return self._journal.stock()

    def put_stock(self, stock: Mapping[str, Mapping[str, Decimal | int]]) -> None:
        """Set what stores have, by store code and UPC."""
        self._journal.put_stock(stock)


async def _body_of(request: Request) -> tuple[bytes, bool]:
    """Give what came of a body, and whether that is all of it."""
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
    except ClientDisconnect:
        return bytes(body), False
    return bytes(body), True


def _read(body: bytes) -> tuple[Any, str | None]:
    """Give the order in a body and its number; of half a body, the number that stands in it."""
    try:
        order = read_request(body)
    except ValueError:
        number = _ORDER_NO.search(body)
        return None, number.group(1).decode(errors="replace") if number else None
    order_no = order.get("OrderNo") if isinstance(order, dict) else None
    return order, order_no if isinstance(order_no, str) else None


def _unauthorized() -> Response:
    return as_json(401, _NOT_LOGGED_IN)
