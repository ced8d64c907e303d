"""Which stores a client speaks for. A client that is bound to none speaks for all, and is trusted by all."""

from __future__ import annotations

from collections.abc import Mapping

from tillbridge.receiver.settings import TillCredentials


class Binding:
    """The stores of all clients."""

    def __init__(self, clients: Mapping[str, TillCredentials]) -> None:
        self._stores = {name: frozenset(client.stores) for name, client in clients.items()}

    def may_post(self, client: str, store: str) -> bool:
        """Say whether a document of `store` may come from this client."""
        return not self._stores[client] or store in self._stores[client]

    def strangers(self, client: str) -> frozenset[str]:
        """Return the clients that have no store in common with this one: their sales are not its to return."""
        ours = self._stores[client]
        return frozenset(
            name
            for name, theirs in self._stores.items()
            if name != client and ours and theirs and ours.isdisjoint(theirs)
        )
