"""What stands still, and why; and how the engine itself is."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.calls import Reading, TheRecord, page_of, shown
from api.cursors import Keyset, Listing, Page
from services import engine, engine_shapes, shapes, stalled

router = APIRouter(prefix="/v1/monitor", tags=["Monitor"])


@router.get(
    "/stalled",
    operation_id="list_stalled",
    summary="Everything past its limit, longest overdue first",
    response_model=Listing[shapes.Stalled],
)
def list_stalled(record: TheRecord, call: Reading, page: Annotated[Page, Query()], keyset: Keyset) -> Response:
    return page_of(
        call,
        page,
        keyset,
        lambda after, limit: stalled.list_stalled(record, call, after, limit),
        lambda item: (item.limit, item.id),
        "stalled",
    )


@router.get(
    "/engine",
    operation_id="get_engine",
    summary="How the engine is: queues, processes, workflows that fail, and what to do about it",
    response_model=engine_shapes.Engine,
)
def get_engine(record: TheRecord, call: Reading) -> Response:
    return shown(engine.get_engine(record, call))
