"""The application: every router, in the shell."""

from collections.abc import Callable, Mapping

from fastapi import FastAPI

from api import (
    clients,
    directory,
    equity,
    health,
    indicators,
    me,
    monitor,
    partners,
    plans,
    public,
    publications,
    referrals,
    reports,
    scorecard,
    stories,
    tasks,
    templates,
)
from api.cursors import Cursors
from api.issuer import issuer_routes
from api.limits import Limits
from api.shell import assemble
from api.tokens import Tokens
from services.transaction import Record

Document = Mapping[str, object]
_ROUTERS = (
    tasks, referrals, plans, templates, clients, indicators, scorecard, publications, public, stories, equity, reports,
    monitor, partners,
    directory, me, health,
)  # fmt: skip
TAGS = ("Inbox", "Referrals", "Action plans", "Indicators", "Monitor", "Directory", "Admin", "Interop")


def create_app(
    record: Record,
    tokens: Tokens,
    cursor_key: bytes,
    *,
    limits: Limits | None = None,
    issuer: tuple[Document, Callable[[str], Document]] | None = None,
) -> FastAPI:
    """`issuer`: the embedded one's JWKS and discovery document, None where people bring tokens of another."""
    app = FastAPI(
        title="Concert",
        version="1",
        description="Referrals and action plans across agencies; the numbers count themselves.",
        docs_url=None,
        redoc_url=None,
        openapi_tags=[{"name": name} for name in TAGS],
    )
    app.state.record = record
    for router in _ROUTERS:
        app.include_router(router.router)
    if issuer is not None:
        app.include_router(issuer_routes(*issuer))
    assemble(app, tokens=tokens, cursors=Cursors(cursor_key), limits=limits)
    return app
