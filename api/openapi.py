"""Completes FastAPI's description: bearer tokens, problem details as every refusal, required headers as
required.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from api.kinds import KINDS
from api.preconditions import KEY_SCHEMA, TAG_SCHEMA
from api.problems import MEDIA_TYPE

_TITLES = {
    400: "Not readable, or a header is missing",
    401: "Not signed in",
    403: "Not yours to do",
    404: "Missing, or not visible to you",
    409: "Not possible in the current state, which `current` shows",
    412: "Somebody changed it first",
    413: "The body is too large",
    415: "Not JSON",
    422: "Some fields need attention; see `errors`",
    428: "If-Match is required",
    429: "Too many requests",
    503: "Not available at the moment",
}
_OF_ANYTHING = (400, 422, 503)
_OF_PEOPLE = (401, 403, 429)
_OF_COMMANDS = (404, 409, 412, 413, 415)
_METHODS = {"get", "post", "put", "patch", "delete"}
_TEXT = {"type": "string"}
_PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem details. `type` leads to an explanation of what to do.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": ["/problems/invalid"]},
        "title": _TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": _TEXT,
        "code": {
            "type": "string",
            "description": "Stable; at least as fine as `type`.",
            "examples": sorted(KINDS)[:3],
        },
        "request_id": _TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["in", "pointer", "code", "detail"],
                "properties": {
                    "in": {"enum": ["body", "query", "path", "header", "cookie"]},
                    "pointer": {
                        "type": "string",
                        "description": "JSON pointer into the part that `in` names.",
                    },
                    "code": _TEXT,
                    "detail": _TEXT,
                },
            },
        },
        "current": {"type": "object", "description": "The state as it stands now, on a conflict."},
    },
}


def describe(app: FastAPI) -> None:
    """Let `app.openapi()` answer the completed document."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(plain())
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = _PROBLEM
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    for path, method, operation in _operations(document):
        if path.startswith("/v1/"):
            operation["security"] = [{"bearer": []}]
        for parameter in operation.get("parameters", []):
            _specify(parameter)
        responses = operation.setdefault("responses", {})
        responses.pop("422", None)
        for status in _statuses(path, method, operation):
            responses.setdefault(str(status), _response(status))
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document.get("paths", {}).items():
        for method, operation in methods.items():
            if method in _METHODS:
                yield path, method, operation


def _specify(parameter: dict[str, Any]) -> None:
    """Say what our own headers take. To FastAPI the key is optional, so that its absence is our 400."""
    name = parameter["name"].lower() if parameter["in"] == "header" else ""
    if name == "idempotency-key":
        parameter.update(required=True, schema=KEY_SCHEMA)
    elif name == "if-match":
        parameter.update(required=False, schema=TAG_SCHEMA)


def _statuses(path: str, method: str, operation: dict[str, Any]) -> set[int]:
    statuses = set(_OF_ANYTHING)
    if path.startswith("/v1/"):
        statuses.update(_OF_PEOPLE)
    if "{" in path:
        statuses.add(404)
    if method != "get":
        statuses.update(_OF_COMMANDS)
    if any(parameter["name"].lower() == "if-match" for parameter in operation.get("parameters", [])):
        statuses.update((412, 428))
    return statuses


def _response(status: int) -> dict[str, Any]:
    return {
        "description": _TITLES[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
