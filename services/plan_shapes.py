"""What services answer about action plans, in the manner of `shapes`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from domain import plan
from services.shapes import WATCHERS, BallInCourt, HowUrgent, Shape, Task, WhatCame, described

PlanState = Annotated[str, described("`closed_early`: before all its steps were done.", plan.State)]
StepState = Annotated[
    str,
    described("`waiting` for those before it, `open` has a task, `done`, `skipped`.", plan.StepState),
]
StepKind = Annotated[
    str,
    described("`referral`: an offer that the lead confirms; `step`: done when it is completed.", "step", "referral"),
]
PlanVerbs = Annotated[
    list[Annotated[str, described("A verb.", plan.Verb, *WATCHERS, "assign")]],
    Field(description="What you may do now."),
]
StepVerbs = Annotated[
    list[Annotated[str, described("A verb.", plan.StepVerb)]], Field(description="What you may do now.")
]


class PlanGoal(Shape):
    """What the family wants: a need, with what came of it."""

    key: str
    name: str
    need_id: UUID | None = Field(None, description="For the lead.")
    outcome: WhatCame | None
    outcome_by: Annotated[str, described("Whose word it is.", "client", "source")] | None


class PlanStep(Shape):
    """A step of a plan. What is another partner's has no service, no term and no task."""

    key: str
    title: str
    kind: StepKind
    state: StepState
    position: int
    after: list[str] = Field(description="Keys of the steps that must be done or skipped first.")
    organization_id: UUID | None = Field(description="Whose it is; null until somebody is found.")
    service_id: UUID | None = None
    term: str | None = None
    goal: str | None = None
    ball_in_court: BallInCourt | None
    due_at: datetime | None
    opens_at: datetime | None = Field(description="It opens by itself then.")
    ended_at: datetime | None
    skipped_because: Annotated[str, described("Why it was left out.", plan.Skipped)] | None
    referral_id: UUID | None = None
    task: Task | None = None
    allowed_actions: StepVerbs


class ActionPlan(Shape):
    """The coordinated plan of several partners for one client or household."""

    id: UUID
    reference: str = Field(description="For the phone: without look-alike characters.")
    template: str
    template_version: int
    name: str
    state: PlanState
    priority: HowUrgent
    organization_id: UUID = Field(description="The lead.")
    client_id: UUID | None = None
    household_id: UUID | None = None
    consent_id: UUID | None = None
    county: str | None
    reason: str | None = Field(description="Why it was closed early: a code of GET /v1/reasons.")
    goals: list[PlanGoal]
    steps: list[PlanStep]
    ball_in_court: BallInCourt | None = Field(description="Whose turn it is; of several, who is due first.")
    stop_asked_by: str | None = Field(
        None, description="The step after whose end the plan asks its lead whether to go on."
    )
    due_at: datetime | None
    next_review_at: datetime | None
    assigned_to: UUID | None = Field(None, description="Who follows it at the lead.")
    excepted_until: datetime | None = Field(
        None, description="The backbone lets it rest: the engine reminds nobody before."
    )
    created_at: datetime
    updated_at: datetime
    version: int
    allowed_actions: PlanVerbs


class ActionPlanSummary(Shape):
    """Enough to find a plan again."""

    id: UUID
    reference: str
    template: str
    name: str
    state: PlanState
    priority: HowUrgent
    organization_id: UUID
    client_id: UUID | None = None
    household_id: UUID | None = None
    due_at: datetime | None
    next_review_at: datetime | None
    created_at: datetime
    version: int


class PlanEvent(Shape):
    """Something that happened to a plan or one of its steps."""

    id: UUID
    at: datetime
    occurred_at: datetime
    kind: str
    step_key: str | None
    task_id: UUID | None
    referral_id: UUID | None
    organization_id: UUID | None
    acting_organization_id: UUID | None
    user_id: UUID | None
    from_state: str | None
    to_state: str | None
    reason: str | None
    changed: dict[str, Any] = Field(description="What an edit changed: codes and keys.")
    version: int = Field(description="Of the plan, where the event is the plan's own.")


class PlanNote(Shape):
    id: UUID
    at: datetime
    user_id: UUID | None
    body: str


class PlanTimeline(Shape):
    """Newest first; `notes` are the lead's."""

    items: list[PlanEvent]
    notes: list[PlanNote]


class PlanVersion(Shape):
    """What a plan was: its steps as they stood after the edit that made this version."""

    version: int
    at: datetime
    template_version: int
    steps: list[dict[str, Any]]


class StepChange(Shape):
    """What a step, or a goal, is told to be: what differs alone, by name. `was` is empty for a new one."""

    key: str
    was: dict[str, Any]
    becomes: dict[str, Any]


class SwitchPreview(Shape):
    """What a switch to another version of the template would do. What the lead edited stays edited."""

    template_version: int
    added: list[str]
    removed: list[str]
    changed: list[str]
    kept: list[str] = Field(description="They have begun and stay, though the version says otherwise.")
    clashes: list[str] = Field(description="The plan's own steps under keys that the version uses for others.")
    refused: str | None = Field(description="Why it cannot be done now, and what would help.")
    steps: list[StepChange] = Field(description="Of `added` and `changed`: owner, after, when, form, title, goal …")
    goals: list[StepChange] = Field(
        description="Goals that the plan gets, or calls by another name; it never loses one."
    )
