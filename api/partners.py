"""The partners' scorecards: each beside the median of all, as JSON and as tables."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.calls import Reading, TheRecord, shown
from api.indicators import Month
from api.public import CSV, XLSX
from api.values import Id, Parameters, Whole
from services import partner_shapes, partners
from services.transaction import Call, Record

router = APIRouter(prefix="/v1/monitor", tags=["Monitor"])


class Asked(Parameters):
    """Without months: as many as `trend` says, up to the newest that is told to everybody who reads all, or to the
    running one for a partner."""

    start: Month | None = Field(None, alias="from", description="First month, as in 2026-11.")
    end: Month | None = Field(None, alias="to", description="Last month, included.")
    organization_id: Id | None = Field(None, description="This partner alone.")
    trend: Annotated[int, Whole(1, 24, text=True)] = Field(
        partners.TREND, description="How many months one by one, up to the last."
    )


def _file(media_type: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": "A table of all figures.", "content": {media_type: {}}}}


@router.get(
    "/partners",
    operation_id="get_partners",
    summary="Each partner's scorecard beside the median of all, unranked",
    response_model=partner_shapes.Partners,
)
def get_partners(record: TheRecord, call: Reading, asked: Annotated[Asked, Query()]) -> Response:
    """A partner reads its own as it happens; the backbone reads a month some days after it; what is open, at once."""
    return shown(_found(record, call, asked))


@router.get(
    "/partners.csv",
    operation_id="download_partners_csv",
    summary="The partners' scorecards as CSV",
    response_class=Response,
    responses=_file(CSV),
)
def download_partners_csv(record: TheRecord, call: Reading, asked: Annotated[Asked, Query()]) -> Response:
    from api.partner_tables import csv_of

    return _table(_found(record, call, asked), csv_of, f"{CSV}; charset=utf-8", "partners.csv")


@router.get(
    "/partners.xlsx",
    operation_id="download_partners_xlsx",
    summary="The partners' scorecards as a workbook",
    response_class=Response,
    responses=_file(XLSX),
)
def download_partners_xlsx(record: TheRecord, call: Reading, asked: Annotated[Asked, Query()]) -> Response:
    from api.partner_tables import xlsx_of

    return _table(_found(record, call, asked), xlsx_of, XLSX, "partners.xlsx")


def _found(record: Record, call: Call, asked: Asked) -> partner_shapes.Partners:
    return partners.get_partners(
        record, call, start=asked.start, end=asked.end, organization_id=asked.organization_id, trend=asked.trend
    )


def _table(
    found: partner_shapes.Partners, write: Callable[[partner_shapes.Partners], bytes], media_type: str, file: str
) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{file}"', "Cache-Control": "no-store"}
    return Response(write(found), headers=headers, media_type=media_type)
