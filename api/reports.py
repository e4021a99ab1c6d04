"""Standing reports for the meeting of the partners."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from api.calls import Reading, TheRecord
from api.indicators import Month
from api.values import Parameters
from services import directory_shapes, measure_shapes, shortages, shortfalls

router = APIRouter(prefix="/v1/reports", tags=["Indicators"])


class Asked(Parameters):
    start: Month | None = Field(None, alias="from", description="First month, as in 2026-11; else a year before `to`.")
    end: Month | None = Field(None, alias="to", description="Last month, included; this month without it.")
    by: Literal["county"] | None = None


@router.get("/unmet-needs", operation_id="get_unmet_needs", summary="What people needed and did not get")
def get_unmet_needs(record: TheRecord, call: Reading, asked: Annotated[Asked, Query()]) -> measure_shapes.UnmetNeeds:
    """Needs by term, and by county, against the services that are listed. Small numbers are held back. Partners are
    told one quarter of the year at a time; without `from` and `to` the one that runs.
    """
    return shortfalls.unmet_needs(record, call, start=asked.start, end=asked.end, by=asked.by)


class Months(Parameters):
    start: Month | None = Field(None, alias="from", description="First month, as in 2026-11; else a year before `to`.")
    end: Month | None = Field(None, alias="to", description="Last month, included; this month without it.")


@router.get("/capacity", operation_id="get_capacity_report", summary="Where the region lacks room")
def get_capacity_report(
    record: TheRecord, call: Reading, asked: Annotated[Months, Query()]
) -> directory_shapes.CapacityReport:
    """By service and county: offered, declined for want of room, turned away, waitlisted; what it has room for now."""
    return shortages.capacity_report(record, call, start=asked.start, end=asked.end)
