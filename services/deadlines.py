"""When must somebody look at this again? Answered from the record alone, so that engine and list agree."""

from __future__ import annotations

from datetime import datetime

from domain.clock import Clock, Moment, rested, rung_at
from domain.limit import Limit
from domain.referral import Referral
from domain.task import Task

_A_DAY = Limit(business_days=1)


def task_look(task: Task, at: Moment) -> datetime | None:
    """The next rung of the running clock's ladder, or the hard limit if that comes first; not while it is excepted."""
    if task.clock is None or task.due_at is None:
        return None
    rung = next_rung(task.clock, task.rung, rested(task.due_at, task.excepted_until), at)
    hard = hard_limit(task)
    return min((when for when in (rung, hard) if when is not None), default=None)


def hard_limit(task: Task) -> datetime | None:
    """When it expires, if nobody decides."""
    return None if task.hard_at is None else rested(task.hard_at, task.excepted_until)


def next_rung(clock: Clock, rung: int, due_at: datetime, at: Moment) -> datetime | None:
    return rung_at(rung, due_at, limit(clock, at), at.calendar_of(clock), at.ladder_of(clock), at.told)


def referral_look(referral: Referral, at: Moment) -> datetime | None:
    """The source's own clocks: to confirm (then time closes it), or to choose what comes next (then the ladder)."""
    if referral.clock is None or referral.due_at is None:
        return None
    due = rested(referral.due_at, referral.excepted_until)
    if referral.clock is Clock.CONFIRM:
        return due
    return next_rung(referral.clock, referral.rung, due, at)


def limit(clock: Clock, at: Moment) -> Limit:
    """A hold has a date instead of a limit: its ladder climbs by business days."""
    return at.limits.by_clock.get(clock, _A_DAY)
