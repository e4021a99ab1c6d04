"""What the partners' scorecards look like. Unranked: partners stand by name, figures in the agenda's order."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.directory_shapes import Mode
from services.shapes import Shape, described

Measure = Annotated[str, described("How a figure is made.", "count", "sum", "rate", "median")]
Why = Annotated[
    str,
    described(
        "Why it is not shown: `learning` until scorecards begin, `partner_first` while the partners read it first.",
        "learning", "partner_first",
    ),
]  # fmt: skip


class Told(Shape):
    """Which months, and whether the backbone's view and the medians tell them yet. A partner's own are told always."""

    period: str = Field(description="2026-11, or 2026-09..2026-11.")
    shown: bool
    withheld: Why | None = None
    shown_from: date | None = Field(None, description="The day from which it is shown; null if it never is, or is now.")


class Meaning(Shape):
    """What a figure says. Its events: GET /v1/indicators/{code}/events?by=organization&value=…&period=…"""

    code: str
    version: int
    name: str
    names: dict[str, str]
    measure: Measure
    unit: str
    definition: str


class Trend(Shape):
    """One figure of one month."""

    period: str
    value: float | None = None
    p90: float | None = None
    cases: int | None = None
    held_back: bool = False
    few: bool = False


class PartnerFigure(Shape):
    """One figure of one partner. `value` is a count, a share, or the median in business days with `p90` beside it."""

    code: str
    value: float | None = None
    p90: float | None = Field(None, description="Nine of ten took no longer.")
    cases: int | None = Field(None, description="Of rates and times: out of how many.")
    met: int | None = None
    missed: int | None = None
    not_yet_due: int | None = Field(None, description="Rates: nobody can judge them yet; they are left out.")
    waiting: int | None = Field(None, description="Times: begun and still waiting; they are left out.")
    held_back: bool = Field(False, description="From too few cases to be shown to others.")
    few: bool = Field(False, description="Your own, from few cases: read it with care.")
    trend: list[Trend] = Field([], description="Month by month.")


class Median(Shape):
    """The collaborative's: of the partners that have enough cases the one in the middle; null if they are too few."""

    code: str
    value: float | None = None
    p90: float | None = None
    partners: int = Field(0, description="How many partners it is made of; 0 where it is not shown.")
    trend: list[Trend] = Field([], description="Month by month.")


class Load(Shape):
    """What stands open now. Ages are whole business days of the region since the day of the request."""

    open: int
    undecided: int
    serving: int
    past_limit: int = Field(description="Past its limit, and the partner's turn.")
    oldest_days: int | None = None
    median_days: float | None = None


class PartnerScorecard(Shape):
    organization_id: UUID
    name: str
    mode: Mode
    scorecard: bool = Field(description="False: it has none; `note` says why.")
    note: str | None = None
    figures: list[PartnerFigure] = Field([], description="In the order of `meanings`.")
    load: Load | None = None


class Declines(Shape):
    """Requests that a service declined because it had no room. Of a partner's services for sensitive needs all
    other readers are told together: their `service_id` is null.
    """

    service_id: UUID | None
    service: str
    organization_id: UUID
    organization: str
    declined: int


class Partners(Shape):
    """The scorecards of the months `start` to `end`, as the caller may read them."""

    start: str
    end: str
    least_cases: int = Field(description="A rate or a time from fewer cases is held back from others.")
    least_partners: int = Field(description="A median is made of at least so many partners.")
    begin_on: date | None = Field(None, description="Before it everybody learns: partners read their own.")
    range: Told
    months: list[Told] = Field(description="Those of the trends.")
    meanings: list[Meaning]
    collaborative: list[Median]
    partners: list[PartnerScorecard]
    no_capacity_by_service: list[Declines] = Field(description="Most declines first; in a partner's eyes its own.")
