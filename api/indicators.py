"""The shared numbers: what they mean, how they stand, and the exact events behind each."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api import charts
from api.calls import Reading, TheRecord
from api.cursors import Keyset, Listing, Page
from api.values import Code, Parameters, Text, Whole
from api.wording import Language
from services import indicators, shapes
from services.naming import names_of

router = APIRouter(prefix="/v1/indicators", tags=["Indicators"])
Month = Annotated[str, Text(7, 7), Field(pattern=r"^(19|20)\d\d-(0[1-9]|1[0-2])$")]
Period = Annotated[str, Text(4, 7), Field(pattern=r"^(19|20)\d\d(-(0[1-9]|1[0-2]))?$")]


class Range(Parameters):
    start: Month | None = Field(None, alias="from", description="First month, as in 2026-11.")
    end: Month | None = Field(None, alias="to", description="Last month, included.")
    by: Literal["organization", "county", "term", "age_band", "race", "ethnicity", "language"] | None = None
    period: Code = Field("month", description="month, a calendar of the agenda, or range: one figure for all of it.")
    version: Annotated[int, Whole(1, 9999, text=True)] | None = Field(
        None, description="Tell every period by this version, so that old figures stay what they were."
    )

    def asked(self) -> dict[str, Any]:
        """As the service takes it."""
        return {
            "start": self.start,
            "end": self.end,
            "by": self.by,
            "period": self.period,
            "version": self.version,
        }


class EventFilters(Page):
    period: Period


@router.get("", operation_id="list_indicators", summary="The short list, without figures")
def list_indicators(record: TheRecord, call: Reading) -> list[shapes.Indicator]:
    return indicators.list_indicators(record, call)


SVG = "image/svg+xml"
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture, in the reader's language.", "content": {SVG: {"schema": {"type": "string"}}}}
}


# Before the route below: its code would take the ending for a part of itself.
@router.get(
    "/{code}.svg",
    operation_id="draw_indicator",
    summary="Its trend against baseline and target, as a picture",
    response_class=Response,
    responses=_PICTURE,
)
def draw_indicator(code: Code, record: TheRecord, call: Reading, asked: Annotated[Range, Query()]) -> Response:
    """By a group: small multiples, or bars where it is one period. The same figures are in the JSON without `.svg`."""
    one = indicators.get_indicator(record, call, code, **asked.asked())
    names = names_of(record, call, asked.by)
    start, end = (asked.start, asked.end) if asked.period == "month" else (None, None)
    drawn = charts.chart(one, Language(names.language), names=names.of, by=asked.by, start=start, end=end)
    return Response(drawn, media_type=SVG)


@router.get("/{code}", operation_id="get_indicator", summary="One indicator with its series")
def get_indicator(code: Code, record: TheRecord, call: Reading, asked: Annotated[Range, Query()]) -> shapes.Indicator:
    return indicators.get_indicator(record, call, code, **asked.asked())


@router.get("/{code}/events", operation_id="list_indicator_events", summary="The events behind a figure")
def list_indicator_events(
    code: Code, record: TheRecord, call: Reading, page: Annotated[EventFilters, Query()], keyset: Keyset
) -> Listing[shapes.Event]:
    purpose = f"events {call.subject} {call.organization_id} {code} {page.period}"
    after = keyset.decode(page.cursor, purpose) if page.cursor is not None else None
    found = indicators.indicator_events(record, call, code, period=page.period, after=after, limit=page.limit + 1)
    shown = found[: page.limit]
    more = len(found) > page.limit
    return Listing(
        items=[event for _, event in shown],
        next_cursor=keyset.encode([shown[-1][0]], purpose) if more else None,
    )
