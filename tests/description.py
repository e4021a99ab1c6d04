"""The published description, held against what is really answered."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

import httpx
import jsonschema_rs

Document = Mapping[str, Any]


class Description:
    """An OpenAPI document that can be asked whether an answer keeps its promises.

    Stricter than the document: what it does not name must not be answered, so that nothing is published by accident.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.operations = {
            (method.upper(), path): operation
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        }
        self._components = {"components": _closed(copy.deepcopy(document["components"]))}
        self._validators: dict[str, jsonschema_rs.Validator] = {}
        self._paths = [
            (re.compile("^" + re.sub(r"\{[^}]+\}", "[^/]+", path) + "$"), path) for path in document["paths"]
        ]

    def validator(self, schema: Document) -> jsonschema_rs.Validator:
        key = repr(schema)
        if key not in self._validators:
            self._validators[key] = jsonschema_rs.validator_for({**self._components, **schema}, validate_formats=True)
        return self._validators[key]

    def check(self, answer: httpx.Response) -> None:
        """An event hook for httpx clients: fails where status, media type, header or body was never promised."""
        answer.read()
        operation = self._operation(answer.request)
        if operation is None:
            assert answer.status_code in (404, 405), answer.request.url
            return
        where = f"{operation['operationId']} {answer.status_code}"
        promised = operation["responses"].get(str(answer.status_code))
        assert promised, f"{where}: a status that is not described: {answer.text}"
        for name in promised.get("headers", {}):
            assert name in answer.headers or name == "Idempotency-Replayed", f"{where}: {name} is missing"
        if media_type := answer.headers.get("content-type", "").partition(";")[0]:
            assert media_type in promised["content"], f"{where}: {media_type}"
            if schema := promised["content"][media_type].get("schema"):
                problems = [
                    f"{e.instance_path}: {e.message}" for e in self.validator(schema).iter_errors(answer.json())
                ]
                assert not problems, f"{where}: {problems}"

    def _operation(self, request: httpx.Request) -> Any | None:
        found = [path for pattern, path in self._paths if pattern.match(request.url.path)]
        exact = sorted(found, key=lambda path: path.count("{"))
        return self.operations.get((request.method, exact[0])) if exact else None


def _closed(node: Any) -> Any:
    """Object schemas that list their names take no others."""
    if isinstance(node, dict):
        if "properties" in node:
            node.setdefault("additionalProperties", False)
        for child in node.values():
            _closed(child)
    elif isinstance(node, list):
        for child in node:
            _closed(child)
    return node
