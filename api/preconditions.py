"""The headers that make a command safe to repeat and an edit safe from overwriting: Idempotency-Key, ETag,
If-Match.
"""

import json
import re
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Depends, Request

from api.problems import Refused
from services.transaction import Key

KEY_SCHEMA = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
TAG_SCHEMA = {"type": "string", "pattern": r'^(\*|"[!#-~]*"(, "[!#-~]*")*)$'}
_KEY = re.compile(r"[!-~]{1,255}", re.ASCII)
_TAGS = re.compile(r'\s*"[!#-~\x80-\xff]*"\s*(,\s*"[!#-~\x80-\xff]*"\s*)*')
_VERSION = re.compile(r'"(0|[1-9]\d{0,17})"', re.ASCII)


class _EveryVersion(frozenset[int]):
    """What `If-Match: *` names: any version of a thing that exists."""

    def __contains__(self, version: object) -> bool:
        return True


EVERY_VERSION: frozenset[int] = _EveryVersion()


def etag(version: int) -> str:
    """The strong entity tag of a version, with its quotes."""
    return f'"{version}"'


def read_if_match(value: str) -> frozenset[int]:
    """Weak or unreadable tags: 400. Tags that are none of ours are read and match nothing (412 in the
    service).
    """
    if value.strip() == "*":
        return EVERY_VERSION
    if not _TAGS.fullmatch(value):
        raise Refused("if-match-invalid")
    return frozenset(int(version) for version in _VERSION.findall(value))


def fingerprint(method: str, path: str, body: Any) -> bytes:
    """SHA-256 over method, path and the body as a JSON value: blanks and the order of names make no
    difference.
    """
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return sha256(f"{method}\0{path}\0{canonical}".encode()).digest()


def read_key(values: list[str]) -> str:
    """The one Idempotency-Key of a request; 400 without, with several, or with anything but visible ASCII."""
    if not values:
        raise Refused("idempotency-key-missing")
    if len(values) > 1 or not _KEY.fullmatch(values[0]):
        raise Refused("idempotency-key-invalid")
    return values[0]


def command_of(request: Request) -> Key:
    """The Idempotency-Key of a command and the fingerprint of what was asked."""
    key = read_key(request.headers.getlist("idempotency-key"))
    body = getattr(request.state, "body", None)
    return Key(key, fingerprint(request.method, request.scope["path"], body))


def versions_of(request: Request) -> frozenset[int] | None:
    """The versions that If-Match names, None without one; the service says where it is required (428)."""
    values = request.headers.getlist("if-match")
    return read_if_match(", ".join(values)) if values else None


async def _command(request: Request) -> Key:
    return command_of(request)


async def _versions(request: Request) -> frozenset[int] | None:
    return versions_of(request)


Command = Annotated[Key, Depends(_command)]
IfMatch = Annotated[frozenset[int] | None, Depends(_versions)]
"""The two for a route of its own; the routes of the contract take them with the call (`calls`)."""
