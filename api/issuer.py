"""The embedded development issuer's two public documents. Mounted only where no other issuer is set."""

from collections.abc import Callable, Mapping

from fastapi import APIRouter, Request

Document = Mapping[str, object]


def issuer_routes(jwks: Document, configuration: Callable[[str], Document]) -> APIRouter:
    """Routes for OIDC discovery; `configuration` makes the document for the base URL under which we were
    asked.
    """
    router = APIRouter(prefix="/.well-known", tags=["Admin"])

    @router.get("/openid-configuration", operation_id="describe_issuer", summary="The development issuer")
    async def describe_issuer(request: Request) -> dict[str, object]:
        return dict(configuration(str(request.base_url).rstrip("/")))

    @router.get("/jwks.json", operation_id="list_issuer_keys", summary="The development issuer's public keys")
    async def list_issuer_keys() -> dict[str, object]:
        return dict(jwks)

    return router
