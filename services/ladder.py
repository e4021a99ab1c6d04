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
from domain.stall import CAUSES, Cause, Turn
from services.blocking import Blocked, reminded, whose_turn
from services.happenings import about_task, happened
from services.holders import Holder, holder_of, reaches
from services.journal import new_id
from services.rows import Locked, save_task
from services.transaction import Work


@dataclass(frozen=True, slots=True)
class Said:
    """The last word of the event's kind, and its facts; None: this rung would reach nobody new. `rung`: how many of the
    ladder's rungs are behind it then.
    """

    did: Did | None
    facts: dict[str, Any]
    rung: int


def note_overdue(work: Work, offer: Locked, at: Moment) -> bool:
    """Before a late move: say that the limit had passed, unless it was said. In the caller's transaction."""
    task = offer.task
    late = task.rung == 0 and task.due_at is not None and rested(task.due_at, task.excepted_until) <= at.now
    if late:
        climb(work, offer, at)
    return late


def climb(work: Work, offer: Locked, at: Moment) -> None:
    """One rung of a task's ladder."""
    task = offer.task
    assert task.clock is not None
    said = next_word(work, "task", offer.t, offer.f, task.clock, task.rung, at)
    raised = replace(task, rung=said.rung)
    if said.did is None:
        save_task(work, offer, raised)
        return
    event_id = new_id()
    if task.rung == 0:
        after, what = overdue(raised, str(event_id))
    else:
        what = Happened(f"task_{said.did}", task.state, task.state)
        after = replace(raised, version=task.version + 1)
    facts = said.facts | {"requested_on": _requested_on(work, offer)}
    save_task(work, offer, after)
    happened(work, about_task(offer.t, offer.f), what, version=after.version, facts=facts, id=event_id)
    work.audit("task.remind", "task", offer.t["id"], after.version)


def next_word(
    work: Work,
    noun: str,
    row: Mapping[str, Any],
    f: Mapping[str, Any] | None,
    clock: Clock,
    rung: int,
    at: Moment,
) -> Said:
    """What the next rung of the running clock says: of a task, of a referral's own clock and of a plan's alike.

    To whoever blocks by the cause, as the list of stalled work and a nudge have it: the event names their organization.
    Where that has not heard of it yet, it hears first, once, and the ladder climbs from there; whom a rung has told of
    them already, by time or by hand, it does not tell again.
    """
    found = reminded(work, noun, row["id"], holder_of(noun, row, f))
    told = rungs_told(work, noun, row["id"], clock, found.by) if rung else frozenset({0})
    if 0 not in told:
        return Said(Did.REMINDED, _facts(clock, 0, Rung.OWNER, found), 1)
    ladder = at.ladder_of(clock)
    to = ladder.rungs[rung].to
    theirs = found.cause is not None and CAUSES[Cause(found.cause)].turn is Turn.BACKBONE
    known = rung > 0 and rung in told
    if known or (to is Rung.BACKBONE and theirs) or not reaches(work, to, found.by, (f or row)["restricted"]):
        return Said(None, {}, rung + 1)
    return Said(ladder.did(rung), _facts(clock, rung, to, found), rung + 1)


def _facts(clock: Clock, rung: int, to: Rung, found: Blocked) -> dict[str, Any]:
    return {"clock": clock.value, "rung": rung, "to": to.value} | whose_turn(found)


def rungs_told(work: Work, noun: str, item_id: UUID, clock: Clock, holder: Holder) -> frozenset[int]:
    """Which rungs (0: the owner's) were said because of them since the running clock's limit has passed. One that named
    nobody was; so was the owner's, where it was not said at all.
    """
    organization, said = str(holder.organization_id), []
    for event in reversed(work.journal.events):
        facts = event["facts"]
        if _subject(event) == str(item_id) and facts.get("clock") == clock.value and "rung" in facts:
            said.append((facts["rung"], facts.get("holder")))
            if event["kind"].endswith(f"_{Did.OVERDUE}"):
                break
    else:
        said += [(row.rung, row.holder) for row in work.rows(_SAID[noun], id=str(item_id), clock=clock.value)]
    unsaid = {0} - {rung for rung, _ in said}
    return frozenset({rung for rung, whose in said if whose in (None, organization)} | unsaid)


def since_task(work: Work, offer: Locked, at: Moment) -> Moment:
    """With whom the running clock told last, so that the next rung keeps its distance from that: a look after days of
    silence tells the owner, and not their supervisor and the backbone as well.
    """
    task = offer.task
    return _since(work, "task", task.id, task.clock, task.rung, at, task.clock_started_at)


def since_referral(work: Work, referral: Referral, at: Moment) -> Moment:
    started = referral.clock_started_at
    return _since(work, "referral", referral.id, referral.clock, referral.rung, at, started)


def since_plan(work: Work, plan_id: UUID, clock: Clock, rung: int, at: Moment) -> Moment:
    return _since(work, "plan", plan_id, clock, rung, at, None)


def _since(
    work: Work,
    noun: str,
    id: UUID | str,  # noqa: A002 - an item's id is called so everywhere
    clock: Clock | None,
    rung: int,
    at: Moment,
    started: datetime | None,
) -> Moment:
    """The events say it, by time or by hand, those of this transaction first; of the first rung there is nothing to
    ask.
    """
    if clock is None or not 0 < rung < len(at.ladder_of(clock).rungs):
        return at
    for event in reversed(work.journal.events):
        facts = event["facts"]
        if _subject(event) == str(id) and facts.get("clock") == clock.value and facts.get("rung", rung) < rung:
            return replace(at, told=Told(facts["rung"], event["at"]))
    row = work.row(_TOLD[noun], id=str(id), clock=clock.value, rung=rung, started=started)
    return at if row is None else replace(at, told=Told(row.rung, row.at))


def _subject(event: Mapping[str, Any]) -> str:
    return str(event.get("task_id") or event.get("referral_id") or event["action_plan_id"])


def _requested_on(work: Work, offer: Locked) -> str:
    return work.agenda.region().local_date(offer.task.asked_at).isoformat()


def _told(whose: str) -> Any:
    return text(
        f"""
select cast(e.facts ->> 'rung' as integer) as rung, e.at from event e
 where {whose} and e.facts ->> 'clock' = :clock and cast(e.facts ->> 'rung' as integer) < :rung
   and e.at >= coalesce(cast(:started as timestamptz), '-infinity')
 order by e.seq desc limit 1
"""
    )


def _said(whose: str) -> Any:
    return text(
        f"""
with begun as (
    select max(e.seq) as seq from event e
     where {whose} and e.facts ->> 'clock' = :clock and e.kind like '%\\_{Did.OVERDUE}')
select cast(e.facts ->> 'rung' as integer) as rung, e.facts ->> 'holder' as holder
  from event e join begun on e.seq >= begun.seq
 where {whose} and e.facts ->> 'clock' = :clock and e.facts ? 'rung'
"""
    )


_ABOUT = {
    "task": "e.task_id = cast(:id as uuid)",
    "referral": "e.referral_id = cast(:id as uuid) and e.task_id is null",
    "plan": "e.action_plan_id = cast(:id as uuid) and e.referral_id is null",
}
_TOLD = {noun: _told(about) for noun, about in _ABOUT.items()}
_SAID = {noun: _said(about) for noun, about in _ABOUT.items()}
