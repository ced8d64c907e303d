"""How a call to the Retail Pro stand-in ended: what its answer proves, and whether anybody took it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from sandbox.faults import Fault
from sandbox.journal import Proof

_MADE_NOTHING = {307, 308, 400, 401, 403, 404, 405, 413, 415, 422, 429}
_SPOILS_ANY_ANSWER = {"drop", "reset", "cut", "wrong_order", "not_json", "huge", "bomb"}
_HAS_ANOTHER_BODY = {"status", "redirect"}


def proof_of(status: int, body: Mapping[str, Any], fault: Fault | None) -> Proof:
    """Say what an answer proves: its `status`, and the `body` that `fault` has been at.

    A fault that books and then answers that it did not is a lie, and counts as what it says.
    """
    if fault and fault.kind in _SPOILS_ANY_ANSWER:
        return "nothing"
    if fault and fault.kind in _HAS_ANOTHER_BODY:
        body = {}
    if status in _MADE_NOTHING or (status == 200 and body.get("success") is False):
        return "refused"
    return "invoiced" if status == 200 and body.get("success") is True else "nothing"


class Noted(Response):
    """Gives an answer, and says right before its last byte goes out whether the client is still there.

    What it says, exactly once, is the status that went out, if any, whether anybody was there, and the
    SHA-256 of the body. A client may still leave without the last of it: only it knows what it got.
    """

    def __init__(self, answer: Response, say: Callable[[int | None, bool, str], None]) -> None:
        super().__init__()
        self._answer = answer
        self._say = say

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; one that never comes to its last byte is said when it has ended."""
        status: int | None = None
        said = False
        digest = hashlib.sha256()

        async def watched(message: Message) -> None:
            nonlocal status, said
            there = not scope["connection"].is_closing()
            if message["type"] == "http.response.start":
                status = message["status"] if there else None
            elif message["type"] == "http.response.body":
                digest.update(message.get("body", b""))
                if not message.get("more_body"):
                    said = True
                    self._say(status, there, digest.hexdigest())
            await send(message)

        try:
            await self._answer(scope, receive, watched)
        finally:
            if not said:
                self._say(status, False, digest.hexdigest())
