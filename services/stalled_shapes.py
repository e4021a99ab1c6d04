"""What services answer about work that stands still, in the manner of `shapes`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from domain import plan, referral, task
from domain.ladder import Rung
from domain.stall import CAUSES, STALLS
from domain.watch import Verb as Watching
from services.shapes import WATCHERS, BallInCourt, Shape, described

StalledVerbs = Annotated[
    list[
        Annotated[
            str,
            described(
                "A verb.", task.Verb, referral.Verb, plan.Verb, plan.StepVerb, *WATCHERS, Watching.PROPOSE_REROUTE
            ),
        ]
    ],
    Field(
        description="What you may do now that would free it. Of a task: what the task itself does not offer is its"
        " referral's (`referral_id`), and of a step what neither offers its plan's (`action_plan_id`). `reassign`,"
        " `skip`, `move` and `drop` are of the step on its plan (`/v1/action-plans/{action_plan_id}/steps/{step_key}`);"
        " `propose-reroute` is of the referral."
    ),
]


Symptom = Annotated[str, described("The clock that has passed.", *(one.code for one in STALLS.values()))]
WhatIsBehind = Annotated[str, described("What lies behind.", *dict.fromkeys(one.code for one in CAUSES.values()))]


class StalledRoot(Shape):
    """What a waiting step waits for in the end. Of another partner's work only the plan is named, as kind and id."""

    kind: Annotated[str, described("What stands still there.", "task", "referral", "action_plan")]
    id: UUID
    step_key: str | None
    organization_id: UUID


class Stalled(Shape):
    """Work that stands still. `limit` is when it was due, or when its cause began; `level` how far it climbed."""

    kind: Annotated[str, described("What stands still.", "task", "referral", "action_plan", "step")]
    id: UUID = Field(description="A step that has not begun has no record: its id is made of its plan and its key.")
    referral_id: UUID | None
    action_plan_id: UUID | None
    step_key: str | None
    reference: str | None
    title: str
    ball_in_court: BallInCourt
    since: datetime
    limit: datetime
    level: Annotated[str, described("Whom the reminders have reached.", Rung)]
    symptom: Symptom | None = Field(description="Null: no clock has passed.")
    cause: WhatIsBehind | None = Field(description="Null: nothing is known.")
    reason_code: str = Field(description="The cause; where none is known, the symptom.")
    reason: str = Field(description="A sentence for people.")
    remedy: str = Field(description="What would free it.")
    root: StalledRoot | None
    excepted_until: datetime | None = Field(description="The backbone lets it rest until then.")
    version: int
    allowed_actions: StalledVerbs
