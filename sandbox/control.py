"""How another program steers the Retail Pro stand-in and reads what it did: `/sandbox/...`, no login.

POST   /sandbox/faults            a `Rule` as JSON        DELETE drops all rules
POST   /sandbox/settings          {"latency_ms": 20, "duplicates": "refuse", "keys": "enforce",
                                   "query_delay_seconds": 2}
POST   /sandbox/stock             {"SVA32": {"8720116122558": 10}}
POST   /sandbox/sessions/expire   ends every Prism session
GET    /sandbox/requests, /sandbox/invoices, /sandbox/stock   the journal
GET    /sandbox/ambiguous         the orders whose outcome their client cannot know
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import Rule

if TYPE_CHECKING:
    from sandbox.retail_pro import RetailPro

_STOCK = TypeAdapter(dict[str, dict[str, Decimal]])


class Settings(BaseModel):
    """What can be switched while the stand-in runs; what is not named stays."""

    model_config = ConfigDict(extra="forbid")

    latency_ms: float | None = None
    duplicates: Literal["accept", "refuse"] | None = None
    keys: Literal["ignore", "enforce"] | None = None
    query_delay_seconds: float | None = None


def control_routes(retail_pro: RetailPro) -> list[Route]:
    """Give the routes that steer `retail_pro`."""

    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            retail_pro.faults.clear()
        else:
            retail_pro.faults.add(Rule.model_validate_json(await request.body()))
        return Response(status_code=204)

    async def settings(request: Request) -> Response:
        wanted = Settings.model_validate_json(await request.body())
        for name, value in wanted.model_dump(exclude_none=True).items():
            setattr(retail_pro, name, value)
        return Response(status_code=204)

    async def put_stock(request: Request) -> Response:
        stock = _STOCK.validate_json(await request.body())
        retail_pro.journal.put_stock(stock)
        return Response(status_code=204)

    async def expire(request: Request) -> Response:
        retail_pro.door.expire_sessions()
        return Response(status_code=204)

    async def ambiguous(request: Request) -> Response:
        orders = sorted(retail_pro.journal.ambiguous())
        return Response(json.dumps(orders), media_type="application/json")

    def reader(read: Callable[[], Sequence[Any]]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            rows = [asdict(row) for row in read()]
            return Response(json.dumps(rows, default=str), media_type="application/json")

        return answer

    journal = retail_pro.journal
    return [
        Route("/sandbox/faults", _explained(faults), methods=["POST", "DELETE"]),
        Route("/sandbox/settings", _explained(settings), methods=["POST"]),
        Route("/sandbox/stock", _explained(put_stock), methods=["POST"]),
        Route("/sandbox/sessions/expire", expire, methods=["POST"]),
        Route("/sandbox/ambiguous", ambiguous),
        Route("/sandbox/requests", reader(journal.requests)),
        Route("/sandbox/invoices", reader(journal.invoices)),
        Route("/sandbox/stock", reader(journal.stock)),
    ]


def _explained(
    endpoint: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """Answer 400 with what is wrong instead of an empty 500."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ValidationError as error:
            return Response(str(error), 400, media_type="text/plain")

    return answer
