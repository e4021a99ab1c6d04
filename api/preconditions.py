"""The headers that make a command safe to repeat and an edit safe from overwriting: Idempotency-Key, ETag,
If-Match.
"""

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Depends, Header, Request

from api.problems import Refused
from services.refusals import PreconditionRequired

KEY_PATTERN = "^[!-~]+$"
LONGEST_KEY = 255
_KEY = re.compile(r"[!-~]{1,255}", re.ASCII)
_TAGS = re.compile(r'\s*"[!#-~\x80-\xff]*"\s*(,\s*"[!#-~\x80-\xff]*"\s*)*')
_VERSION = re.compile(r'"(0|[1-9]\d{0,17})"', re.ASCII)


@dataclass(frozen=True, slots=True)
class Repeatable:
    """What tells a repeat of a command from another: the caller's key, and a SHA-256 of what was asked."""

    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Precondition:
    """The versions that an If-Match names; None stands for `*`, any version that exists."""

    versions: frozenset[int] | None

    def admits(self, version: int) -> bool:
        return self.versions is None or version in self.versions


def etag(version: int) -> str:
    """The strong entity tag of a version, with its quotes."""
    return f'"{version}"'


def read_if_match(value: str) -> Precondition:
    """Weak or unreadable tags: 400. Tags that are none of ours are read and match nothing (412 in the
    service).
    """
    if value.strip() == "*":
        return Precondition(None)
    if not _TAGS.fullmatch(value):
        raise Refused("if-match-invalid")
    return Precondition(frozenset(int(version) for version in _VERSION.findall(value)))


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


async def _repeatable(
    request: Request,
    _key: Annotated[
        str | None, Header(alias="Idempotency-Key", description="A new random value for each new command.")
    ] = None,
) -> Repeatable:
    key = read_key(request.headers.getlist("idempotency-key"))
    body = getattr(request.state, "body", None)
    return Repeatable(key, fingerprint(request.method, request.url.path, body))


async def _if_match(
    request: Request,
    _tag: Annotated[str | None, Header(alias="If-Match", description="The ETag that was read.")] = None,
) -> Precondition | None:
    values = request.headers.getlist("if-match")
    return read_if_match(", ".join(values)) if values else None


async def _demanded(condition: Annotated[Precondition | None, Depends(_if_match)]) -> Precondition:
    if condition is None:
        raise PreconditionRequired("Read it first and send its ETag in If-Match.")
    return condition


Command = Annotated[Repeatable, Depends(_repeatable)]
IfMatch = Annotated[Precondition | None, Depends(_if_match)]
RequiredIfMatch = Annotated[Precondition, Depends(_demanded)]
