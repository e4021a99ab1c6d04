"""Climbing the ladder: the owner hears at the limit, then the supervisor, then the backbone, ever more rarely.

A limit that has passed is said by whoever notices first: the engine at its deadline, or whoever moves the task late.
"""

from __future__ import annotations

from dataclasses import replace

from domain.clock import Moment, rested
from domain.moves import Happened, overdue
from services.blocking import blocking
from services.happenings import about_task, happened
from services.holders import holder_of, reaches
from services.journal import new_id
from services.rows import Locked, save_task
from services.transaction import Work


def note_overdue(work: Work, offer: Locked, at: Moment) -> bool:
    """Before a late move: say that the limit had passed, unless it was said. In the caller's transaction."""
    task = offer.task
    late = task.rung == 0 and task.due_at is not None and rested(task.due_at, task.excepted_until) <= at.now
    if late:
        climb(work, offer, at)
    return late


def climb(work: Work, offer: Locked, at: Moment) -> None:
    """One rung: the owner hears at the limit, then the supervisor, then the backbone, ever more rarely.

    Of who blocks by the cause, as the list of stalled work and a nudge have it: the event names their organization.
    """
    task = offer.task
    assert task.clock is not None
    ladder = at.ladder_of(task.clock)
    to = ladder.rungs[task.rung].to
    holder = blocking(work, "task", offer.t["id"]) or holder_of("task", offer.t, offer.f)
    raised = replace(task, rung=task.rung + 1)
    if not reaches(work, to, holder, offer.f["restricted"]):
        save_task(work, offer, raised)
        return
    event_id = new_id()
    if task.rung == 0:
        after, what = overdue(raised, str(event_id))
    else:
        kind = "task_reminded" if to is ladder.rungs[task.rung - 1].to else "task_escalated"
        after, what = replace(raised, version=task.version + 1), Happened(kind, task.state, task.state)
    facts = {"clock": str(task.clock), "rung": task.rung, "to": to.value, "requested_on": _requested_on(work, offer)}
    facts["holder"] = str(holder.organization_id)
    save_task(work, offer, after)
    about = about_task(offer.t, offer.f)
    happened(work, about, what, version=after.version, facts=facts, id=event_id)
    work.audit("task.remind", "task", offer.t["id"], after.version)


def _requested_on(work: Work, offer: Locked) -> str:
    return work.agenda.region().local_date(offer.task.asked_at).isoformat()
