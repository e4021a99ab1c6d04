"""The shared numbers: what they mean, how they stand, and the exact events behind each."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, Field, WithJsonSchema

from api import charts
from api.calls import Reading, TheRecord
from api.cursors import Keyset, Page
from api.values import Code, Id, Parameters, Text, Whole, refusal
from api.wording import Language
from domain.period import MONTH_PATTERN, YEAR_OR_MONTH, is_month
from services import drilldown, indicators, measure_shapes
from services.naming import names_of
from services.refusals import Unprocessable

router = APIRouter(prefix="/v1/indicators", tags=["Indicators"])


def _month(text: str) -> str:
    if not is_month(text):
        raise refusal("month", "Write a month as YYYY-MM.")
    return text


Month = Annotated[str, AfterValidator(_month), WithJsonSchema({"type": "string", "pattern": MONTH_PATTERN})]
Period = Annotated[str, Text(4, 60), Field(pattern=rf"^([a-z][a-z0-9_]*:(19|20)\d\d|{YEAR_OR_MONTH})$")]
Group = Annotated[str, Field(strict=True, max_length=64, pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*\+?$")]
"""A code, or the oldest age band: 65+."""
By = Literal["organization", "county", "term", "age_band", "race", "ethnicity", "language"]


class Range(Parameters):
    start: Month | None = Field(None, alias="from", description="First month, as in 2026-11.")
    end: Month | None = Field(None, alias="to", description="Last month, included.")
    by: By | None = None
    period: Code = Field(
        "month",
        description="month, a calendar of the agenda, or range: one figure for all. By group partners ask by month.",
    )
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
    period: Period = Field(description="As in the series: 2026-11, 2026, or a calendar's year such as state_year:2027.")
    by: By | None = Field(None, description="A dimension; with `value`, one of its groups.")
    value: Group | None = Field(None, description="A group as in the series; of organizations their id.")
    organization_id: Id | None = Field(None, description="The same as by=organization and that value.")
    version: Annotated[int, Whole(1, 9999, text=True)] | None = None

    def figure(self) -> drilldown.Figure:
        if self.organization_id is None:
            return drilldown.Figure(self.period, self.by, self.value, self.version)
        if self.by is not None:
            raise Unprocessable("Name either organization_id, or by and value.", pointer="/organization_id")
        return drilldown.Figure(self.period, "organization", str(self.organization_id), self.version)


@router.get("", operation_id="list_indicators", summary="The short list, without figures")
def list_indicators(record: TheRecord, call: Reading) -> list[measure_shapes.Indicator]:
    return indicators.list_indicators(record, call)


SVG = "image/svg+xml"
PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture, in the reader's language.", "content": {SVG: {"schema": {"type": "string"}}}}
}


# Before the route below: its code would take the ending for a part of itself.
@router.get(
    "/{code}.svg",
    operation_id="draw_indicator",
    summary="Its trend against baseline and target, as a picture",
    response_class=Response,
    responses=PICTURE,
)
def draw_indicator(code: Code, record: TheRecord, call: Reading, asked: Annotated[Range, Query()]) -> Response:
    """By a group: small multiples, or bars where it is one period. The same figures are in the JSON without `.svg`."""
    one = indicators.get_indicator(record, call, code, **asked.asked())
    names = names_of(record, call, asked.by)
    start, end = (asked.start, asked.end) if asked.period == "month" else (None, None)
    language = Language(names.language)
    drawn = charts.chart(
        one, language, names=names.of, by=asked.by, start=start, end=end, running=names.running(asked.period)
    )
    return Response(drawn, media_type=SVG)


@router.get("/{code}", operation_id="get_indicator", summary="One indicator with its series")
def get_indicator(
    code: Code, record: TheRecord, call: Reading, asked: Annotated[Range, Query()]
) -> measure_shapes.Indicator:
    return indicators.get_indicator(record, call, code, **asked.asked())


@router.get("/{code}/events", operation_id="list_indicator_events", summary="The events behind a figure")
def list_indicator_events(
    code: Code, record: TheRecord, call: Reading, page: Annotated[EventFilters, Query()], keyset: Keyset
) -> measure_shapes.EventsBehind:
    """With `by` and `value`: behind one group's figure. What they are worth adds up to the figure."""
    figure = page.figure()
    purpose = f"events {call.subject} {call.organization_id} {code} {figure}"
    after = keyset.decode(page.cursor, purpose) if page.cursor is not None else None
    found = drilldown.events_behind(record, call, code, figure, after=after, limit=page.limit + 1)
    items = found.items[: page.limit]
    more = len(found.items) > page.limit
    return found.model_copy(
        update={"items": items, "next_cursor": keyset.encode([items[-1].id], purpose) if more else None}
    )
