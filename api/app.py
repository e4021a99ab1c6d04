"""The application: every router, in the shell."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI
from opentelemetry.trace import Tracer

from api import (
    act,
    clients,
    directory,
    equity,
    health,
    indicators,
    me,
    monitor,
    notices,
    partners,
    people,
    plans,
    public,
    publications,
    referrals,
    reports,
    scorecard,
    stories,
    tasks,
    templates,
    watching,
)
from api.act_shell import ActShell
from api.cursors import Cursors
from api.issuer import issuer_routes
from api.limits import Limits
from api.links import Links
from api.shell import assemble
from api.tokens import Tokens
from api.vitals import Vitals
from api.watched import Watched
from services.transaction import Record

Document = Mapping[str, object]
_ROUTERS = (
    tasks, referrals, plans, templates, clients, indicators, scorecard, publications, public, stories, equity, reports,
    monitor, partners, watching, notices,
    directory, people, me, health, act,
)  # fmt: skip
_DESCRIPTIONS: dict[bool, dict[str, Any]] = {}
"""With the embedded issuer's routes, and without: each worked out once in a process, which takes most of a second."""
TAGS = ("Inbox", "Referrals", "Action plans", "Indicators", "Monitor", "Directory", "Admin", "Interop")


def create_app(
    record: Record,
    tokens: Tokens,
    cursor_key: bytes,
    *,
    limits: Limits | None = None,
    links: Links | None = None,
    issuer: tuple[Document, Callable[[str], Document]] | None = None,
    tracer: Tracer | None = None,
) -> FastAPI:
    """`issuer`: the embedded one's JWKS and discovery document, None where people bring tokens of another.

    `links`: reads the one-use links of mail; None where there are none. `tracer`: None where nobody traces.
    """
    app = FastAPI(
        title="Concert",
        version="1",
        description="Referrals and action plans across agencies; the numbers count themselves.",
        docs_url=None,
        redoc_url=None,
        openapi_tags=[{"name": name} for name in TAGS],
    )
    app.state.record, app.state.links, app.state.vitals = record, links, Vitals(record)
    app.router.routes.extend(route for module in _ROUTERS for route in module.router.routes)
    if issuer is not None:
        app.include_router(issuer_routes(*issuer))
    assemble(app, tokens=tokens, cursors=Cursors(cursor_key), limits=limits)
    _describe_once(app, issuer is not None)
    app.add_middleware(Watched, tracer=tracer)
    app.add_middleware(ActShell)
    return app


def _describe_once(app: FastAPI, with_issuer: bool) -> None:
    described = app.openapi

    def known() -> dict[str, Any]:
        if with_issuer not in _DESCRIPTIONS:
            _DESCRIPTIONS[with_issuer] = described()
        return _DESCRIPTIONS[with_issuer]

    app.openapi = known  # type: ignore[method-assign]  # as FastAPI documents it
