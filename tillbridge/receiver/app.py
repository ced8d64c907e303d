"""The routes of the receiver, and the order in which a request is judged.

What its head says (type, size), who sent it, how fast it sends, the body, the signature, the document,
and only then is it stored. Nothing is answered with success before it is.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tillbridge.errors import FileRejected, RecordRejected, TillbridgeError
from tillbridge.receiver import answers, document, openapi
from tillbridge.receiver.answers import Refusal
from tillbridge.receiver.credentials import Clients, Sender
from tillbridge.receiver.document import Limits, TillDocument
from tillbridge.receiver.metrics import Metrics
from tillbridge.receiver.pace import Budget, TokenBucket
from tillbridge.receiver.readiness import Readiness
from tillbridge.receiver.settings import ReceiverSettings
from tillbridge.receiver.storing import Kept, Store

Handler = Callable[[Request], Awaitable[Response]]
Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]

_IN_PROGRESS_SECONDS = 2
_LARGE = 64 * 1024
"""A body from this size on is read in a thread, so that it does not hold up the others."""

_JSON = "application/json"
_log = logging.getLogger(__name__)


class Receiver:
    """Judges requests and answers them.

    `arrived` is called for each TLog that is new on SFTP, `kept_aside` for each that a person has to see.
    """

    def __init__(
        self,
        settings: ReceiverSettings,
        store: Store,
        readiness: Readiness,
        metrics: Metrics,
        arrived: Callable[[], None],
        kept_aside: Callable[[], None],
        version: str,
    ) -> None:
        self._settings = settings
        self._store = store
        self._readiness = readiness
        self._metrics = metrics
        self._arrived = arrived
        self._kept_aside = kept_aside
        self._clients = Clients(settings)
        self._limits = Limits.of(settings)
        now = time.monotonic()
        self._buckets = {
            name: TokenBucket(settings.requests_per_second, settings.burst, now)
            for name in settings.clients
        }
        self._budget = Budget(settings.most_bytes_in_flight)
        self._openapi = openapi.document(settings, version)

    def app(self, lifespan: Lifespan) -> Starlette:
        """Give the application."""
        routes = [
            self._route("/tlog", "POST", self._post),
            self._route("/receipts/{receipt_id}", "GET", self._get_receipt),
            self._route("/health", "GET", self._health),
            self._route("/ready", "GET", self._ready),
        ]
        if self._settings.serve_openapi:
            routes.append(self._route("/openapi.json", "GET", self._get_openapi))
        handlers = {HTTPException: _not_here, Exception: _failed}
        return Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan)

    def _route(self, path: str, method: str, handler: Handler) -> Route:
        async def measured(request: Request) -> Response:
            began = time.perf_counter()
            try:
                response = await handler(request)
            except Refusal as refusal:
                response = refusal.response()
            except Exception:
                self._metrics.answer(path, 500, time.perf_counter() - began)
                raise
            self._metrics.answer(path, response.status_code, time.perf_counter() - began)
            return response

        return Route(path, measured, methods=[method])

    async def _post(self, request: Request) -> Response:
        declared = self._declared_size(request)
        async with self._sender(request, declared) as (sender, body):
            till = await self._document(sender.client, body)
            try:
                kept = await self._store.keep(till)
            except TillbridgeError as problem:
                _log.error("A TLog of %s was not stored: %s", sender.client, problem)
                self._metrics.tlog(sender.client, "unavailable")
                raise self._unavailable() from problem
            self._metrics.tlog(sender.client, kept.result)
            return self._answered(sender.client, kept)

    async def _get_receipt(self, request: Request) -> Response:
        async with self._sender(request, 0) as (sender, _):
            try:
                found = await self._store.find(sender.client, request.path_params["receipt_id"])
            except TillbridgeError as problem:
                _log.error("A receipt could not be looked up: %s", problem)
                raise self._unavailable() from problem
            if found is None:
                raise Refusal("not_found")
            return answers.receipt(200, found)

    async def _health(self, _: Request) -> Response:
        return answers.answer(200, {"status": "ok"})

    async def _ready(self, _: Request) -> Response:
        found = await self._readiness.check()
        return answers.answer(200 if all(found.values()) else 503, found)

    async def _get_openapi(self, _: Request) -> Response:
        return answers.answer(200, self._openapi)

    @asynccontextmanager
    async def _sender(self, request: Request, most: int) -> AsyncIterator[tuple[Sender, bytes]]:
        """Give who sent the request, and its body of at most so many bytes."""
        headers = request.headers.raw
        signed = self._clients.signed(headers)
        sender = None
        if signed is None:
            # Whoever cannot prove who it is gets no room for its body.
            sender = self._clients.by_headers(headers)
            self._let_in(sender)
        body = bytearray()
        try:
            await self._read(request, most, body)
            content = bytes(body)
            if signed is not None:
                sender = self._clients.by_signature(signed, content, time.time())
                self._let_in(sender)
                if sender is not None and sender.skew is not None:
                    self._metrics.clock_skew(sender.client, sender.skew)
            if sender is None:
                raise Refusal("unauthorized")
            yield sender, content
        finally:
            self._budget.give_back(len(body))
            self._metrics.bytes_in_flight(self._budget.used)

    def _let_in(self, sender: Sender | None) -> None:
        if sender is None:
            raise Refusal("unauthorized")
        wait = self._buckets[sender.client].take(time.monotonic())
        if wait:
            raise Refusal("too_many", retry_after=wait)

    def _declared_size(self, request: Request) -> int:
        """Give how large the body may be, after a look at what the head says of it."""
        headers = request.headers
        media_type, _, parameters = headers.get("content-type", _JSON).partition(";")
        charset = parameters.strip().lower().removeprefix("charset=").strip('"')
        is_json = media_type.strip().lower() == _JSON and charset in {"", "utf-8", "utf8"}
        if not is_json or headers.get("content-encoding", "identity").lower() != "identity":
            raise Refusal("unsupported")
        if "content-length" in headers and "transfer-encoding" in headers:
            raise Refusal("malformed", closes=True)
        if int(headers.get("content-length", 0)) > self._settings.largest_body_bytes:
            raise Refusal("too_large")
        return self._settings.largest_body_bytes

    async def _read(self, request: Request, most: int, body: bytearray) -> None:
        """Add the request's body to `body`, whose bytes are taken from the budget."""
        if most == 0:
            return
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                async for chunk in request.stream():
                    if len(body) + len(chunk) > most:
                        raise Refusal("too_large")
                    if not self._budget.take(len(chunk)):
                        raise self._unavailable()
                    body += chunk
                    self._metrics.bytes_in_flight(self._budget.used)
        except TimeoutError:
            raise Refusal("slow", closes=True) from None
        except ClientDisconnect:
            raise Refusal("malformed", closes=True) from None

    async def _document(self, client: str, body: bytes) -> TillDocument:
        try:
            if len(body) < _LARGE:
                return document.read(client, body, self._limits)
            return await asyncio.to_thread(document.read, client, body, self._limits)
        except (FileRejected, RecordRejected) as problem:
            self._metrics.tlog(client, "refused")
            await self._keep_refused(client, body)
            code = "malformed" if isinstance(problem, FileRejected) else "unfit"
            raise Refusal(code, findings=problem.findings) from None

    async def _keep_refused(self, client: str, body: bytes) -> None:
        """Keep what a till will not send again; it is refused whether that works or not."""
        try:
            await self._store.keep_aside(client, body, "refused")
            self._kept_aside()
        except TillbridgeError as problem:
            _log.error("A refused document of %s could not be kept aside: %s", client, problem)

    def _answered(self, client: str, kept: Kept) -> Response:
        if kept.receipt is None:
            raise Refusal("in_progress", retry_after=_IN_PROGRESS_SECONDS)
        match kept.result:
            case "conflict":
                _log.warning(
                    "%s sent other content for receipt %s; it is kept in conflict/.",
                    client,
                    kept.receipt.receipt_id,
                )
                self._kept_aside()
                raise Refusal("conflict")
            case "repeated":
                return answers.receipt(200, kept.receipt, {"Idempotency-Replayed": "true"})
            case "accepted":
                return answers.receipt(202, kept.receipt)
            case _:
                self._arrived()
                return answers.receipt(201, kept.receipt)

    def _unavailable(self) -> Refusal:
        return Refusal("unavailable", retry_after=self._settings.retry_after_seconds)


def _not_here(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    response = Refusal("method" if status == 405 else "not_found").response()
    headers: Mapping[str, str] = getattr(error, "headers", None) or {}
    response.headers.update(headers)
    return response


def _failed(_: Request, error: Exception) -> Response:
    return Refusal("failed").response()
