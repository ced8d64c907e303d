"""The answers the receiver gives.

No body has a member `errorCode` or `errorMessage`: PredictSpring takes a 2xx with one for a failure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from tillbridge.contracts import json_text
from tillbridge.errors import Finding
from tillbridge.receiver.problems import PROBLEM_TYPE, PROBLEMS
from tillbridge.receiver.receipts import Receipt

_COMMON = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Refusal(Exception):
    """Ends a request with one of the problems."""

    def __init__(
        self,
        code: str,
        *,
        findings: Sequence[Finding] = (),
        retry_after: int | None = None,
        closes: bool = False,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.findings = findings
        self.retry_after = retry_after
        self.closes = closes

    def response(self) -> Response:
        """Give the answer."""
        problem = PROBLEMS[self.code]
        body: dict[str, Any] = {
            "title": problem.title,
            "status": problem.status,
            "code": self.code,
            "detail": problem.detail,
        }
        if self.findings:
            body["errors"] = [
                {"path": found.pointer, "expected": found.expected} for found in self.findings
            ]
        headers: dict[str, str] = {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if problem.status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="tlog", Basic realm="tlog"'
        if self.closes:
            headers["Connection"] = "close"
        return answer(problem.status, body, headers, PROBLEM_TYPE)


def answer(
    status: int,
    body: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:
    """Give a JSON answer."""
    return Response(
        json_text.write(body), status, {**_COMMON, **(headers or {})}, media_type=media_type
    )


def receipt(status: int, given: Receipt, headers: Mapping[str, str] | None = None) -> Response:
    """Give the answer that carries a receipt."""
    body = {
        "receipt_id": given.receipt_id,
        "sha256": given.body_sha256,
        "state": given.state,
        "received_at": given.received_at.isoformat(),
        "stored_at": given.stored_at.isoformat() if given.stored_at else None,
    }
    location = {"Location": f"/receipts/{given.receipt_id}"}
    return answer(status, body, location | dict(headers or {}))
