"""Published figures, for everybody: no name, no cookie, nothing but closed periods as they were published."""

from collections.abc import Callable
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from api.calls import TheRecord
from api.publications import PeriodName
from api.shell import anybody
from api.values import Code, Parameters, Whole
from services import public
from services.published import Snapshots

router = APIRouter(prefix="/public", tags=["Indicators"], dependencies=[Depends(anybody)])
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv"
_FOR_A_WHILE = "public, max-age=300"
_FOR_GOOD = "public, max-age=31536000, immutable"
_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "What you have is still what is published."}}


class Asked(Parameters):
    """Without a period: the newest ones, of each its last version."""

    period: PeriodName | None = None
    version: Annotated[int, Whole(1, 100_000, text=True)] | None = None
    indicator: Code | None = None
    collaborative: Code | None = Field(None, description="Where a deployment serves several.")
    limit: Annotated[int, Whole(1, public.MOST, text=True)] = Field(12, description="At most so many periods.")


def _file(media_type: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": "A table of all figures.", "content": {media_type: {}}}, **_UNCHANGED}


@router.get(
    "/indicators",
    operation_id="read_published_indicators",
    summary="The published figures",
    response_model=Snapshots,
    responses=_UNCHANGED,
)
def read_published_indicators(request: Request, record: TheRecord, asked: Annotated[Asked, Query()]) -> Response:
    """A suppressed figure says so and no more. What is published is never changed; corrections are a new version."""
    return _answer(request, record, asked, "application/json", lambda found: found.model_dump_json().encode())


@router.get(
    "/indicators.csv",
    operation_id="download_published_indicators_csv",
    summary="The published figures as CSV",
    response_class=Response,
    responses=_file(CSV),
)
def download_published_indicators_csv(
    request: Request, record: TheRecord, asked: Annotated[Asked, Query()]
) -> Response:
    from api.exports import csv_of

    return _answer(request, record, asked, f"{CSV}; charset=utf-8", csv_of, "indicators.csv")


@router.get(
    "/indicators.xlsx",
    operation_id="download_published_indicators_xlsx",
    summary="The published figures as a workbook",
    response_class=Response,
    responses=_file(XLSX),
)
def download_published_indicators_xlsx(
    request: Request, record: TheRecord, asked: Annotated[Asked, Query()]
) -> Response:
    from api.exports import xlsx_of

    return _answer(request, record, asked, XLSX, xlsx_of, "indicators.xlsx")


def _answer(
    request: Request,
    record: TheRecord,
    asked: Asked,
    media_type: str,
    write: Callable[[Snapshots], bytes],
    file: str | None = None,
) -> Response:
    """304 where the reader has it already. One version of a period never changes, so it may be kept for good."""
    found = public.published(
        record,
        collaborative=asked.collaborative,
        period=asked.period,
        version=asked.version,
        indicator=asked.indicator,
        limit=asked.limit,
    )
    tag = _tag(found, media_type, asked.indicator)
    for_good = asked.period is not None and asked.version is not None
    headers = {"ETag": tag, "Cache-Control": _FOR_GOOD if for_good else _FOR_A_WHILE}
    had = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    if had & {tag, "*"}:
        return Response(status_code=304, headers=headers)
    if file is not None:
        headers["Content-Disposition"] = f'attachment; filename="{file}"'
    return Response(write(found), headers=headers, media_type=media_type)


def _tag(found: Snapshots, media_type: str, indicator: str | None) -> str:
    named = "|".join((media_type, indicator or "", *(str(item.id) for item in found.items)))
    return f'"{sha256(named.encode()).hexdigest()[:32]}"'
