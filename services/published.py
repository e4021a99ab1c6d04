"""The shapes of published snapshots: what the public reads, and what is stored, once and for all."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from services.shapes import Shape

Json = dict[str, Any]


class Observed(Shape):
    """Where a value of the whole population comes from; nobody is counted here, so nothing is suppressed."""

    period: str
    on: date
    source: str


class Figure(Shape):
    """One published figure of one group; `by` is empty for the region."""

    by: dict[str, str] = Field(default_factory=dict)
    value: float | None = Field(description="Null where it is suppressed, or where there was no case.")
    numerator: int | None = Field(None, description="Rates: how many of them.")
    denominator: int | None = Field(None, description="Out of how many cases.")
    waiting: int | None = Field(
        None, description="Durations: who began and still waits; null where that is suppressed."
    )
    waiting_share: float | None = Field(None, description="Durations: the share still waiting of all who began.")
    observed: Observed | None = Field(None, description="Population measures: who observed it, and of when it is.")
    suppressed: bool = Field(description="Too few cases, or needed so that too few cannot be computed elsewhere.")
    complete: bool | None = Field(
        description="False: without the work of confidential providers, which is too little to be shown here."
    )


class PublishedIndicator(Shape):
    """A measure with its figures; `groups` that nobody knows are `unknown`, and always shown."""

    code: str
    version: int
    name: str
    definition: str
    kind: str
    measure: str
    unit: str
    direction: str
    strategy: str | None = Field(description="Null: a value of the whole population serves a result, not one strategy.")
    baseline: Any | None
    target: Any | None
    threshold: int | None = Field(None, description="Its own, where it has one; the higher of the two counts.")
    baseline_period: bool = Field(description="Too little history, or no observed baseline: no target yet.")
    figures: list[Figure]


class Change(Shape):
    """A figure that differs from the version before."""

    indicator: str
    by: dict[str, str]
    before: Figure | None
    after: Figure | None
    reasons: list[str]


class InWords(Shape):
    """One indicator's changes as somebody would say them: each figure from what to what, and what is hidden now."""

    indicator: str
    sentence: str


class Corrections(Shape):
    """What was recorded since the version before, in a region's figure that is shown. Zero: none of that kind; null:
    some, but this or another number is too small to be told.
    """

    indicator: str
    late_entries: int | None
    taken_back: int | None
    records_joined: int | None


class Explanation(Shape):
    """What differs from the version before, and why; empty in a first version."""

    since_version: int | None = None
    sentence: str
    in_words: list[InWords] = Field(default_factory=list)
    corrections: list[Corrections] = Field(default_factory=list)
    changes: list[Change] = Field(default_factory=list)


class PartnerCoverage(Shape):
    """Whose work the figures are made of."""

    connected: int = Field(description="Partners that work in Concert themselves.")
    by_phone: int = Field(description="Partners for whom others record.")
    listed: int = Field(description="Organizations that are only listed.")
    confidential: str


class LeftOut(Shape):
    """An indicator that has no figure for this period, or none by this dimension, and why."""

    indicator: str
    name: str
    by: str | None = Field(None, description="The dimension by which it is not told; null: it is not told at all.")
    reason: str


class Content(Shape):
    """What a snapshot says: the stored body."""

    indicators: list[PublishedIndicator]
    left_out: list[LeftOut] = Field(default_factory=list)
    explanation: Explanation
    coverage: PartnerCoverage
    method: list[str]


class Publication(Shape):
    """That a period was published, without its figures."""

    id: UUID
    period: str
    version: int
    starts_on: date
    ends_on: date
    published_at: datetime
    published_by: UUID
    threshold: int
    agenda_version: int
    figures: int = Field(description="How many figures it has.")
    suppressed: int = Field(description="How many of them are suppressed.")
    changes: int = Field(description="How many differ from the version before.")


class Snapshot(Content):
    """A closed period, as it was published."""

    id: UUID
    collaborative: str
    collaborative_name: str
    period: str
    version: int
    starts_on: date
    ends_on: date
    published_at: datetime
    threshold: int
    agenda_version: int


class Snapshots(Shape):
    """Newest period first, of each its last version."""

    items: list[Snapshot]
