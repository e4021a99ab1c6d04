"""Climbing the ladder: the owner hears at the limit, then the supervisor, then the backbone, ever more rarely.

A limit that has passed is said by whoever notices first: the engine at its deadline, or whoever moves the task late.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import text

from domain.clock import LADDER, Moment, Rung
from domain.moves import Happened, overdue
from services.happenings import about_task, happened
from services.journal import new_id
from services.rows import Locked, save_task
from services.transaction import Work


def note_overdue(work: Work, offer: Locked, at: Moment) -> bool:
    """Before a late move: say that the limit had passed, unless it was said. In the caller's transaction."""
    task = offer.task
    late = task.rung == 0 and task.due_at is not None and task.due_at <= at.now
    if late:
        climb(work, offer)
    return late


def climb(work: Work, offer: Locked) -> None:
    """One rung: the owner hears at the limit, then the supervisor, then the backbone, ever more rarely."""
    task = offer.task
    to = LADDER[task.rung][0]
    raised = replace(task, rung=task.rung + 1)
    if not reaches(work, to, _holder(offer), offer.f):
        save_task(work, offer, raised)
        return
    event_id = new_id()
    if task.rung == 0:
        after, what = overdue(raised, str(event_id))
    else:
        kind = "task_reminded" if to is LADDER[task.rung - 1][0] else "task_escalated"
        after, what = replace(raised, version=task.version + 1), Happened(kind, task.state, task.state)
    facts = {"clock": str(task.clock), "rung": task.rung, "to": to.value, "requested_on": _requested_on(work, offer)}
    save_task(work, offer, after)
    happened(work, about_task(offer.t, offer.f), what, version=after.version, facts=facts, id=event_id)
    work.audit("task.remind", "task", offer.t["id"], after.version)


def _holder(offer: Locked) -> dict[str, Any]:
    """Who has the ball: the one it is assigned to, or, where it is the source's turn, its follower there."""
    ball, mine = offer.t["ball_organization_id"], offer.t["organization_id"]
    return {"organization_id": ball, "assigned_to": offer.t["assigned_to"] if ball == mine else offer.f["assigned_to"]}


def _requested_on(work: Work, offer: Locked) -> str:
    return work.agenda.region().local_date(offer.task.asked_at).isoformat()


def reaches(work: Work, to: Rung, t: Any, f: Any) -> bool:
    """Whether this rung is somebody else: a one-person agency's supervisor is its owner, and a confidential provider's
    stalls never climb to the backbone (decisions 19 and 29)."""
    if to is Rung.OWNER:
        return True
    if to is Rung.BACKBONE:
        return not f["restricted"]
    return work.row(_SUPERVISOR, organization=t["organization_id"], user=t["assigned_to"]) is not None


# Work that nobody is assigned to reached everybody at the owner's rung: a supervisor who is everybody has heard it.
_CURRENT = "starts_on <= current_date and (ends_on is null or ends_on >= current_date)"
_SUPERVISOR = text(
    f"""
select 1 from membership s
 where s.organization_id = :organization and s.role = 'supervisor' and {_CURRENT}
   and s.user_id is distinct from cast(:user as uuid)
   and (cast(:user as uuid) is not null
        or exists (select from membership x
                    where x.organization_id = :organization and x.role in ('caseworker', 'supervisor', 'agency_admin')
                      and x.user_id <> s.user_id and x.starts_on <= current_date
                      and (x.ends_on is null or x.ends_on >= current_date)))
 limit 1
"""
)
