"""The routes of the receiver, and the order in which a request is judged.

What its head says (type, size), who sent it, whether it is that client's turn, the body, the signature, the
document, whose store it is, whether it is that store's turn, and only then is it stored. Nothing is answered
with success before it is.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tillbridge.errors import FileRejected, Finding, RecordRejected, TillbridgeError
from tillbridge.receiver import answers, document, openapi
from tillbridge.receiver.admission import Admission
from tillbridge.receiver.answers import Refusal
from tillbridge.receiver.binding import Binding
from tillbridge.receiver.credentials import Clients, Sender, is_ambiguous
from tillbridge.receiver.document import Limits, TillDocument
from tillbridge.receiver.http_protocol import peer_of
from tillbridge.receiver.metrics import Metrics
from tillbridge.receiver.pace import Budget
from tillbridge.receiver.readiness import Readiness
from tillbridge.receiver.refusal_log import RefusalLog
from tillbridge.receiver.settings import ReceiverSettings
from tillbridge.receiver.storing import Kept, Store

Handler = Callable[[Request], Awaitable[Response]]
Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]

_IN_PROGRESS_SECONDS = 2
_LARGE = 64 * 1024
"""A body from this size on is read in a thread, so that it does not hold up the others."""

_NO_STORE = ""
"""Whose turn it is when a document names no store that is the client's own."""

_TOLD_ELSEWHERE = {"conflict", "in_progress", "unavailable"}

_JUDGED = (
    "authorization", "content-encoding", "content-length", "content-type", "transfer-encoding",
    "webhook-id", "webhook-signature", "webhook-timestamp",
)  # fmt: skip
"""Headers that decide what becomes of a request; with the API key's."""

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
        refusals: RefusalLog,
        arrived: Callable[[], None],
        kept_aside: Callable[[], None],
        version: str,
    ) -> None:
        self._settings = settings
        self._store = store
        self._readiness = readiness
        self._metrics = metrics
        self._refusals = refusals
        self._arrived = arrived
        self._kept_aside = kept_aside
        self._clients = Clients(settings)
        self._limits = Limits.of(settings)
        self._binding = Binding(settings.clients)
        self._admission = Admission(settings)
        self._judged = {name.encode() for name in (*_JUDGED, settings.api_key_header)}
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
                if refusal.code not in _TOLD_ELSEWHERE:
                    client = getattr(request.state, "client", "")
                    self._refusals.note(refusal.code, client, peer_of(request.client))
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
            await self._admission.turn_of_store(sender.client, till.store)
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
        if is_ambiguous(headers, self._judged):
            raise Refusal("ambiguous", closes=True)
        signed = self._clients.signed(headers)
        sender = None
        room = self._admission.unproved
        if signed is None:
            # Whoever cannot prove who it is gets no room for its body.
            sender = self._known(request, self._clients.by_headers(headers))
            room = self._admission.room_of(sender.client)
            await self._admission.turn_of_client(sender.client)
        body = bytearray()
        try:
            await self._read(request, most, body, room)
            content = bytes(body)
            if signed is not None:
                found = self._clients.by_signature(signed, content, time.time())
                sender = self._known(request, found)
                room = self._move(len(body), room, self._admission.room_of(sender.client))
                await self._admission.turn_of_client(sender.client)
                if sender.skew is not None:
                    self._metrics.clock_skew(sender.client, sender.skew)
            if sender is None:
                raise Refusal("unauthorized")
            yield sender, content
        finally:
            room.give_back(len(body))
            self._metrics.bytes_in_flight(self._admission.whole.used)

    def _known(self, request: Request, sender: Sender | None) -> Sender:
        if sender is None:
            raise Refusal("unauthorized")
        request.state.client = sender.client
        return sender

    def _move(self, count: int, unproved: Budget, room: Budget) -> Budget:
        """Count a body whose sender is proved in the sender's room from now on."""
        unproved.give_back(count)
        if not room.take(count):
            # It is given back as it was taken.
            unproved.take(count)
            raise self._no_room(room, count)
        return room

    def _no_room(self, room: Budget, count: int) -> Refusal:
        """Return what is answered: a client that uses up its own share sends too much at once."""
        if room is self._admission.unproved or room.fits(count):
            return self._unavailable()
        return Refusal("too_many", retry_after=self._settings.retry_after_seconds)

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

    async def _read(self, request: Request, most: int, body: bytearray, room: Budget) -> None:
        """Add the request's body to `body`, whose bytes are taken from `room`."""
        if most == 0:
            return
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                async for chunk in request.stream():
                    if len(body) + len(chunk) > most:
                        raise Refusal("too_large")
                    if not room.take(len(chunk)):
                        raise self._no_room(room, len(chunk))
                    body += chunk
                    self._metrics.bytes_in_flight(self._admission.whole.used)
        except TimeoutError:
            raise Refusal("slow", closes=True) from None
        except ClientDisconnect:
            raise Refusal("malformed", closes=True) from None

    async def _document(self, client: str, body: bytes) -> TillDocument:
        try:
            till = await self._parsed(client, body)
        except (FileRejected, RecordRejected) as problem:
            code = "malformed" if isinstance(problem, FileRejected) else "unfit"
            raise await self._refused(client, body, "refused", code, problem.findings) from None
        if not await self._is_its_own(client, till):
            raise await self._refused(client, body, "foreign_store", "foreign_store")
        return till

    async def _parsed(self, client: str, body: bytes) -> TillDocument:
        if len(body) < _LARGE:
            return document.read(client, body, self._limits)
        async with self._admission.large_body(client):
            return await asyncio.to_thread(document.read, client, body, self._limits)

    async def _is_its_own(self, client: str, till: TillDocument) -> bool:
        """Say whether the client may post this: a sale of its stores, a return of nobody else's sale."""
        if not self._binding.may_post(client, till.store):
            return False
        strangers = self._binding.strangers(client)
        if not till.revision or not strangers:
            return True
        sales = [document.identity(name, till.exact_order_id) for name in self._settings.clients]
        try:
            owners = await self._store.clients_of(sales)
        except TillbridgeError as problem:
            _log.error("Nobody can say whose sale %s returns: %s", client, problem)
            raise self._unavailable() from problem
        return not owners or not owners <= strangers

    async def _refused(
        self, client: str, body: bytes, result: str, code: str, findings: Sequence[Finding] = ()
    ) -> Refusal:
        """Keep what a till will not send again; it is refused whether that works or not."""
        await self._admission.turn_of_store(client, _NO_STORE)
        self._metrics.tlog(client, result)
        try:
            if await self._store.keep_aside(client, body, "refused"):
                self._kept_aside()
        except TillbridgeError as problem:
            _log.error("A refused document of %s could not be kept aside: %s", client, problem)
        return Refusal(code, findings=findings)

    def _answered(self, client: str, kept: Kept) -> Response:
        if kept.receipt is None:
            raise Refusal("in_progress", retry_after=_IN_PROGRESS_SECONDS)
        if kept.is_to_be_seen:
            self._kept_aside()
        match kept.result:
            case "conflict":
                _log.warning(
                    "%s sent other content for receipt %s; it is %s conflict/.",
                    client,
                    kept.receipt.receipt_id,
                    "kept in" if kept.is_to_be_seen else "no longer kept in",
                )
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
