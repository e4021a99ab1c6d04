"""What services answer and the API shows: one definition of each shape, also of what is stored for a replay.

Ids are UUIDv7, times RFC 3339 in UTC. `version` is the ETag; `allowed_actions` are the verbs that this caller may use.
What stands in Annotated is for the description: what a service made is not checked again.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain import referral, task
from domain.clock import Clock, Priority
from domain.watch import Verb as WatchVerb

T = TypeVar("T")


def described(words: str, *names: type[StrEnum] | str) -> Any:
    """A text that is one of these names."""
    listed: list[Any] = [
        n for each in names for n in ([each] if isinstance(each, str) else [member.value for member in each])
    ]
    return Field(description=words, json_schema_extra={"enum": listed})


WATCHERS = ("nudge", "escalate", "except", "watch")
"""The verbs of whoever watches work."""
TaskState = Annotated[str, described("Where the work stands.", task.State)]
ReferralState = Annotated[
    str,
    described("`awaiting_source`: declined, expired or failed; re-route, withdraw or close unmet.", referral.State),
]
HowUrgent = Annotated[str, described("Urgent work has shorter limits. Emergencies are phoned.", Priority)]
RunningClock = Annotated[str, described("Which limit runs towards `due_at`.", Clock)]
WhatCame = Annotated[str, described("What came of the need.", task.Outcome)]
ByWhom = Annotated[str, described("Whose word it is; only client or source close a loop.", referral.ConfirmedBy)]
TaskVerbs = Annotated[
    list[Annotated[str, described("A verb.", task.Verb, *WATCHERS)]], Field(description="What you may do now.")
]
ReferralVerbs = Annotated[
    list[Annotated[str, described("A verb.", referral.Verb, WatchVerb)]], Field(description="What you may do now.")
]


class Shape(BaseModel):
    model_config = ConfigDict(from_attributes=True, extra="ignore")


class Page(Shape, Generic[T]):
    """One page of a list; `next_cursor` null on the last."""

    items: list[T]
    next_cursor: str | None = None


class BallInCourt(Shape):
    """Whose turn it is; `user_id` where somebody is assigned."""

    organization_id: UUID
    user_id: UUID | None = None


class FormChoice(Shape):
    code: str
    label: str
    es: str | None = None


class FormField(Shape):
    """One question that completing a step must answer. `yes_no` is answered with "yes" or "no"."""

    key: str
    kind: Annotated[str, described("What an answer is.", "choice", "yes_no", "number", "date")]
    label: str
    es: str | None = None
    choices: list[FormChoice] = []
    required: bool = True
    minimum: float | None = None
    maximum: float | None = None
    unit: str | None = None


class Task(Shape):
    """One piece of work owned by one organization."""

    id: UUID
    kind: Annotated[str, described("An offer of a referral, or a step of a plan.", "offer", "step")]
    title: str
    state: TaskState
    priority: HowUrgent
    organization_id: UUID
    source_organization_id: UUID
    assigned_to: UUID | None
    referral_id: UUID | None
    action_plan_id: UUID | None
    step_key: str | None
    service_id: UUID | None
    client_id: UUID | None = Field(None, description="Your own record of the client; null where you may not see one.")
    outcome: WhatCame | None
    outputs: dict[str, int | bool | float | str] | None = Field(
        None, description="What was given, as `complete` told: numbers, yes or no, codes. Null for who takes no part."
    )
    reason: str | None = Field(description="A code of GET /v1/reasons.")
    ball_in_court: BallInCourt | None = Field(description="Whose turn it is; nobody's once it has ended.")
    clock: RunningClock | None
    due_at: datetime | None
    call_now: str | None = Field(None, description="Urgent and closed now: whom to phone instead of waiting.")
    form: list[FormField] = Field(default=[], description="What completing it must record: `outputs` of complete.")
    excepted_until: datetime | None = Field(
        None, description="The backbone lets it rest: the engine reminds nobody before."
    )
    created_at: datetime
    updated_at: datetime
    version: int
    allowed_actions: TaskVerbs


class Proposal(Shape):
    """Another service, proposed by the backbone or by who was asked; the source decides."""

    service_id: UUID
    by: UUID = Field(description="The organization that proposes it.")
    at: datetime


class Referral(Shape):
    """The request for a service for one client or household."""

    id: UUID
    reference: str = Field(description="For the phone: without look-alike characters.")
    kind: Annotated[
        str,
        described(
            "`information`: a phone number handed out; `step`: of an action plan, which nobody confirms.",
            "referral",
            "transfer",
            "information",
            "step",
        ),
    ]
    state: ReferralState
    priority: HowUrgent
    origin: Annotated[
        str,
        described("Who first asked.", "partner", "self", "family", "walk_in", "hotline", "external"),
    ]
    client_id: UUID | None = None
    household_id: UUID | None = None
    need_id: UUID | None
    term: str | None = Field(description="A code of GET /v1/taxonomy-terms.")
    county: str | None = Field(description="FIPS code.")
    service_id: UUID | None
    source_organization_id: UUID
    target_organization_id: UUID
    asked: list[UUID] = Field(
        default=[], description="For the source: organizations that are asked at once, while nobody has said yes."
    )
    consent_id: UUID | None = None
    action_plan_id: UUID | None
    step_key: str | None
    outcome: WhatCame | None
    confirmed_by: ByWhom | None
    ball_in_court: BallInCourt | None
    clock: RunningClock | None
    due_at: datetime | None
    assigned_to: UUID | None = Field(None, description="Who follows it at the source.")
    excepted_until: datetime | None = Field(
        None, description="The backbone lets it rest: the engine reminds nobody before."
    )
    proposals: list[Proposal] = Field(default=[], description="For the source: other services, in this round.")
    tasks: list[Task]
    created_at: datetime
    updated_at: datetime
    version: int
    allowed_actions: ReferralVerbs


class Message(Shape):
    """Something said about a referral. What you may not read (no consent, or it was revoked) is left out."""

    id: UUID
    kind: str
    at: datetime
    organization_id: UUID
    user_id: UUID | None
    body: str


class Unwritten(Shape):
    """What a partner's own system answered, that could not be written: its people go on with the task."""

    said: str
    why: str = Field(
        description="`form`: it does not answer the form; `over`: the task had ended; `no-partner`: the partnership"
        " had; or the rule's code."
    )
    fields: list[str] = Field(default=[], description="The questions of the form without an answer that fits.")


class Event(Shape):
    """Something that happened; never changed, never deleted."""

    id: UUID
    at: datetime = Field(description="When it was recorded.")
    occurred_at: datetime = Field(description="When it happened, as told.")
    kind: str
    task_id: UUID | None
    referral_id: UUID | None
    action_plan_id: UUID | None
    organization_id: UUID | None
    acting_organization_id: UUID | None
    user_id: UUID | None
    on_behalf_of: UUID | None = None
    from_state: TaskState | None
    to_state: TaskState | None
    reason: str | None
    unwritten: Unwritten | None = Field(None, description="Of `task_answered_late` alone.")


class Timeline(Shape):
    """Newest first."""

    items: list[Event]
    messages: list[Message]


class Reassigned(Shape):
    """How much went to somebody else, and how much more there is: ask again for the rest."""

    reassigned: int
    left: int
