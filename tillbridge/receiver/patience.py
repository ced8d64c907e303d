"""A deadline for the head of a request, which uvicorn lacks: it would wait for it for good.

It is a second line behind the proxy's time-outs. It leans on uvicorn's h11 protocol class, and a test
with slow clients says whether that still holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.h11_impl import H11Protocol


def patient_protocol(seconds: float, gave_up: Callable[[], None]) -> type[H11Protocol]:
    """Give uvicorn's HTTP protocol with so much patience between an answer and the next whole head."""

    class PatientProtocol(H11Protocol):
        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
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

        def _look_at_the_clock(self) -> None:
            is_at_work = self.cycle is not None and not self.cycle.response_complete
            if is_at_work or self.transport.is_closing():
                self._forget_the_clock()
            elif self._deadline is None:
                self._deadline = self.loop.call_later(seconds, self._give_up)

        def _forget_the_clock(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

        def _give_up(self) -> None:
            gave_up()
            # Not close(): a client that does not read either would keep it open.
            self.transport.abort()

    return PatientProtocol
