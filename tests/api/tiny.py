"""A very small app in the real shell, and a way to call it without a server."""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import httpx
from fastapi import APIRouter, FastAPI, Query, Response
from joserfc.jwk import ECKey

from api.cursors import Cursors, Keyset, Listing, Page
from api.keys import FixedKeys
from api.limits import Limits
from api.preconditions import Command, IfMatch, etag
from api.shell import Caller, assemble
from api.tokens import Tokens
from api.values import Body, Choice, Code, Day, Id, Instant, LongText, Name
from concert.issuer import Issuer
from services.refusals import Conflict, Forbidden, NotVisible, PreconditionRequired, Stale, Unprocessable

SECRET = "Maribel Quintanilla"
ISSUER = Issuer(ECKey.generate_key("P-256"))
KNOWN = UUID("01890000-0000-7000-8000-000000000001")


class Priority(StrEnum):
    ROUTINE = "routine"
    URGENT = "urgent"


class Person(Body):
    given_name: Name
    birth_date: Day | None = None


class NewReferral(Body):
    client: Person
    priority: Annotated[Priority, Choice] = Priority.ROUTINE
    reason: Code
    note: LongText | None = None
    occurred_at: Instant | None = None


class Filters(Page):
    state: Priority | None = None


def tokens() -> Tokens:
    return Tokens(ISSUER.name, "concert", FixedKeys(ISSUER.jwks()))


router = APIRouter()


@router.post("/v1/referrals", status_code=201)
async def request_referral(body: NewReferral, caller: Caller, command: Command, response: Response) -> dict[str, str]:
    response.headers["Location"] = f"/v1/referrals/{KNOWN}"
    return {"fingerprint": command.fingerprint.hex(), "given_name": body.client.given_name}


@router.get("/v1/referrals")
async def list_referrals(caller: Caller, page: Annotated[Filters, Query()], keyset: Keyset) -> Listing[int]:
    after = keyset.decode(page.cursor, "referrals")[0] if page.cursor is not None else 0
    items = list(range(after, after + page.limit))
    return Listing[int](items=items, next_cursor=keyset.encode([items[-1] + 1], "referrals"))


@router.get("/v1/referrals/{referral_id}")
async def read_referral(referral_id: Id, caller: Caller, response: Response) -> dict[str, str]:
    if referral_id != KNOWN:
        raise NotVisible
    response.headers["ETag"] = etag(7)
    return {"id": str(referral_id)}


@router.delete("/v1/referrals/{referral_id}", status_code=204)
async def drop(referral_id: Id, caller: Caller, command: Command, condition: IfMatch) -> None:
    if condition is None:
        raise PreconditionRequired("Read it first.")
    if 7 not in condition:
        raise Stale("Read it again.")


@router.post("/v1/referrals/{referral_id}/accept")
async def accept(referral_id: Id, caller: Caller, command: Command, condition: IfMatch) -> dict[str, bool]:
    return {"conditional": condition is not None}


@router.get("/v1/refuse/{how}")
async def refuse(how: str, caller: Caller) -> None:
    raise {
        "conflict": Conflict("It is accepted already.", code="wrong-state", current={"state": "accepted"}),
        "forbidden": Forbidden("Only the target may do that."),
        "unprocessable": Unprocessable("It lies in the future.", code="future", pointer="/occurred_at"),
    }[how]


def tiny_app(*, limits: Limits | None = None, raising: Callable[[], Exception] | None = None) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None)
    assemble(app, tokens=tokens(), cursors=Cursors(b"0123456789abcdef"), limits=limits or Limits(0))

    @app.get("/healthz")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/v1/me")
    async def me(caller: Caller) -> dict[str, str]:
        return {"login": caller.subject}

    app.include_router(router)

    @app.get("/v1/fail")
    def fail() -> None:
        raise raising() if raising else RuntimeError(SECRET)

    return app


def bearer(login: str = "ana") -> dict[str, str]:
    return {"Authorization": f"Bearer {ISSUER.sign(login)}"}


def command(key: str = "k-1", login: str = "ana") -> dict[str, str]:
    return {**bearer(login), "Idempotency-Key": key}


def call(app: Any, method: str, url: str, **request: Any) -> httpx.Response:
    """One request; an exception that leaves the app is a failure of the test."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://concert.test") as client:
            return await client.request(method, url, **request)

    return asyncio.run(ask())


def send_raw(
    app: Any,
    *,
    method: str = "POST",
    path: str = "/v1/referrals",
    headers: list[tuple[bytes, bytes]],
    chunks: list[bytes],
) -> tuple[int, dict[str, str], bytes]:
    """One request as a server would hand it over, which no client library would send."""
    sent: list[dict[str, Any]] = []
    waiting = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        for number, chunk in enumerate(chunks, 1)
    ]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> dict[str, Any]:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    head = {key.decode(): value.decode() for key, value in sent[0]["headers"]}
    return sent[0]["status"], head, b"".join(message.get("body", b"") for message in sent[1:])
