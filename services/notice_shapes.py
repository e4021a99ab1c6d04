"""What a person's feed answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from domain import task
from domain.notice import Topic, Way
from services.shapes import Shape, described

NoticeKind = Annotated[str, described("What kind of news it is; each may be chosen apart.", Topic)]
HeardBy = Annotated[
    str,
    described(
        "`mail`: the feed and an e-mail at once; `digest`: the feed and one e-mail a day, at once what is urgent;"
        " `feed`, `nothing`.",
        Way,
    ),
]


class Notice(Shape):
    """Something asked of this person, or that they should know. What asks for work is gone once it has moved."""

    id: UUID
    at: datetime
    kind: NoticeKind
    sentence: str = Field(description="For people, in their language.")
    task_id: UUID | None
    referral_id: UUID | None
    action_plan_id: UUID | None
    reference: str | None
    urgent: bool
    due_at: datetime | None
    read_at: datetime | None
    allowed_actions: list[Annotated[str, described("A verb.", task.Verb)]] = Field(
        description="What you may do now with the task."
    )


class NoticesRead(Shape):
    """How many were unread until now."""

    read: int


class NoticeChoice(Shape):
    kind: NoticeKind
    way: HeardBy
    ways: list[HeardBy] = Field(description="What may be chosen.")


class NoticeChoices(Shape):
    """How this person hears of each kind of news."""

    items: list[NoticeChoice]
