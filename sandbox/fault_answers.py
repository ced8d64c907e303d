"""Answers that an HTTP server should not give, as Starlette responses.

They reach through to the connection, which `sandbox.http_server` puts into the scope.
"""

from __future__ import annotations

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send


class Dropped(Response):
    """Closes the connection without a byte of answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Close, then wait until the server has noticed."""
        scope["connection"].abort()
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
