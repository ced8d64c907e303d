"""Every kind of answer that is no success, with what it says. Nothing here quotes a request."""

from __future__ import annotations

from dataclasses import dataclass

PROBLEM_TYPE = "application/problem+json"


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
    "ambiguous": Problem(
        400, "Ambiguous request", "A header that says who or what this is stands there twice."
    ),
    "foreign_store": Problem(
        403,
        "Another's store",
        "This client may not post sales of this store, nor returns of sales of other stores.",
    ),
    "not_found": Problem(404, "Not found", "There is nothing under this address."),
    "method": Problem(405, "Method not allowed", "This address does not take this method."),
    "slow": Problem(408, "Request too slow", "The body did not arrive in time."),
    "conflict": Problem(
        409,
        "Conflict",
        "This order was stored before with other content, which stays.",
    ),
    "in_progress": Problem(
        409, "In progress", "This order is being stored right now. Send it again later."
    ),
    "too_large": Problem(413, "Body too large", "The body is larger than this receiver takes."),
    "unsupported": Problem(
        415, "Unsupported media type", "Send JSON in UTF-8, as application/json, without encoding."
    ),
    "unfit": Problem(422, "Not a TLog", "The document cannot be kept; see its errors."),
    "too_many": Problem(
        429, "Too many requests", "This client, or this store of it, sends more than it may."
    ),
    "failed": Problem(500, "Internal error", "Nothing was acknowledged. Send it again later."),
    "unavailable": Problem(
        503, "Unavailable", "Nothing can be stored durably right now. Send it again later."
    ),
}
