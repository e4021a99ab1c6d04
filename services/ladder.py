"""Climbing the ladder: the owner hears at the limit, then the supervisor, then the backbone, ever more rarely.

A limit that has passed is said by whoever notices first: the engine at its deadline, or whoever moves the task late.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.clock import Clock, Moment, Told, rested
from domain.ladder import Did, Rung
from domain.moves import Happened, overdue
from domain.referral import Referral
from services.blocking import Blocked, blocked
from services.happenings import about_task, happened
from services.holders import Holder, holder_of, reaches
from services.journal import new_id
from services.rows import Locked, save_task
from services.transaction import Work


@dataclass(frozen=True, slots=True)
class Said:
    """The last word of the event's kind, and its facts."""

    did: Did
    facts: dict[str, Any]


def note_overdue(work: Work, offer: Locked, at: Moment) -> bool:
    """Before a late move: say that the limit had passed, unless it was said. In the caller's transaction."""
    task = offer.task
    late = task.rung == 0 and task.due_at is not None and rested(task.due_at, task.excepted_until) <= at.now
    if late:
        climb(work, offer, at)
    return late


def climb(work: Work, offer: Locked, at: Moment) -> None:
    """One rung of a task's ladder.

    Of who blocks by the cause, as the list of stalled work and a nudge have it: the event names their organization.
    Where that is another one than was told last, it hears first, and the ladder climbs from there.
    """
    task = offer.task
    assert task.clock is not None
    found = blocked(work, "task", offer.t["id"]) or Blocked(holder_of("task", offer.t, offer.f), None)
    holder = found.by
    raised = replace(task, rung=task.rung + 1)
    if _changed_hands(work, offer, at, holder):
        said: Said | None = Said(Did.REMINDED, _facts(task.clock, 0, Rung.OWNER, holder))
        raised = replace(task, rung=1)
    else:
        said = rung_says(work, at, task.clock, task.rung, holder, offer.f["restricted"])
    if said is None:
        save_task(work, offer, raised)
        return
    event_id = new_id()
    if task.rung == 0:
        after, what = overdue(raised, str(event_id))
    else:
        what = Happened(f"task_{said.did}", task.state, task.state)
        after = replace(raised, version=task.version + 1)
    facts = said.facts | {"requested_on": _requested_on(work, offer)} | ({"cause": found.cause} if found.cause else {})
    save_task(work, offer, after)
    happened(work, about_task(offer.t, offer.f), what, version=after.version, facts=facts, id=event_id)
    work.audit("task.remind", "task", offer.t["id"], after.version)


def rung_says(work: Work, at: Moment, clock: Clock, rung: int, holder: Holder, restricted: bool) -> Said | None:
    """What this rung says: of a task, of a referral's own clock and of a plan's alike. None: it would be nobody new."""
    ladder = at.ladder_of(clock)
    to = ladder.rungs[rung].to
    if not reaches(work, to, holder, restricted):
        return None
    return Said(ladder.did(rung), _facts(clock, rung, to, holder))


def _facts(clock: Clock, rung: int, to: Rung, holder: Holder) -> dict[str, Any]:
    return {"clock": clock.value, "rung": rung, "to": to.value, "holder": str(holder.organization_id)}


def _changed_hands(work: Work, offer: Locked, at: Moment, holder: Holder) -> bool:
    last = _last_of_task(work, offer, at)
    return last is not None and last.holder not in (None, str(holder.organization_id))


def since_task(work: Work, offer: Locked, at: Moment) -> Moment:
    """With whom the running clock told last, so that the next rung keeps its distance from that: a look after days of
    silence tells the owner, and not their supervisor and the backbone as well.
    """
    return _since(at, _last_of_task(work, offer, at))


def since_referral(work: Work, referral: Referral, at: Moment) -> Moment:
    started = referral.clock_started_at
    return _since(at, _last(work, _TOLD_OF_REFERRAL, referral.id, referral.clock, referral.rung, at, started))


def since_plan(work: Work, plan_id: UUID, clock: Clock, rung: int, at: Moment) -> Moment:
    return _since(at, _last(work, _TOLD_OF_PLAN, plan_id, clock, rung, at, None))


@dataclass(frozen=True, slots=True)
class _Word:
    """What was said last by the running clock: the rung, when, and whose turn it was."""

    rung: int
    at: datetime
    holder: str | None


def _since(at: Moment, last: _Word | None) -> Moment:
    return at if last is None else replace(at, told=Told(last.rung, last.at))


def _last_of_task(work: Work, offer: Locked, at: Moment) -> _Word | None:
    task = offer.task
    return _last(work, _TOLD_OF_TASK, task.id, task.clock, task.rung, at, task.clock_started_at)


def _last(
    work: Work,
    statement: Any,
    id: UUID | str,  # noqa: A002 - an item's id is called so everywhere
    clock: Clock | None,
    rung: int,
    at: Moment,
    started: datetime | None,
) -> _Word | None:
    """The events say it, by time or by hand, those of this transaction first; of the first rung there is nothing to
    ask.
    """
    if clock is None or not 0 < rung < len(at.ladder_of(clock).rungs):
        return None
    for event in reversed(work.journal.events):
        facts = event["facts"]
        if _subject(event) == str(id) and facts.get("clock") == clock.value and facts.get("rung", rung) < rung:
            return _Word(facts["rung"], event["at"], facts.get("holder"))
    row = work.row(statement, id=str(id), clock=clock.value, rung=rung, started=started)
    return row and _Word(row.rung, row.at, row.holder)


def _subject(event: Mapping[str, Any]) -> str:
    return str(event.get("task_id") or event.get("referral_id") or event["action_plan_id"])


def _requested_on(work: Work, offer: Locked) -> str:
    return work.agenda.region().local_date(offer.task.asked_at).isoformat()


def _told(whose: str) -> Any:
    return text(
        f"""
select cast(e.facts ->> 'rung' as integer) as rung, e.at, e.facts ->> 'holder' as holder from event e
 where {whose} and e.facts ->> 'clock' = :clock and cast(e.facts ->> 'rung' as integer) < :rung
   and e.at >= coalesce(cast(:started as timestamptz), '-infinity')
 order by e.seq desc limit 1
"""
    )


_TOLD_OF_TASK = _told("e.task_id = cast(:id as uuid)")
_TOLD_OF_REFERRAL = _told("e.referral_id = cast(:id as uuid) and e.task_id is null")
_TOLD_OF_PLAN = _told("e.action_plan_id = cast(:id as uuid) and e.referral_id is null")
