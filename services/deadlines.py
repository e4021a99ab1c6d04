"""When must somebody look at this again? Answered from the record alone, so that engine and list agree."""

from __future__ import annotations

from datetime import datetime

from domain.clock import Clock, Moment, rung_at
from domain.limit import Limit
from domain.referral import Referral
from domain.task import Task

_A_DAY = Limit(business_days=1)


def task_look(task: Task, at: Moment) -> datetime | None:
    """The next rung of the running clock's ladder, or the hard limit if that comes first."""
    if task.clock is None or task.due_at is None:
        return None
    rung = rung_at(task.rung, task.due_at, limit(task.clock, at), at.calendar_of(task.clock))
    return min((when for when in (rung, task.hard_at) if when is not None), default=None)


def referral_look(referral: Referral, at: Moment) -> datetime | None:
    """The source's own clocks: to confirm (then time closes it), or to choose what comes next (then the ladder)."""
    if referral.clock is None or referral.due_at is None:
        return None
    if referral.clock is Clock.CONFIRM:
        return referral.due_at
    return rung_at(referral.rung, referral.due_at, limit(referral.clock, at), at.calendar_of(referral.clock))


def limit(clock: Clock, at: Moment) -> Limit:
    """A hold has a date instead of a limit: its ladder climbs by business days."""
    return at.limits.by_clock.get(clock, _A_DAY)
