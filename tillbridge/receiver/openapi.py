"""The OpenAPI document of the receiver, made from the tables its answers come from."""

from __future__ import annotations

from typing import Any

from tillbridge.receiver.credentials import ID, SIGNATURE, TIMESTAMP
from tillbridge.receiver.document import LISTS, LONGEST_ORDER_ID
from tillbridge.receiver.problems import PROBLEM_TYPE, PROBLEMS
from tillbridge.receiver.settings import ReceiverSettings

_POST = (
    "malformed", "ambiguous", "unauthorized", "foreign_store", "slow", "conflict", "in_progress", "too_large",
    "unsupported", "unfit", "too_many", "unavailable",
)  # fmt: skip
_GET = ("ambiguous", "unauthorized", "not_found", "too_many", "unavailable")


def document(settings: ReceiverSettings, version: str) -> dict[str, Any]:
    """Describe every route, its credentials, its answers and their bodies."""
    security: list[dict[str, list[str]]] = [
        {"bearer": []},
        {"basic": []},
        {"apiKey": []},
        {"webhookId": [], "webhookTimestamp": [], "webhookSignature": []},
    ]
    paths: dict[str, Any] = {
        "/tlog": {
            "post": {
                "operationId": "postTlog",
                "summary": "Hand over a CustomerOrder of a till.",
                "security": security,
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": _schema("CustomerOrder")}},
                },
                "responses": {**_kept(settings), **_problems(_POST)},
            }
        },
        "/receipts/{receipt_id}": {
            "get": {
                "operationId": "getReceipt",
                "summary": "Look up a receipt of this client.",
                "security": security,
                "parameters": [
                    {
                        "name": "receipt_id",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string"},
                    }
                ],
                "responses": {"200": _receipt("The receipt."), **_problems(_GET)},
            }
        },
        "/health": {"get": _plain("getHealth", "Whether the process lives.", "Health")},
        "/ready": {"get": _plain("getReady", "Whether it can store TLogs.", "Readiness")},
    }
    paths["/ready"]["get"]["responses"]["503"] = _json("It cannot.", "Readiness")
    if settings.serve_openapi:
        paths["/openapi.json"] = {"get": _plain("getOpenapi", "This document.", "OpenApi")}
    return {
        "openapi": "3.1.0",
        "info": {"title": "tillbridge TLog receiver", "version": version},
        "paths": paths,
        "components": {
            "schemas": _schemas(settings),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
                "apiKey": {"type": "apiKey", "in": "header", "name": settings.api_key_header},
                "webhookId": _header(ID),
                "webhookTimestamp": _header(TIMESTAMP),
                "webhookSignature": _header(SIGNATURE),
            },
        },
    }


def _kept(settings: ReceiverSettings) -> dict[str, Any]:
    first = {
        "sftp": ("201", "Its file is durably on the SFTP server."),
        "inbox": ("202", "Its bytes are committed in the database; the file follows."),
    }
    status, promise = first[settings.ack]
    repeated = _receipt("It came before with the same content; this is the receipt of then.")
    repeated["headers"]["Idempotency-Replayed"] = {"schema": {"type": "string", "enum": ["true"]}}
    return {"200": repeated, status: _receipt(promise)}


def _receipt(description: str) -> dict[str, Any]:
    return {
        **_json(description, "Receipt"),
        "headers": {"Location": {"schema": {"type": "string"}}},
    }


def _problems(codes: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for code in codes:
        problem = PROBLEMS[code]
        status = str(problem.status)
        described = found.setdefault(
            status,
            {"description": "", "content": {PROBLEM_TYPE: {"schema": _schema("Problem")}}},
        )
        described["description"] = f"{described['description']} {problem.detail}".strip()
        if status in {"409", "429", "503"}:
            described["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return found


def _plain(operation: str, summary: str, schema: str) -> dict[str, Any]:
    return {
        "operationId": operation,
        "summary": summary,
        "security": [],
        "responses": {"200": _json(summary, schema)},
    }


def _json(description: str, schema: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": _schema(schema)}},
    }


def _header(name: bytes) -> dict[str, str]:
    return {"type": "apiKey", "in": "header", "name": name.decode()}


def _schema(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _schemas(settings: ReceiverSettings) -> dict[str, Any]:
    lines = {"type": ["array", "null"], "maxItems": settings.most_lines}
    plain: dict[str, Any] = {"type": ["string", "number"], "minLength": 1}
    moment = {"type": "string", "format": "date-time"}
    return {
        "CustomerOrder": _object(
            {
                "orderId": {"type": "string", "minLength": 1, "maxLength": LONGEST_ORDER_ID},
                "storeId": plain,
                "orderDate": plain,
                **dict.fromkeys(LISTS, lines),
            },
            optional=LISTS,
        ),
        "Receipt": _object(
            {
                "receipt_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                "state": {"type": "string", "enum": ["accepted", "stored"]},
                "received_at": moment,
                "stored_at": {"type": ["string", "null"], "format": "date-time"},
            }
        ),
        "Problem": _object(
            {
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "code": {"type": "string", "enum": sorted(PROBLEMS)},
                "detail": {"type": "string"},
                "errors": {
                    "type": "array",
                    "items": _object({"path": {"type": "string"}, "expected": {"type": "string"}}),
                },
            },
            optional=("errors",),
        ),
        "Health": _object({"status": {"type": "string", "enum": ["ok"]}}),
        "Readiness": _object({part: {"type": "boolean"} for part in ("database", "sftp", "space")}),
        "OpenApi": _object({"openapi": {"type": "string"}, "paths": {"type": "object"}}),
    }


def _object(properties: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": properties}
