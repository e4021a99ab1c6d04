"""Is it alive, is it ready, how is it: for machines, without identity and without personal data."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from api.calls import TheRecord
from api.vitals import Vitals
from services.health import check_ready

router = APIRouter(tags=["Admin"])


class Health(BaseModel):
    status: str


@router.get("/healthz", operation_id="get_health", summary="The process lives")
async def get_health() -> Health:
    return Health(status="ok")


@router.get("/readyz", operation_id="get_readiness", summary="The record answers")
def get_readiness(record: TheRecord) -> Health:
    check_ready(record)
    return Health(status="ready")


@router.get("/metrics", operation_id="get_metrics", summary="Prometheus metrics", response_class=Response)
def get_metrics(request: Request) -> Response:
    """Answers while the record is away, too: `concert_up` is 0 then."""
    vitals: Vitals = request.app.state.vitals
    return Response(generate_latest() + generate_latest(vitals), media_type=CONTENT_TYPE_LATEST)
