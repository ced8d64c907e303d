"""Answers that an HTTP server should not give, as Starlette responses.

They reach through to the connection, which `sandbox.http_server` puts into the scope.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.faults import Fault


def as_json(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    """Give an answer as it should be."""
    # A float shows ten digits exactly, which is all that (10,4) has.
    content = json.dumps(body, default=float).encode()
    return Response(content, status, headers, media_type="application/json")


async def spoilt(fault: Fault, status: int, body: Any, address: str) -> Response:
    """Give what becomes of an answer by `fault`; `address` is where the call was sent to."""
    answer = as_json(status, body)
    content = bytes(answer.body)
    match fault.kind:
        case "status":
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else None
            answer = as_json(fault.status, {"message": fault.message}, headers)
        case "redirect":
            answer = as_json(fault.status, {"message": fault.message}, {"Location": address})
        case "hang":
            await asyncio.sleep(fault.seconds)
        case "drop":
            answer = Dropped()
        case "reset":
            answer = Reset()
        case "cut":
            answer = Cut(content, status, media_type="application/json")
        case "drip":
            answer = Drip(content, status, fault.seconds)
        case "not_json":
            answer = Response("<html><body>It works!</body></html>", media_type="text/html")
        case "huge":
            answer = Response(content + b" " * fault.size, status, media_type="application/json")
        case "bomb":
            packed = gzip.compress(content + b" " * fault.size, compresslevel=1)
            encoding = {"Content-Encoding": "gzip"}
            answer = Response(packed, status, encoding, media_type="application/json")
    return answer


class Dropped(Response):
    """Closes the connection without a byte of answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Close, then wait until the server has noticed."""
        scope["connection"].abort()
        await _gone(receive)


class Reset(Response):
    """Resets the connection without a byte of answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reset, then wait until the server has noticed."""
        connection = scope["connection"]
        at_once = struct.pack("ii", 1, 0)
        connection.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        connection.abort()
        await _gone(receive)


class Cut(Response):
    """Promises the whole body, sends half of it and closes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the half, then close in good order so that it arrives."""
        await _start(self, send)
        await _piece(send, bytes(self.body[: len(self.body) // 2]))
        scope["connection"].close()
        await _gone(receive)


class Drip(Response):
    """Sends its body byte by byte."""

    def __init__(self, content: bytes, status: int, seconds: float) -> None:
        super().__init__(content, status, media_type="application/json")
        self._pause = seconds / max(len(content), 1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send one byte, pause, and so on."""
        await _start(self, send)
        for byte in bytes(self.body):
            await asyncio.sleep(self._pause)
            await _piece(send, bytes([byte]))
        await send({"type": "http.response.body", "body": b""})


async def _start(response: Response, send: Send) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": response.raw_headers,
        }
    )


async def _piece(send: Send, piece: bytes) -> None:
    await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
