"""A limit that falls on a day on which the service turned out to be closed: it moves to when the service opens again.

A closing day that was known when the clock began is counted already. One that was entered since is noticed when the
limit comes: nobody is reminded, nothing expires, and the list of stalled work has not shown it meanwhile.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.clock import SOURCE_CLOCKS, Moment
from services.rows import Locked, save_task
from services.transaction import Work


def postpone(work: Work, offer: Locked, at: Moment) -> None:
    """In the caller's transaction. A repeat finds the limit on an open day and changes nothing."""
    task = offer.task
    if task.clock is None or task.clock in SOURCE_CLOCKS or task.due_at is None or task.rung > 0:
        return
    closed = frozenset(offer.t["s_closed_on"] or ())
    due, hard = _moved(task.due_at, closed, at), _moved(task.hard_at, closed, at)
    if (due, hard) != (task.due_at, task.hard_at):
        save_task(work, offer, replace(task, due_at=due, hard_at=hard))


def _moved(limit: datetime | None, closed: frozenset[str], at: Moment) -> datetime | None:
    if limit is None or limit > at.now or at.calendar.local_date(limit).isoformat() not in closed:
        return limit
    return at.calendar.next_opening(limit)
