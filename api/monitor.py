"""What stands still, and why; and how the engine itself is."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, Field, WithJsonSchema

from api.calls import Reading, TheRecord, page_of, shown
from api.cursors import Keyset, Listing, Page
from api.values import Code, Id, QueryFlag, named, refusal
from domain.ladder import Rung
from services import engine, engine_shapes, stalled, stalled_shapes

router = APIRouter(prefix="/v1/monitor", tags=["Monitor"])


def _known(code: str) -> str:
    if code not in stalled.CODES:
        raise refusal("reason-code", f"One of: {', '.join(stalled.CODES)}.")
    return code


class StalledFilters(Page):
    kind: Literal["task", "referral", "action_plan", "step"] | None = Field(None, description="What stands still.")
    organization_id: Id | None = Field(None, description="Whose turn it is.")
    reason_code: (
        Annotated[Code, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(stalled.CODES)})] | None
    ) = Field(None, description="Why it stands still.")
    level: Annotated[Rung, named(Rung)] | None = Field(None, description="Whom the reminders have reached.")
    excepted: QueryFlag = Field(
        False,
        description="True: what the backbone lets rest until a day. False: all but that. Faults never rest.",
    )


@router.get(
    "/stalled",
    operation_id="list_stalled",
    summary="Everything that stands still, longest overdue first",
    response_model=Listing[stalled_shapes.Stalled],
)
def list_stalled(
    record: TheRecord, call: Reading, page: Annotated[StalledFilters, Query()], keyset: Keyset
) -> Response:
    wanted = stalled.Wanted(page.kind, page.organization_id, page.reason_code, page.level, page.excepted)
    return page_of(
        call,
        page,
        keyset,
        lambda after, limit: stalled.list_stalled(record, call, after, limit, wanted),
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
