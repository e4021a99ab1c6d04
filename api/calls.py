"""What every route needs: the record, the caller's call, and an answer with its headers."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from api.cursors import Cursors, Listing, Page, SortKey
from api.fields import FieldError
from api.preconditions import command_of, etag, versions_of
from api.problems import Refused
from api.shell import identified
from api.values import read_id
from services.transaction import Answer, Call, Record

M = TypeVar("M", bound=BaseModel)


# One dependency reads the headers of a call by itself, and none of these is a plain function: further dependencies and
# header parameters cost time on every request, plain functions a change of threads. `openapi` describes the headers.


async def _record(request: Request) -> Record:
    record: Record = request.app.state.record
    return record


async def _reading(request: Request) -> Call:
    claims = await identified(request)
    return Call(claims.subject, _acting(request))


async def _commanding(request: Request) -> Call:
    claims = await identified(request)
    return Call(claims.subject, _acting(request), command_of(request))


async def _moving(request: Request) -> Call:
    claims = await identified(request)
    return Call(claims.subject, _acting(request), command_of(request), versions_of(request))


def _acting(request: Request) -> UUID | None:
    """For which of their organizations the caller acts; None is their first."""
    given = request.headers.getlist("concert-organization")
    if not given:
        return None
    if len(given) > 1:
        raise Refused("bad-header")
    try:
        return read_id(given[0])
    except PydanticCustomError as error:
        raise Refused("invalid", errors=[FieldError("/concert-organization", "id", str(error), "header")]) from None


TheRecord = Annotated[Record, Depends(_record)]
Reading = Annotated[Call, Depends(_reading)]
"""A call that changes nothing."""
Commanding = Annotated[Call, Depends(_commanding)]
"""A call that makes something; its Idempotency-Key is required."""
Moving = Annotated[Call, Depends(_moving)]
"""A call that moves something that has a version; If-Match is honored."""


def answered(answer: Answer[M], location: str | None = None) -> Response:
    """The body as the service shaped it, with ETag, Location and whether it is a replay."""
    headers = _version_of(answer.body)
    if answer.replayed:
        headers["Idempotency-Replayed"] = "true"
    if location is not None:
        made: Any = answer.body  # every made thing has an id
        headers["Location"] = f"{location}/{made.id}"
    return _json(answer.body, answer.status, headers)


def shown(body: BaseModel) -> Response:
    return _json(body, 200, _version_of(body))


def _version_of(body: BaseModel) -> dict[str, str]:
    version = getattr(body, "version", None)
    return {"ETag": etag(version)} if isinstance(version, int) else {}


def _json(body: BaseModel, status: int, headers: dict[str, str]) -> Response:
    return Response(body.model_dump_json(), status, headers, "application/json")


def page_of(
    call: Call,
    page: Page,
    keyset: Cursors,
    find: Callable[[tuple[Any, ...] | None, int], Sequence[M]],
    key: Callable[[M], Sequence[SortKey]],
    name: str,
) -> Response:
    """One keyset page: asks for one item more than shown, to know whether another page follows."""
    filters = page.model_dump(exclude={"cursor", "limit"}, mode="json")
    purpose = f"{name} {call.subject} {call.organization_id} {sorted(filters.items())}"
    after = keyset.decode(page.cursor, purpose) if page.cursor is not None else None
    found = find(after, page.limit + 1)
    items = list(found[: page.limit])
    more = len(found) > page.limit
    return shown(Listing(items=items, next_cursor=keyset.encode(key(items[-1]), purpose) if more else None))
