"""What people who watch may do: nudge who blocks, climb the ladder by hand, let work rest and watch it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from domain.ladder import Rung
from domain.stall import AT_ONCE
from domain.watch import LONGEST_EXCEPTION_DAYS, SAID, Exempt, climb_by_hand
from services import plan_shapes, shapes
from services.blocking import Blocked, blocked, caused, reminded, whose_turn
from services.holders import Holder, is_staffed, is_watcher, may_escalate, may_nudge, reaches, who_acts
from services.ladder import rungs_told
from services.messages import tell
from services.refusals import Conflict, Forbidden, Unprocessable
from services.transaction import Answer, Call, Record, Tx
from services.watching import Act, Running, Watched, watch_plan, watch_referral, watch_task

TaskAnswer: TypeAlias = Answer[shapes.Task]
ReferralAnswer: TypeAlias = Answer[shapes.Referral]
PlanAnswer: TypeAlias = Answer[plan_shapes.ActionPlan]


@dataclass(frozen=True, slots=True)
class Rest:
    """Until the opening of that day (the service's, or the region's where the backbone may not know which it is) the
    engine reminds nobody and nothing expires; people still may nudge and escalate.

    `words` are for whoever works on it.
    """

    why: Exempt
    until: date
    words: str | None = None


def nudge_task(record: Record, call: Call, task_id: UUID) -> TaskAnswer:
    """Ask the one who blocks, once: again only when they acted since, or a business day has passed. Conflict where
    nobody there would hear it. Of a sensitive need want of room makes nobody else the one: the backbone reads of it.
    """
    return watch_task(record, call, task_id, _nudge)


def nudge_referral(record: Record, call: Call, referral_id: UUID) -> ReferralAnswer:
    """Its source, where the referral waits for it; where its task has the ball, nudge the task, also beside a fault of
    the engine, which nobody who is nudged mends.
    """
    return watch_referral(record, call, referral_id, _nudge)


def nudge_plan(record: Record, call: Call, plan_id: UUID) -> PlanAnswer:
    """Its lead, or the backbone where nobody is left there or the engine fails: once one of the plan's own dates has
    passed or only the goals are left, and at once where the plan stands without that.
    """
    return watch_plan(record, call, plan_id, _nudge)


def escalate_task(record: Record, call: Call, task_id: UUID) -> TaskAnswer:
    """Tell the next who was not told yet. It counts as that rung: time goes on from there."""
    return watch_task(record, call, task_id, _escalate)


def escalate_referral(record: Record, call: Call, referral_id: UUID) -> ReferralAnswer:
    return watch_referral(record, call, referral_id, _escalate)


def escalate_plan(record: Record, call: Call, plan_id: UUID) -> PlanAnswer:
    return watch_plan(record, call, plan_id, _escalate)


def except_task(record: Record, call: Call, task_id: UUID, rest: Rest) -> TaskAnswer:
    """The backbone lets it rest: its limits pass at the end of the exception, not before. A later one replaces it."""
    return watch_task(record, call, task_id, _excepting(rest))


def except_referral(record: Record, call: Call, referral_id: UUID, rest: Rest) -> ReferralAnswer:
    return watch_referral(record, call, referral_id, _excepting(rest))


def except_plan(record: Record, call: Call, plan_id: UUID, rest: Rest) -> PlanAnswer:
    return watch_plan(record, call, plan_id, _excepting(rest))


def watch_task_again(record: Record, call: Call, task_id: UUID) -> TaskAnswer:
    """The exception ends now. What was due meanwhile is said now."""
    return watch_task(record, call, task_id, _watch)


def watch_referral_again(record: Record, call: Call, referral_id: UUID) -> ReferralAnswer:
    return watch_referral(record, call, referral_id, _watch)


def watch_plan_again(record: Record, call: Call, plan_id: UUID) -> PlanAnswer:
    return watch_plan(record, call, plan_id, _watch)


# ------------------------------------------------------------------------------------------------------ what happens


def _nudge(tx: Tx, watched: Watched) -> None:
    found = blocked(tx, watched.noun, watched.row["id"]) or Blocked(who_acts(tx, watched.holder()), None)
    to = found.by
    _require(may_nudge(tx, watched.noun, watched.row, to))
    if watched.noun != "plan" or found.cause not in AT_ONCE:
        _running(tx, watched)
    if to.organization_id == tx.here.organization_id and to.user_id in (None, tx.here.user_id):
        raise Conflict("It is your own turn: nobody else is waited for.", code="own-turn", current=_current(watched))
    _require_unasked(tx, watched, to)
    if not is_staffed(tx, to.organization_id):
        raise Conflict(
            "Nobody there would hear it: none of their people can sign in. It is time to phone them.",
            code="nobody-there",
            current=_current(watched),
        )
    facts = {"to": str(to.organization_id), "person": str(to.user_id) if to.user_id else None}
    watched.say(tx, "nudged", facts | caused(found))


def _reminded(tx: Tx, watched: Watched) -> Blocked:
    return reminded(tx, watched.noun, watched.row["id"], who_acts(tx, watched.holder()))


def _require_unasked(tx: Tx, watched: Watched, to: Holder) -> None:
    """One nudge is a reminder, ten are noise."""
    row = tx.row(
        _NUDGED,
        id=watched.row["id"],
        kind=f"{watched.noun}_nudged",
        to=str(to.organization_id),
        person=str(to.user_id) if to.user_id else None,
        said=[f"%\\_{word}" for word in sorted(SAID)],
    )
    if row is None or row.nudged_at is None or (row.moved_at is not None and row.moved_at > row.nudged_at):
        return
    again_at = tx.agenda.region().due(row.nudged_at, tx.agenda.business_day)
    if again_at > tx.now:
        local = row.nudged_at.astimezone(ZoneInfo(tx.agenda.zone))
        raise Conflict(
            f"They were nudged on {local:%Y-%m-%d} at {local:%H:%M}. Give them a business day, or escalate it.",
            code="nudged-already",
            current=_current(watched) | {"nudged_at": row.nudged_at.isoformat()},
        )


def _escalate(tx: Tx, watched: Watched) -> None:
    found = _reminded(tx, watched)
    _require(may_escalate(tx, watched.noun, watched.row))
    running = _running(tx, watched)
    if running.rung == 0:
        raise Conflict(
            "Nobody was reminded of it yet: its limit has not passed. Nudge whoever has the ball.",
            code="not-overdue",
            current=_current(watched),
        )

    def reached(to: Rung) -> bool:
        return not (to is Rung.BACKBONE and is_watcher(tx)) and reaches(
            tx, to, found.by, bool(watched.row["restricted"])
        )

    told = rungs_told(tx, watched.noun, watched.row["id"], running.clock, found.by)
    number = climb_by_hand(running.ladder, running.rung, reached, told)
    if number is None:
        raise Conflict(
            "Everybody on its ladder was told: it is time to phone them.",
            code="top-of-the-ladder",
            current=_current(watched),
        )
    to = running.ladder.rungs[number].to.value
    facts = {"clock": running.clock.value, "rung": number, "to": to, "by_hand": "yes"}
    watched.say(tx, "escalated", facts | whose_turn(found), {running.column: number + 1})
    watched.look(tx)


def _excepting(rest: Rest) -> Act:
    def act(tx: Tx, watched: Watched) -> None:
        _require_backbone(tx)
        _require_rest(tx, watched)
        until = _opening(tx, watched, rest.until)
        facts = {"until": rest.until.isoformat(), "why": rest.why.value} | whose_turn(_reminded(tx, watched))
        watched.say(tx, "excepted", facts, {"excepted_until": until})
        watched.look(tx)
        if rest.words:
            tell(tx, watched.noun, watched.row, rest.words)

    return act


def _watch(tx: Tx, watched: Watched) -> None:
    _require_backbone(tx)
    until = watched.row["excepted_until"]
    if until is None or until <= tx.now:
        raise Conflict("It is watched as always: no exception stands.", code="watched", current=_current(watched))
    _require_rest(tx, watched)
    watched.say(tx, "watched", {}, {"excepted_until": None})
    watched.look(tx)


def _opening(tx: Tx, watched: Watched, day: date) -> datetime:
    today = tx.agenda.region().local_date(tx.now)
    if not today < day <= today + timedelta(days=LONGEST_EXCEPTION_DAYS):
        raise Unprocessable(
            f"An exception ends on a day in the future, at most {LONGEST_EXCEPTION_DAYS} days ahead.", pointer="/until"
        )
    midnight = datetime.combine(day, time(0), ZoneInfo(tx.agenda.zone))
    return watched.calendar(tx).next_opening(midnight)


def _require_rest(tx: Tx, watched: Watched) -> None:
    if not watched.may_rest(tx):
        raise _not_its_turn(watched)


def _running(tx: Tx, watched: Watched) -> Running:
    found = watched.running(tx)
    if found is None:
        raise _not_its_turn(watched)
    return found


def _not_its_turn(watched: Watched) -> Conflict:
    if watched.state in ("active", "awaiting_source"):
        whose = "One of its steps" if watched.noun == "plan" else "Its task"
        return Conflict(f"{whose} has the ball: do it on that task.", code="not-its-turn", current=_current(watched))
    return Conflict("It has ended; nobody is waited for.", code="wrong-state", current=_current(watched))


def _require(allowed: bool) -> None:
    if not allowed:
        raise Forbidden("That is for the backbone and for whoever asked for the work. allowed_actions lists yours.")


def _require_backbone(tx: Tx) -> None:
    if not is_watcher(tx):
        raise Forbidden("Only the backbone lets work rest. Hold it until a day, or tell the backbone why it waits.")


def _current(watched: Watched) -> dict[str, Any]:
    return {"state": watched.state, "version": watched.version}


_NUDGED = text(
    """
select max(e.at) filter (where e.kind = :kind and e.facts ->> 'to' = :to
                           and e.facts ->> 'person' is not distinct from cast(:person as text)) as nudged_at,
       max(e.at) filter (where cast(e.acting_organization_id as text) = :to
                           and not e.kind like any (cast(:said as text[]))) as moved_at
  from event e
 where e.task_id = :id or (e.task_id is null and e.referral_id = :id)
    or (e.referral_id is null and e.action_plan_id = :id)
"""
)
