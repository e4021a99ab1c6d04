"""What every route needs: the record, the caller's call, and an answer with its headers."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from api.cursors import Cursors, Listing, Page, SortKey
from api.preconditions import Command, IfMatch, etag
from api.shell import Caller
from api.values import Id
from services.transaction import Answer, Call, Record

M = TypeVar("M", bound=BaseModel)

Acting = Annotated[
    Id | None,
    Header(
        alias="Concert-Organization",
        description="For whom you act, where you belong to several organizations; your first without it.",
    ),
]


def _record(request: Request) -> Record:
    record: Record = request.app.state.record
    return record


def _reading(caller: Caller, acting: Acting = None) -> Call:
    return Call(caller.subject, acting)


def _commanding(caller: Caller, key: Command, acting: Acting = None) -> Call:
    return Call(caller.subject, acting, key)


def _moving(caller: Caller, key: Command, versions: IfMatch, acting: Acting = None) -> Call:
    return Call(caller.subject, acting, key, versions)


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
        headers["Location"] = f"{location}/{getattr(answer.body, 'id')}"  # noqa: B009 - every made thing has an id
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
) -> Listing[M]:
    """One keyset page: asks for one item more than shown, to know whether another page follows."""
    filters = page.model_dump(exclude={"cursor", "limit"}, mode="json")
    purpose = f"{name} {call.subject} {call.organization_id} {sorted(filters.items())}"
    after = keyset.decode(page.cursor, purpose) if page.cursor is not None else None
    found = find(after, page.limit + 1)
    items = list(found[: page.limit])
    more = len(found) > page.limit
    return Listing(items=items, next_cursor=keyset.encode(key(items[-1]), purpose) if more else None)
