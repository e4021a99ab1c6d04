"""What services answer about plan templates, in the manner of `shapes`."""

from __future__ import annotations

from typing import Annotated

from domain import pathway
from services.shapes import Shape, described

PolicyName = Annotated[str, described("What happens then.", pathway.Policy)]


class TemplateGoal(Shape):
    key: str
    name: str
    term: str


class TemplateOwner(Shape):
    """Who does the step. All codes null: the plan's lead. `name` says it in words."""

    organization: str | None
    service: str | None
    term: str | None
    name: str


class TemplateChoice(Shape):
    code: str
    label: str


class TemplateField(Shape):
    """One question of the form that completes a step. `yes_no` is answered "yes" or "no"."""

    key: str
    kind: Annotated[str, described("What an answer is.", pathway.FieldKind)]
    label: str
    choices: list[TemplateChoice]
    required: bool
    minimum: float | None
    maximum: float | None
    unit: str | None


class TemplateStep(Shape):
    """`after`: the steps that end or are skipped first. `condition`: when it happens at all; null: always.

    `clocks`: its own limits, where they differ from the agenda's. `feeds`: codes of indicators.
    """

    key: str
    title: str
    kind: Annotated[str, described("A referral has offers, and the lead confirms it.", pathway.StepKind)]
    owner: TemplateOwner
    after: list[str]
    condition: str | None
    form: list[TemplateField]
    clocks: dict[str, dict[str, float]]
    feeds: list[str]
    may_skip: bool
    on_decline: PolicyName
    on_failure: PolicyName
    goal: str | None
    opens_after_days: int


class PlanTemplateSummary(Shape):
    """A pathway that the collaborative agreed on; its newest version."""

    code: str
    version: int
    name: str
    definition: str
    strategy: str
    limit_days: int
    steps: int
    goals: list[str]


class PlanTemplate(Shape):
    """One version of a pathway, in the reader's language. Steps stand in the order in which they are drawn."""

    code: str
    version: int
    latest_version: int
    name: str
    definition: str
    strategy: str
    limit_days: int
    review_every_days: int
    goals: list[TemplateGoal]
    steps: list[TemplateStep]
