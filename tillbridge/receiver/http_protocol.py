"""What uvicorn lacks: a deadline for the head of a request, a limit of connections, quiet refusals.

It is a second line behind the proxy's time-outs. Everything that leans on uvicorn's insides is here, and a
test names it, so that another uvicorn is noticed before a till does.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

# Its warnings can be had by anybody, without number; what is wrong with us is an error.
_quiet = logging.getLogger("tillbridge.receiver.uvicorn")
_quiet.setLevel(logging.ERROR)


def patient_protocol(
    seconds: float, most: int, gave_up: Callable[[], None], refused: Callable[[str, str], None]
) -> type[H11Protocol]:
    """Return uvicorn's HTTP protocol with so much patience between an answer and the next whole head.

    Beyond `most` connections the one that has waited longest for a head has to go. `refused` is told the
    code and the address of what is no HTTP.
    """
    waiting: dict[PatientProtocol, None] = {}

    class PatientProtocol(H11Protocol):
        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.logger = _quiet
            if len(self.connections) > most:
                next(iter(waiting), self)._give_up()
            self._look_at_the_clock()

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget_the_clock()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._look_at_the_clock()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._look_at_the_clock()

        def send_400_response(self, msg: str) -> None:
            refused("no_http", peer_of(self.client))
            if self.cycle is not None and not self.cycle.response_complete:
                # Its answer would come behind this one, as an error with a traceback.
                self.cycle.disconnected = True
                self.cycle.message_event.set()
            if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
                super().send_400_response(msg)
            else:
                self.transport.close()

        def _look_at_the_clock(self) -> None:
            is_at_work = self.cycle is not None and not self.cycle.response_complete
            if is_at_work or self.transport.is_closing():
                self._forget_the_clock()
            elif self._deadline is None:
                self._deadline = self.loop.call_later(seconds, self._give_up)
                waiting[self] = None

        def _forget_the_clock(self) -> None:
            waiting.pop(self, None)
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

        def _give_up(self) -> None:
            gave_up()
            self._forget_the_clock()
            # It is gone for us at once; asyncio tells us in the next round only.
            self.connections.discard(self)
            # Not close(): a client that does not read either would keep it open.
            self.transport.abort()

    return PatientProtocol


@asynccontextmanager
async def served(
    app: Any, protocol: type[H11Protocol], listening: socket.socket, backlog: int
) -> AsyncIterator[None]:
    """Serve `app` on a socket while the block runs, beside uvicorn's own server and in its loop."""
    config = uvicorn.Config(
        app, ws="none", lifespan="off", log_config=None, access_log=False, proxy_headers=False
    )
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config, state, {}), sock=listening, backlog=backlog
    )
    try:
        yield
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()


def peer_of(client: tuple[str, int] | None) -> str:
    """Return the address a connection comes from."""
    return client[0] if client else "an unknown address"


def quiet_about_accepts(loop: asyncio.AbstractEventLoop) -> None:
    """Say once a minute that connections cannot be accepted, where asyncio writes a traceback for each."""
    said_at = -60.0

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal said_at
        if "socket.accept()" not in context.get("message", ""):
            loop.default_exception_handler(context)
        elif loop.time() - said_at >= 60:
            said_at = loop.time()
            logging.getLogger(__name__).error(
                "No connection can be accepted: %s. Raise LimitNOFILE, or lower most_connections.",
                context.get("exception"),
            )

    loop.set_exception_handler(handle)
