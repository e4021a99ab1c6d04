"""Puts the shell around an app: envelope, bodies, refusals, identity, limits and the description of all
that.
"""

import math
import re
import uuid
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import unquote_to_bytes

from fastapi import Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import kinds
from api.bodies import LARGEST_BODY, Bodies
from api.cursors import Cursors
from api.limits import Limits
from api.openapi import describe
from api.problems import Refused, answer, note, problem_of
from api.tokens import Claims, Tokens
from services.refusals import Refusal

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_LINE_BREAK = re.compile(rb"[\r\n\0]")
_ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_NOT_STORED = (b"cache-control", b"no-store")

Headers = Sequence[tuple[bytes, bytes]]


class BrokenAnswer(Exception):
    """An answer that had begun could not be finished; carries the request id only."""


class Envelope:
    """ASGI middleware, outside of `Bodies`: request id, security headers, and an answer to every exception.

    No exception passes with its message: the server would log it, and messages may hold personal data.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope["headers"])
        scope.setdefault("state", {})["request_id"] = request_id
        begun = False

        async def send_sealed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = _sealed(message.get("headers", ()), scope["path"], request_id)
            await send(message)

        try:
            if any(_LINE_BREAK.search(value) for _, value in scope["headers"]):
                raise Refused("bad-header")
            await self._app(scope, receive, send_sealed)
        except Exception as exc:  # noqa: BLE001 - the one place that answers what nobody expected
            problem = problem_of(exc)
            if problem.status >= 500:
                note(exc, problem, scope, request_id)
            if begun:
                raise BrokenAnswer(request_id) from None
            await problem.response(request_id)(scope, receive, send_sealed)


def _request_id(headers: Headers) -> str:
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value.decode("ascii")
    return uuid.uuid4().hex


def _sealed(headers: Headers, path: str, request_id: str) -> list[tuple[bytes, bytes]]:
    present = {name.lower() for name, _ in headers}
    sealed = [*headers, *_ALWAYS, (b"x-request-id", request_id.encode("ascii"))]
    if _POLICY[0] not in present:
        sealed.append(_POLICY)
    if _NOT_STORED[0] not in present and path.startswith("/v1/"):
        sealed.append(_NOT_STORED)
    return sealed


async def identified(request: Request) -> Claims:
    """Whose token the request carries: 401 without a good one, 429 beyond the limit, 422 for an unknown
    parameter, or one that is there twice.

    The dependency of every route under `/v1`. What the person may do is for the record to say.
    """
    tokens: Tokens = request.app.state.tokens
    token = _bearer(request)
    claims = tokens.remembered(token)
    if claims is None:
        claims = await run_in_threadpool(tokens.verify, token)
    limits: Limits = request.app.state.limits
    wait = limits.take(claims.subject)
    if wait:
        raise Refused("too-many", headers={"Retry-After": str(math.ceil(wait))})
    if request.scope["query_string"]:
        _refuse_unknown_parameters(request)
    return claims


Caller = Annotated[Claims, Depends(identified)]


async def anybody(request: Request) -> None:
    """A reader without a name, of what is published: 429 beyond an address's limit, 422 for an unknown parameter."""
    await passer_by(request)
    _refuse_unknown_parameters(request)


async def passer_by(request: Request) -> None:
    """Somebody with a browser: 429 beyond an address's limit. What mail programs add to an address is ignored."""
    limits: Limits = request.app.state.limits
    address = request.client.host if request.client else ""
    wait = limits.take(f"public {address}")
    if wait:
        raise Refused("too-many", headers={"Retry-After": str(math.ceil(wait))})


def _bearer(request: Request) -> str:
    values = request.headers.getlist("authorization")
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token:
        raise Refused("unauthenticated")
    return token.strip()


def _refuse_unknown_parameters(request: Request) -> None:
    try:
        unquote_to_bytes(request.scope["query_string"]).decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("bad-request", "The address holds what is no UTF-8 text. Encode it again.") from None
    route = request.scope["route"]
    known: frozenset[str] | None = getattr(route, "known_parameters", None)
    if known is None:
        known = route.known_parameters = frozenset(_parameters(route.dependant))
    given = [name for name, _ in request.query_params.multi_items()]
    if not known.issuperset(given):
        raise RequestValidationError([{"type": "extra_forbidden", "loc": ("query",)}])
    twice = [name for name in dict.fromkeys(given) if given.count(name) > 1]
    if twice:
        raise RequestValidationError([{"type": "repeated", "loc": ("query", name)} for name in twice])


def _parameters(dependant: Dependant) -> set[str]:
    names: set[str] = set()
    for parameter in dependant.query_params:
        model = parameter.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            names.update(field.alias or name for name, field in model.model_fields.items())
        else:
            names.add(parameter.alias)
    return names.union(*(_parameters(inner) for inner in dependant.dependencies))


def assemble(
    app: FastAPI,
    *,
    tokens: Tokens,
    cursors: Cursors,
    limits: Limits | None = None,
    largest_body: int = LARGEST_BODY,
) -> None:
    """Install the shell on an app, before or after its routers. `limits` left out means the default rate.

    Create the app with `docs_url=None, redoc_url=None`: FastAPI's pages load scripts from elsewhere.
    """
    app.state.tokens, app.state.cursors = tokens, cursors
    app.state.limits = limits or Limits()
    app.router.redirect_slashes = False
    for expected in (Refusal, Refused, RequestValidationError, HTTPException):
        app.add_exception_handler(expected, answer)
    app.add_middleware(Bodies, largest=largest_body)
    app.add_middleware(Envelope)
    app.include_router(kinds.router)
    describe(app)
