"""The API made from settings: imported by whoever serves it, so that worker and relay start without it."""

from __future__ import annotations

from hashlib import sha256

from fastapi import FastAPI
from opentelemetry.trace import Tracer

from api.app import create_app
from api.keys import FixedKeys, RemoteKeys
from api.limits import Limits
from api.tokens import Tokens
from concert.issuer import Issuer
from concert.parts import links_of, secret_of
from concert.settings import Settings
from services.transaction import Record


def application(settings: Settings, record: Record, tracer: Tracer | None = None) -> FastAPI:
    """The API over a record. Without an OIDC issuer the development one signs, from the data directory."""
    key = sha256(b"cursor" + (secret_of(settings) or settings.database_url.encode())).digest()
    limits = Limits(rate=settings.rate_limit, burst=max(1, int(settings.rate_limit * 4)))
    links = links_of(settings)
    if settings.oidc_issuer:
        tokens = Tokens(settings.oidc_issuer, settings.oidc_audience, RemoteKeys(settings.oidc_issuer))
        return create_app(record, tokens, key, limits=limits, links=links, tracer=tracer)
    issuer = Issuer.open(settings.data_dir, audience=settings.oidc_audience)
    tokens = Tokens(issuer.name, settings.oidc_audience, FixedKeys(issuer.jwks()))
    served = (issuer.jwks(), issuer.configuration)
    return create_app(record, tokens, key, limits=limits, links=links, issuer=served, tracer=tracer)
