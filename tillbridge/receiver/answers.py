"""Every answer the receiver gives. The OpenAPI document is made from the same tables.

No body has a member `errorCode` or `errorMessage`: PredictSpring takes a 2xx with one for a failure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from tillbridge.contracts import json_text
from tillbridge.errors import Finding
from tillbridge.receiver.receipts import Receipt

PROBLEM_TYPE = "application/problem+json"
_COMMON = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of answer that is no success."""

    status: int
    title: str
    detail: str


PROBLEMS = {
    "malformed": Problem(400, "Malformed request", "The body is not one whole JSON document."),
    "unauthorized": Problem(
        401, "Unauthorized", "The request carries no credential that is valid here."
    ),
    "not_found": Problem(404, "Not found", "There is nothing under this address."),
    "method": Problem(405, "Method not allowed", "This address does not take this method."),
    "slow": Problem(408, "Request too slow", "The body did not arrive in time."),
    "conflict": Problem(
        409,
        "Conflict",
        "This order was stored before with other content. That content stays; this one is kept aside for a "
        "person to compare.",
    ),
    "in_progress": Problem(
        409, "In progress", "This order is being stored right now. Send it again later."
    ),
    "too_large": Problem(413, "Body too large", "The body is larger than this receiver takes."),
    "unsupported": Problem(
        415, "Unsupported media type", "Send JSON in UTF-8, as application/json, without encoding."
    ),
    "unfit": Problem(422, "Not a TLog", "The document cannot be kept; see its errors."),
    "too_many": Problem(429, "Too many requests", "This client sends faster than it may."),
    "failed": Problem(500, "Internal error", "Nothing was acknowledged. Send it again later."),
    "unavailable": Problem(
        503, "Unavailable", "Nothing can be stored durably right now. Send it again later."
    ),
}


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
