"""Completes FastAPI's description: tokens, headers of requests and answers, refusals, examples."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI

from api.examples import EXAMPLES
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
_OF_THE_PUBLIC = (404, 429)
_OPEN = ("/public/", "/act/")
"""What nobody signs in for."""
_OF_COMMANDS = (404, 409, 412, 413, 415)
_METHODS = {"get", "post", "put", "patch", "delete"}
_TEXT = {"type": "string"}
ORGANIZATION_SCHEMA = {"type": "string", "format": "uuid"}
_ACTING = "For whom you act, where you belong to several organizations; your first without it."
_KEY = "A new random value for each new command, the same again when you repeat it: then it is done once."
_TAG = "The ETag that you read: 412 if somebody changed it since. Optional on the verbs of tasks and referrals."
_EDIT = "The ETag that you read: 412 if somebody changed it since, 428 without it."
_EDITED = "/v1/action-plans/{"
"""What stands behind this is edited, with the version that was read."""
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

    app.openapi = described  # type: ignore[method-assign]  # as FastAPI documents it


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM
    for name, example in EXAMPLES.items():
        if name in schemas:
            schemas[name]["examples"] = [example]
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    for path, method, operation in _operations(document):
        if path.startswith("/v1/"):
            operation["security"] = [{"bearer": []}]
            operation["parameters"] = [*operation.get("parameters", []), *_headers(path, method)]
        responses = operation.setdefault("responses", {})
        if "application/json" in responses.get("422", {}).get("content", {}):
            del responses["422"]
        for status, response in responses.items():
            _announce(status, method, path, response, schemas)
        for code in _statuses(path, method, operation):
            responses.setdefault(str(code), _response(code, page=path.startswith("/act/")))
    for unused in ("HTTPValidationError", "ValidationError", *_unmentioned(document, schemas)):
        schemas.pop(unused, None)
    return document


def _unmentioned(document: dict[str, Any], schemas: dict[str, Any]) -> list[str]:
    written = json.dumps(document)
    return [name for name in schemas if f'"#/components/schemas/{name}"' not in written]


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document.get("paths", {}).items():
        for method, operation in methods.items():
            if method in _METHODS:
                yield path, method, operation


def _headers(path: str, method: str) -> list[dict[str, Any]]:
    """The headers that `calls` and `preconditions` read by themselves."""
    found = [_header("Concert-Organization", ORGANIZATION_SCHEMA, _ACTING)]
    if method != "get":
        found.append(_header("Idempotency-Key", KEY_SCHEMA, _KEY, required=True))
    if method != "get" and "{" in path:
        edited = path.startswith(_EDITED)
        found.append(_header("If-Match", TAG_SCHEMA, _EDIT if edited else _TAG, required=edited))
    return found


def _header(name: str, schema: Mapping[str, object], description: str, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


def _announce(status: str, method: str, path: str, response: dict[str, Any], schemas: dict[str, Any]) -> None:
    """The headers of an answer that succeeded."""
    headers = response.setdefault("headers", {})
    shape = response.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
    if "version" in schemas.get(shape.rpartition("/")[2], {}).get("properties", {}) and "/indicators" not in path:
        headers["ETag"] = {"description": "The version, for If-Match.", "schema": _TEXT}
    if status == "201":
        headers["Location"] = {
            "description": "Where to read it.",
            "schema": {"type": "string", "format": "uri-reference"},
        }
    if path.startswith("/v1/") and method != "get":
        headers["Idempotency-Replayed"] = {
            "description": "`true`: this had been done before with the same key, and nothing happened again.",
            "schema": {"const": "true"},
        }
    if not headers:
        del response["headers"]


def _statuses(path: str, method: str, operation: dict[str, Any]) -> set[int]:
    statuses = set(_OF_ANYTHING)
    if path.startswith("/v1/"):
        statuses.update(_OF_PEOPLE)
    if path.startswith(_OPEN):
        statuses.update(_OF_THE_PUBLIC)
    if any(_names_something(each) for each in operation.get("parameters", [])):
        statuses.add(404)
    if method != "get":
        statuses.update(_OF_COMMANDS)
    if method == "delete" or (method != "get" and path.startswith(_EDITED)):
        statuses.add(428)
    return statuses


def _response(status: int, *, page: bool) -> dict[str, Any]:
    if page:
        return {"description": _TITLES[status], "content": {"text/html": {}}}
    return {
        "description": _TITLES[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


_MAY_BE_HIDDEN = frozenset({"organization_id", "client_id"})


def _names_something(parameter: dict[str, Any]) -> bool:
    """That may be missing, or not be the caller's to see."""
    return parameter["in"] in {"path", "query"} and (parameter["required"] or parameter["name"] in _MAY_BE_HIDDEN)
