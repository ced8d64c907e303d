"""The insides of uvicorn that the receiver leans on are there; another uvicorn fails here first."""

from __future__ import annotations

import asyncio
import inspect

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from tillbridge.receiver.http_protocol import patient_protocol

CALLED = {
    "connection_made": ["self", "transport"],
    "connection_lost": ["self", "exc"],
    "data_received": ["self", "data"],
    "on_response_complete": ["self"],
    "send_400_response": ["self", "msg"],
}
KEPT = {"conn", "connections", "cycle", "transport", "client", "loop", "logger"}


def test_what_is_used_of_uvicorn_is_there() -> None:
    """The methods that are extended, the attributes that are read and the one that is replaced."""
    for name, parameters in CALLED.items():
        assert list(inspect.signature(getattr(H11Protocol, name)).parameters) == parameters, name
    assert list(inspect.signature(H11Protocol.__init__).parameters)[1:4] == [
        "config",
        "server_state",
        "app_state",
    ]
    assert ServerState().connections == set()

    async def made() -> asyncio.Protocol:
        protocol = patient_protocol(1, 1, lambda: None, lambda *_: None)
        return protocol(Config(lambda *_: None, ws="none"), ServerState(), {})

    assert set(vars(asyncio.run(made()))) >= KEPT
    source = inspect.getsource(RequestResponseCycle.__init__)
    for name in ("response_complete = False", "disconnected = False", "message_event = "):
        assert f"self.{name}" in source
    assert "self.on_response_complete" in inspect.getsource(H11Protocol.handle_events)
    assert "self.logger" in inspect.getsource(H11Protocol.handle_events)
