"""All the shared numbers at once."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.calls import Reading, TheRecord, shown
from api.values import Parameters, Whole
from services import measure_shapes, scorecards

router = APIRouter(prefix="/v1", tags=["Indicators"])


class Months(Parameters):
    periods: Annotated[int, Whole(1, 60, text=True)] = Field(
        12, description="How many months, the running one included."
    )


@router.get(
    "/scorecard",
    operation_id="get_scorecard",
    summary="Every indicator with its newest figures",
    response_model=measure_shapes.Scorecard,
)
def get_scorecard(record: TheRecord, call: Reading, asked: Annotated[Months, Query()]) -> Response:
    return shown(scorecards.get_scorecard(record, call, periods=asked.periods))
