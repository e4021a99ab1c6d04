"""What services answer about the shared numbers and the agenda that they serve, in the manner of `shapes`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from domain.stage import Stage
from services.shapes import Event, Shape, described


class Worth(Shape):
    """What events add to a figure: a count's `value`, a rate's `numerator` and `denominator`, a duration's `bucket`.

    Negative where something was taken back. Money is in cents.
    """

    organization_id: UUID | None = Field(description="Whose figure; null: the region's, or of several together.")
    part: str
    bucket: int = Field(description="Of a duration: how many whole units; else 0.")
    value: int
    events: int | None = Field(None, description="How many events, where several are told together.")


class CountedEvent(Event):
    """An event behind a figure, and what it is worth there."""

    worth: list[Worth]


class EventsBehind(Shape):
    """A page of the events that you may see, and of which you may know that they are behind this figure: of a person's
    group, their answers or a sensitive need not everybody may. `others`: what all the others are worth together.
    """

    items: list[CountedEvent]
    others: list[Worth]
    held_back: bool = Field(False, description="A group that is not shown to you: too small, or told with others.")
    next_cursor: str | None


class Point(Shape):
    """One figure: a period, and a cell of the dimension that was asked for."""

    period: str
    value: float | None
    numerator: int | None = Field(None, description="Rates: how many of them.")
    denominator: int | None = Field(None, description="Rates and durations: out of how many cases.")
    waiting: int | None = Field(None, description="Durations: begun and still waiting.")
    not_yet_due: int | None = Field(None, description="Rates: cases of that period not due yet; left out.")
    response_rate: float | None = Field(None, description="Rates of answers: how many of those asked have answered.")
    version: int | None = Field(None, description="The version of the definition that says so.")
    held_back: bool = Field(False, description="A group too small to be shown to other partners: it has no figures.")
    by: dict[str, str] = Field({})


class Result(Shape):
    """What should be true for everybody who lives here."""

    code: str
    name: str
    es: str | None = None


class Strategy(Shape):
    code: str
    name: str
    definition: str
    result: str = Field(description="Code of the result that it contributes to.")
    indicators: list[str] = Field([], description="Codes of the performance measures that it carries.")


class Adoption(Shape):
    """What one partner signed up to, of which version of the agenda, and since when; null: of none yet."""

    organization_id: UUID
    slug: str
    name: str
    version: int | None = None
    adopted_on: date | None = None
    commitments: list[str] = Field([])


class Calendar(Shape):
    code: str
    name: str
    starts_in: int = Field(description="The month with which its years begin.")


class Agenda(Shape):
    """What the partners agreed on, as it stands."""

    version: int
    name: str
    adopted_on: date
    results: list[Result]
    strategies: list[Strategy]
    calendars: list[Calendar]
    adoptions: list[Adoption]


class IndicatorVersion(Shape):
    version: int
    effective_on: date
    in_force: bool


class Observation(Shape):
    """A value of the whole population, as somebody observed it; the newest for its period and geography stands."""

    period: str
    geography: str
    value: float
    observed_on: date
    source: str


class Coverage(Shape):
    """How much a figure can know."""

    connected_partners: int = Field(description="They work in Concert; for the others somebody records.")
    partners: int
    unknown: dict[str, float] = Field({}, description="Share of what was counted of which the group is not known.")


class Indicator(Shape):
    """A measure on the collaborative's short list, as data that can be read aloud."""

    code: str
    version: int
    name: str
    names: dict[str, str] = Field({}, description="In other languages, by code.")
    kind: str
    measures: Literal["performance", "population"] = "performance"
    unit: str
    direction: str
    definition: str
    result: str | None = Field(None, description="Code of the population result that it contributes to.")
    strategy: str | None
    owner_organization_id: UUID
    rule: dict[str, Any]
    period: str = Field("month", description="By which it is told: month, or a calendar of the agenda.")
    by: list[str] = Field([], description="The groups by which it can be asked for.")
    threshold: int | None = Field(None, description="Published counts below it are hidden; the region's, if null.")
    baseline: Any | None
    target: Any | None
    baseline_period: bool = Field(True, description="No baseline was observed yet: the target binds nobody.")
    versions: list[IndicatorVersion] = Field([])
    coverage: Coverage | None = None
    observations: list[Observation] = Field([])
    series: list[Point] = Field([])


class Scorecard(Shape):
    """Every indicator as it counts today, with its newest figures; unranked."""

    indicators: list[Indicator]


class Story(Shape):
    """What a partner says lies behind its figure; a draft of its own until `released_at`."""

    id: UUID
    indicator_code: str
    period: str
    organization_id: UUID
    text: str
    released_at: datetime | None
    created_at: datetime
    version: int


class Decision(Shape):
    """What was decided because of a figure, by whom it is done and by when."""

    id: UUID
    indicator_code: str
    organization_id: UUID = Field(description="Who recorded it.")
    text: str
    owner_organization_id: UUID
    due_on: date
    done_at: datetime | None
    created_at: datetime
    version: int


class UnmetNeed(Shape):
    """A kind of need that people had. A number that is null is held back, because it is small."""

    term: str
    name: str
    county: str | None = Field(None, description="FIPS code, or unknown; null without `by`.")
    recorded: int | None = Field(description="All needs of this kind.")
    unmet: int | None = Field(description="Ended without help.")
    without_service: int | None = Field(description="Open, and nobody is asked or at work.")
    no_capacity: int | None = Field(description="A partner had no room for it.")
    services: int = Field(description="Active services listed for it, of narrower terms too.")
    services_here: int | None = Field(None, description="Those with a place in that county.")
    held_back: list[str] = Field([])


class UnmetNeeds(Shape):
    """Needs recorded from `start` to `end`, as they stand now: worst first."""

    start: str
    end: str
    by: str | None
    threshold: int = Field(description="Smaller numbers than this are held back; zero is shown.")
    rows: list[UnmetNeed]


class FunnelStage(Shape):
    """How many requests came so far. Null and `held_back`: a small number, or one that would tell it."""

    stage: Annotated[str, described("In this order.", Stage)]
    requests: int | None = None
    share: float | None = Field(None, description="Of those offered.")
    still_open: int | None = Field(None, description="Came so far and may come further; nobody lost them.")
    lost: int | None = Field(None, description="Came so far and will not come to the next stage.")
    lost_share: float | None = Field(None, description="Of those that came so far and are not open any more.")
    held_back: bool = False


class FunnelGroup(Shape):
    group: str | None = Field(description="A code of the dimension; null: everybody.")
    stages: list[FunnelStage]


class Funnel(Shape):
    """Requests recorded from `start` to `end` and what became of them; everybody first, the unknown last."""

    start: str
    end: str
    by: str | None
    threshold: int = Field(description="Smaller numbers than this are held back; zero is shown.")
    groups: list[FunnelGroup]
