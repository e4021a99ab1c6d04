"""Who gets how far: the funnel by group."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api import funnels
from api.calls import Reading, TheRecord
from api.indicators import PICTURE, SVG, Month
from api.values import Parameters
from api.wording import Language
from services import funnel, measure_shapes
from services.naming import names_of

router = APIRouter(prefix="/v1/equity", tags=["Indicators"])


class Asked(Parameters):
    start: Month | None = Field(None, alias="from", description="First month, as in 2026-11; else a year before `to`.")
    end: Month | None = Field(None, alias="to", description="Last month, included; this month without it.")
    by: Literal["organization", "county", "term", "age_band", "race", "ethnicity", "language"] | None = None


@router.get("/funnel", operation_id="get_equity_funnel", summary="How far requests come, by group")
def get_equity_funnel(record: TheRecord, call: Reading, asked: Annotated[Asked, Query()]) -> measure_shapes.Funnel:
    """Offered, acknowledged, accepted, served, need met: requests recorded in these months and what became of them.
    Partners are told groups of one month at a time: `from` or `to`, or the month that runs.
    """
    return funnel.equity_funnel(record, call, start=asked.start, end=asked.end, by=asked.by)


@router.get(
    "/funnel.svg",
    operation_id="draw_equity_funnel",
    summary="The same as a picture",
    response_class=Response,
    responses=PICTURE,
)
def draw_equity_funnel(record: TheRecord, call: Reading, asked: Annotated[Asked, Query()]) -> Response:
    found = funnel.equity_funnel(record, call, start=asked.start, end=asked.end, by=asked.by)
    names = names_of(record, call, asked.by)
    return Response(funnels.draw(found, Language(names.language), names.of), media_type=SVG)
