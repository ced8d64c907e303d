"""Who has a turn, and room for a body: each client and each of its stores has a share of its own.

What one of them asks for beyond its share waits or is refused, and is no loss of the others.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tillbridge.receiver.answers import Refusal
from tillbridge.receiver.pace import Budget, Pace, whole_seconds
from tillbridge.receiver.settings import ReceiverSettings
from tillbridge.receiver.turns import Turns

_SHARES = 4
"""A client, and all that is not proved yet, may hold a quarter of the memory for bodies each."""

_READ_AT_ONCE = 2


class Admission:
    """The shares of all clients, in one event loop."""

    def __init__(self, settings: ReceiverSettings) -> None:
        self._patience = settings.turn_seconds
        self._clients = Pace(settings.client_requests_per_second, settings.client_burst)
        self._stores = {
            name: Pace(settings.requests_per_second, settings.burst) for name in settings.clients
        }
        self.whole = Budget(settings.most_bytes_in_flight)
        share = max(settings.most_bytes_in_flight // _SHARES, settings.largest_body_bytes)
        self.unproved = Budget(share, self.whole)
        self._budgets = {name: Budget(share, self.whole) for name in settings.clients}
        self._turns = Turns()
        self._read_at_once = asyncio.Semaphore(_READ_AT_ONCE)

    def room_of(self, client: str) -> Budget:
        """Return the client's share of the memory for bodies."""
        return self._budgets[client]

    async def turn_of_client(self, client: str) -> None:
        """Wait for the client's turn, whatever it asks for.

        Raises:
            Refusal: it would take too long.
        """
        await self._turn(self._clients, client)

    async def turn_of_store(self, client: str, store: str) -> None:
        """Wait for the turn of one of the client's stores. Raises as `turn_of_client`."""
        await self._turn(self._stores[client], store)

    @asynccontextmanager
    async def large_body(self, client: str) -> AsyncIterator[None]:
        """Read a large body in the block: few at a time, and one of a client."""
        async with self._turns.of(client, None), self._read_at_once:
            yield

    async def _turn(self, pace: Pace, key: str) -> None:
        wait = pace.take(key, time.monotonic(), self._patience)
        if wait > self._patience:
            raise Refusal("too_many", retry_after=whole_seconds(wait))
        if wait:
            await asyncio.sleep(wait)
