"""Work as whoever watches it finds it: a task, a referral's own clock, or a plan's; locked.

What they say of it is one event, one audit record and the next version, and never a state or a clock (ADR 0016).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from pydantic import BaseModel

from domain import referral as referral_rules
from domain.calendar import Calendar
from domain.clock import Clock, Moment
from domain.ladder import Ladder
from domain.moves import Happened
from services import leading, plan_shapes, shapes
from services.deadlines import referral_look
from services.happenings import about_plan, about_referral, about_task, happened
from services.holders import Holder, holder_of
from services.journal import workflow_of
from services.moving import wake
from services.plan_advance import TICKING, plan_look, waited_for
from services.plan_rows import LockedPlan, lock_plan_alone, save_plan
from services.plan_views import plan_view
from services.referrals import fill_in, kept, view_of
from services.rows import (
    Locked,
    LockedReferral,
    lock_referral,
    lock_task,
    moment,
    region_moment,
    save_referral,
    save_task,
)
from services.tasks import see_task
from services.transaction import Answer, Call, Record, Tx, perform, without_clients
from services.views import hides, joined_view

M = TypeVar("M", bound=BaseModel)
Facts = Mapping[str, Any]
NOTHING: Facts = {}


@dataclass(frozen=True, slots=True)
class Running:
    """A clock that runs, how far its reminders have climbed, and the column that says so."""

    clock: Clock
    due_at: datetime
    rung: int
    ladder: Ladder
    column: str = "rung"


class Watched(ABC):
    """`row`: its row. What it says of itself is the same for all three."""

    noun: ClassVar[str]
    row: dict[str, Any]

    @property
    @abstractmethod
    def state(self) -> str: ...

    @property
    def version(self) -> int:
        version: int = self.row["version"]
        return version

    @abstractmethod
    def holder(self) -> Holder: ...

    @abstractmethod
    def at(self, tx: Tx) -> Moment: ...

    def calendar(self, tx: Tx) -> Calendar:
        """The hours by which an exception ends: the service's, or the region's where whoever watches may not know which
        service it is.
        """
        return self.at(tx).calendar

    @abstractmethod
    def running(self, tx: Tx) -> Running | None:
        """The clock that is being waited for; None: it is not this one's turn."""

    def may_rest(self, tx: Tx) -> bool:
        """Whether there is a clock that an exception would stop."""
        return self.running(tx) is not None

    @abstractmethod
    def say(self, tx: Tx, did: str, facts: Facts, changed: Facts = NOTHING) -> None:
        """The event `<noun>_<did>`, with the columns `changed`. In the caller's transaction."""

    @abstractmethod
    def look(self, tx: Tx) -> None:
        """Wake the engine if the next deadline became earlier than the one that it sleeps until (decision 7)."""


class WatchedTask(Watched):
    noun = "task"

    def __init__(self, locked: Locked) -> None:
        self.locked, self.row = locked, locked.t

    @property
    def state(self) -> str:
        return self.locked.task.state.value

    def holder(self) -> Holder:
        return holder_of(self.noun, self.row, self.locked.f)

    def at(self, tx: Tx) -> Moment:
        return moment(tx, self.row)

    def calendar(self, tx: Tx) -> Calendar:
        return tx.agenda.region() if hides(tx, self.locked.f) else super().calendar(tx)

    def running(self, tx: Tx) -> Running | None:
        task = self.locked.task
        if task.clock is None or task.due_at is None:
            return None
        return Running(task.clock, task.due_at, task.rung, self.at(tx).ladder_of(task.clock))

    def say(self, tx: Tx, did: str, facts: Facts, changed: Facts = NOTHING) -> None:
        after = replace(self.locked.task, version=self.version + 1, **changed)
        save_task(tx, self.locked, after)
        what = Happened(f"task_{did}", after.state, after.state, facts=facts)
        happened(tx, about_task(self.row, self.locked.f), what, version=after.version)
        tx.audit(f"task.{did}", "task", self.row["id"], after.version)

    def look(self, tx: Tx) -> None:
        wake(tx, self.locked, self.at(tx))


class WatchedReferral(Watched):
    noun = "referral"

    def __init__(self, locked: LockedReferral) -> None:
        self.locked, self.row = locked, locked.f

    @property
    def state(self) -> str:
        return self.locked.referral.state.value

    def holder(self) -> Holder:
        return holder_of(self.noun, self.row)

    def at(self, tx: Tx) -> Moment:
        return region_moment(tx, self.row["priority"])

    def running(self, tx: Tx) -> Running | None:
        referral = self.locked.referral
        if referral.clock is None or referral.due_at is None or referral.state not in referral_rules.OPEN:
            return None
        return Running(referral.clock, referral.due_at, referral.rung, self.at(tx).ladder_of(referral.clock))

    def say(self, tx: Tx, did: str, facts: Facts, changed: Facts = NOTHING) -> None:
        noun = self.locked.referral.noun if did == "escalated" else "referral"
        after = replace(self.locked.referral, version=self.version + 1, **changed)
        save_referral(tx, self.locked, after)
        what = Happened(f"{noun}_{did}", None, None, facts=facts)
        happened(tx, about_referral(self.row), what, version=after.version)
        tx.audit(f"referral.{did}", "referral", self.row["id"], after.version)

    def look(self, tx: Tx) -> None:
        _wake(tx, workflow_of(self.row), self.row["look_at"], referral_look(self.locked.referral, self.at(tx)))


class WatchedPlan(Watched):
    noun = "plan"

    def __init__(self, plan: LockedPlan) -> None:
        self.plan, self.row = plan, plan.p

    @property
    def state(self) -> str:
        return self.plan.state.value

    def holder(self) -> Holder:
        return holder_of(self.noun, self.row)

    def at(self, tx: Tx) -> Moment:
        return region_moment(tx, self.row["priority"])

    def running(self, tx: Tx) -> Running | None:
        """The one that passed first; before that it is the turn of one of its steps, unless they are all done."""
        first = waited_for(self.row, tx.now)
        if first is None:
            return None
        ladder = self.at(tx).ladder_of(first.clock)
        return Running(first.clock, self.row[first.due], self.row[first.rung], ladder, first.rung)

    def may_rest(self, tx: Tx) -> bool:
        """Also before one of its dates."""
        return waited_for(self.row, tx.now, resting=True) is not None

    def say(self, tx: Tx, did: str, facts: Facts, changed: Facts = NOTHING) -> None:
        save_plan(tx, self.plan, version=self.version + 1, **changed)
        happened(tx, about_plan(self.row), Happened(f"plan_{did}", None, None, facts=facts), version=self.version)
        tx.audit(f"plan.plan_{did}", "plan", self.row["id"], self.version)

    def look(self, tx: Tx) -> None:
        times = [plan_look(self.row, one, self.at(tx)) for one in TICKING]
        earliest = min((when for when in times if when is not None), default=None)
        _wake(tx, f"plan-{self.row['id']}", self.row["look_at"], earliest)


Act = Callable[[Tx, Any], None]


def watch_task(record: Record, call: Call, task_id: UUID, act: Act) -> Answer[shapes.Task]:
    return perform(
        record,
        call,
        lambda tx: WatchedTask(lock_task(tx, task_id)),
        _then(act, lambda tx: joined_view(tx, see_task(tx, task_id))),
        shapes.Task,
        again=lambda tx: see_task(tx, task_id),
        fill=lambda tx, row, body: body | {"client_id": joined_view(tx, row).client_id},
        version=lambda watched: watched.version,
        stores=lambda body: dict(without_clients(body.model_dump(mode="json"))),
    )


def watch_referral(record: Record, call: Call, referral_id: UUID, act: Act) -> Answer[shapes.Referral]:
    return perform(
        record,
        call,
        lambda tx: WatchedReferral(lock_referral(tx, referral_id)),
        _then(act, lambda tx: view_of(tx, referral_id)),
        shapes.Referral,
        again=lambda tx: view_of(tx, referral_id),
        fill=fill_in,
        stores=kept,
        version=lambda watched: watched.version,
    )


def watch_plan(record: Record, call: Call, plan_id: UUID, act: Act) -> Answer[plan_shapes.ActionPlan]:
    return perform(
        record,
        call,
        lambda tx: WatchedPlan(lock_plan_alone(tx, plan_id)),
        _then(act, lambda tx: plan_view(tx, plan_id)),
        plan_shapes.ActionPlan,
        again=lambda tx: plan_view(tx, plan_id),
        fill=leading.fill_in,
        stores=leading.kept,
        version=lambda watched: watched.version,
    )


def _then(act: Act, show: Callable[[Tx], M]) -> Callable[[Tx, Any], M]:
    def decide(tx: Tx, watched: Any) -> M:
        act(tx, watched)
        return show(tx)

    return decide


def _wake(tx: Tx, workflow_id: str, sleeping: datetime | None, earliest: datetime | None) -> None:
    if earliest is not None and (sleeping is None or earliest < sleeping):
        tx.journal.look(workflow_id)
