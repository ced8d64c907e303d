"""The receiver's framework without the receiver: reads a body, parses it, says 201 and forgets it."""

from __future__ import annotations

import json
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def _take(request: Request) -> JSONResponse:
    order = json.loads(await request.body())
    return JSONResponse({"receipt_id": order["orderId"]}, status_code=201)


if __name__ == "__main__":
    uvicorn.run(
        Starlette(routes=[Route("/tlog", _take, methods=["POST"])]),
        port=int(sys.argv[1]),
        log_level="warning",
    )
