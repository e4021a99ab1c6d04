"""Every way in which the API says no: RFC 9457 problem details, in one place.

A rejected value is never sent back and never logged. What comes back of a request are names that the
published contract has, sentences written here or by a service, and the state that a service chose to show.
"""

import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy.exc
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from api.fields import FieldError, field_errors, published_names
from api.kinds import BY_STATUS, KINDS, Kind
from services.refusals import NotVisible, Refusal

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5

log = structlog.get_logger("concert.api")


class Refused(Exception):
    """A refusal of the shell itself, by the code of its kind; without `detail` the kind's remedy is shown."""

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.kind = KINDS[code]
        self.detail = detail or self.kind.remedy
        self.errors = tuple(errors)
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal ready to be sent. `code` may be finer than `kind.code`, which makes the `type`."""

    kind: Kind
    detail: str
    code: str
    title: str
    status: int
    errors: Sequence[FieldError] = ()
    current: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, request_id: str) -> bytes:
        shape: dict[str, object] = {
            "type": self.kind.type,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
        }
        if self.errors:
            shape["errors"] = [error.shape() for error in self.errors]
        if self.current is not None:
            shape["current"] = self.current
        return to_json(shape)

    def response(self, request_id: str) -> Response:
        headers = dict(self.headers)
        if self.status == 401:
            headers.setdefault("WWW-Authenticate", 'Bearer realm="concert"')
        if self.status == 503:
            headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
        return Response(self.body(request_id), self.status, headers, MEDIA_TYPE)


def _of_kind(kind: Kind, *, detail: str | None = None, **more: Any) -> Problem:
    return Problem(kind, detail or kind.remedy, kind.code, kind.title, kind.status, **more)


def _of_refusal(refusal: Refusal) -> Problem:
    if isinstance(refusal, NotVisible) or refusal.status == 404:
        return _of_kind(KINDS["not-found"])
    kind = KINDS.get(refusal.code) or BY_STATUS.get(refusal.status, KINDS["bad-request"])
    errors = () if refusal.pointer is None else (FieldError(refusal.pointer, refusal.code, refusal.detail),)
    return Problem(
        kind,
        refusal.detail,
        refusal.code,
        refusal.title,
        refusal.status,
        errors=errors,
        current=refusal.current,
        headers={"Idempotency-Replayed": "true"} if refusal.replayed else {},
    )


def _of_http(exc: HTTPException) -> Problem:
    fallback = KINDS["internal"] if exc.status_code >= 500 else KINDS["bad-request"]
    kind = BY_STATUS.get(exc.status_code, fallback)
    return Problem(kind, kind.remedy, kind.code, kind.title, exc.status_code, headers=exc.headers or {})


def is_outage(exc: BaseException) -> bool:
    """Whether the database is away, full, read-only, stopping, overloaded or failing: a repeat may succeed.

    A limit on the size of files is a full disk too, and PostgreSQL has no better code for it than its internal error.
    """
    if isinstance(exc, sqlalchemy.exc.TimeoutError):
        return True
    if isinstance(exc, sqlalchemy.exc.DBAPIError):
        return exc.connection_invalidated or (exc.orig is not None and is_outage(exc.orig))
    if isinstance(exc, psycopg.OperationalError | psycopg.errors.ReadOnlySqlTransaction):
        return True
    return isinstance(exc, psycopg.errors.InternalError_ | psycopg.InterfaceError | ConnectionError)


def problem_of(exc: Exception, names: frozenset[str] = frozenset()) -> Problem:
    """What any exception is to a caller. `names` are the field names that may appear in pointers."""
    if isinstance(exc, Refusal):
        return _of_refusal(exc)
    if isinstance(exc, Refused):
        return _of_kind(exc.kind, detail=exc.detail, errors=exc.errors, headers=exc.headers)
    if isinstance(exc, RequestValidationError):
        return _of_kind(KINDS["invalid"], errors=tuple(field_errors(exc.errors(), names)))
    if isinstance(exc, HTTPException):
        return _of_http(exc)
    return _of_kind(KINDS["unavailable" if is_outage(exc) else "internal"])


def allowed_methods(app: FastAPI, scope: Mapping[str, Any]) -> str:
    """The value of Allow over all routes of a path; the router itself names only those of the first match."""
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    return ", ".join(
        method
        for method in methods
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in app.routes)
    )


async def answer(request: Request, exc: Exception) -> Response:
    """The handler of every expected refusal."""
    names = published_names(request.app) if isinstance(exc, RequestValidationError) else frozenset()
    problem = problem_of(exc, names)
    response = problem.response(request.state.request_id)
    if problem.status == 405:
        response.headers["Allow"] = allowed_methods(request.app, request.scope)
    return response


def _where(exc: BaseException) -> str:
    """The deepest line of a project file, else of any file: a place, never a message."""
    frames = traceback.extract_tb(exc.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename]
    for frame in reversed(ours or frames):
        return f"{Path(frame.filename).parent.name}/{Path(frame.filename).name}:{frame.lineno}"
    return "unknown"


def note(exc: BaseException, problem: Problem, scope: Mapping[str, Any], request_id: str) -> None:
    """Log what nobody expected: code, type and place. Messages stay out, they may hold personal data.

    Never raises: a log that cannot be written must not take the answer away.
    """
    database_error = getattr(exc, "orig", None) or exc
    with suppress(Exception):
        log.error(
            "request_failed",
            code=problem.code,
            type=f"{type(exc).__module__}.{type(exc).__qualname__}",
            sqlstate=getattr(database_error, "sqlstate", None),
            at=_where(exc),
            method=scope.get("method"),
            route=getattr(scope.get("route"), "path", None),
            request_id=request_id,
        )
