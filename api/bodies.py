"""Request bodies before anybody trusts them: size, media type, and JSON that means one thing only."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.fields import FieldError
from api.problems import Refused

LARGEST_BODY = 1 << 20
DEEPEST = 64
SLOWEST_SECONDS = 30.0
_DRAINED_AT_MOST = 16 << 20
_JSON_TYPE = re.compile(rb"application/(json|[a-z0-9!#$&^_.+-]+\+json)", re.IGNORECASE)
_FORM_TYPE = b"application/x-www-form-urlencoded"
_FORMS = "/act/"
"""Pages whose forms a browser sends; everything else speaks JSON."""
_PARAMETERS = re.compile(rb"\s*(;\s*charset\s*=\s*\"?utf-?8\"?\s*)?", re.IGNORECASE)


class Bodies:
    """ASGI middleware: a body that passes is replayed to the app; parsed, it is `request.state.body`.

    Requests without a body pass untouched. Refuses with 400, 408, 413, 415, and 422 for numbers JSON cannot
    hold.
    """

    def __init__(self, app: ASGIApp, *, largest: int = LARGEST_BODY) -> None:
        self._app = app
        self._largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_body(scope["headers"]):
            await self._app(scope, receive, send)
            return
        body = await self._read(scope["headers"], receive)
        if body is None:
            return
        if body and scope["path"].startswith(_FORMS):
            if _header(scope["headers"], b"content-type") != _FORM_TYPE:
                raise Refused("media-type")
        elif body:
            _check_media_type(scope["headers"])
            scope["state"]["body"] = parse(body)
        await self._app(scope, _replayed(body, receive), send)

    async def _read(self, headers: list[tuple[bytes, bytes]], receive: Receive) -> bytes | None:
        """The whole body, or None if the caller went away."""
        announced = _header(headers, b"content-length")
        if announced is not None and not announced.isdigit():
            raise Refused("bad-header")
        try:
            async with asyncio.timeout(SLOWEST_SECONDS):
                if announced is not None and (len(announced) > 18 or int(announced) > self._largest):
                    await _drain(receive)
                    raise Refused("too-large")
                return await self._collect(receive)
        except TimeoutError:
            raise Refused("too-slow") from None

    async def _collect(self, receive: Receive) -> bytes | None:
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._largest:
                if message.get("more_body", False):
                    await _drain(receive)
                raise Refused("too-large")
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)


async def _drain(receive: Receive) -> None:
    """Read on and forget, within bounds: a caller that is still sending would not hear the refusal."""
    size = 0
    while size < _DRAINED_AT_MOST:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body", False):
            return


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _header(headers: list[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    return next((value for key, value in headers if key == name), None)


def _has_body(headers: list[tuple[bytes, bytes]]) -> bool:
    return any((key == b"content-length" and value != b"0") or key == b"transfer-encoding" for key, value in headers)


def _check_media_type(headers: list[tuple[bytes, bytes]]) -> None:
    media_type = (_header(headers, b"content-type") or b"").strip()
    kind = _JSON_TYPE.match(media_type)
    encoding = (_header(headers, b"content-encoding") or b"identity").strip().lower()
    if kind is None or not _PARAMETERS.fullmatch(media_type[kind.end() :]) or encoding != b"identity":
        raise Refused("media-type")


def parse(body: bytes) -> Any:
    """The JSON value of a body; a value that two parsers could read differently is refused."""
    try:
        text = body.decode("utf-8")
        value = _decode(text)
    except RecursionError:
        raise Refused("too-deep") from None
    except ValueError:
        raise Refused("malformed-json") from None
    if body.count(b"[") + body.count(b"{") > DEEPEST and _depth_exceeds(value, DEEPEST):
        raise Refused("too-deep")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise Refused("duplicate-name")
    return names


def _out_of_range(_: str) -> NoReturn:
    sentence = "A number is not finite or does not fit into 64 bits."
    raise Refused("invalid", errors=[FieldError("", "number-out-of-range", sentence)])


def _integer(digits: str) -> int:
    if len(digits) > 20 or not -(1 << 63) <= (number := int(digits)) < 1 << 63:
        _out_of_range(digits)
    return number


def _real(digits: str) -> float:
    number = float(digits)
    if number in {float("inf"), float("-inf")}:
        _out_of_range(digits)
    return number


_decode: Callable[[str], Any] = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_real, parse_constant=_out_of_range
).decode


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        nested = [each for each in level if isinstance(each, dict | list)]
        if not nested:
            return False
        level = [child for each in nested for child in (each.values() if isinstance(each, dict) else each)]
    return True
