"""What time and finished work do to a plan: offer again, skip, open what is ready, remind, close.

Asked by the plan's workflow whenever a step ended, somebody edited the plan or a deadline came; decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from domain import plan as rules
from domain import referral as referral_rules
from domain.clock import Clock, Moment, rested
from domain.moves import Happened
from domain.pathway import Policy
from domain.progress import Progress
from domain.task import State as TaskState
from services.advance import advance_request, keep_look, open_tasks, seconds_until
from services.agenda import current_agenda
from services.deadlines import next_rung
from services.endings import withdraw_request
from services.happenings import about_referral, happened
from services.journal import Journal
from services.ladder import next_word, since_plan
from services.openings import next_provider, offer_again, open_ready, say_plan, skip_step
from services.plan_rows import LockedPlan, PlanStep, keep_readers, lock_plan, renew, save_plan
from services.rows import LockedReferral, region_moment, save_referral
from services.transaction import Record, Work, by_engine


@dataclass(frozen=True, slots=True)
class Ticking:
    """One of a plan's own clocks: the column with its date, and the one that counts its reminders."""

    clock: Clock
    due: str
    rung: str


TICKING = (
    Ticking(Clock.PLAN, "due_at", "rung"),
    Ticking(Clock.REVIEW, "next_review_at", "review_rung"),
    Ticking(Clock.GOALS, "goals_due_at", "goals_rung"),
)


def advance_plan(record: Record, plan_id: UUID) -> Progress:
    """Do everything that is due by the database's clock and say what is open. A repeat finds nothing due."""

    def run(connection: Connection) -> tuple[Progress, Journal]:
        row = connection.execute(_START, {"id": plan_id}).one()
        work = Work(connection=connection, agenda=current_agenda(connection, row.collaborative_id), now=row.now)
        plan = lock_plan(work, plan_id)
        return _advance(work, plan), work.journal

    return by_engine(record, run)


def _advance(work: Work, plan: LockedPlan) -> Progress:
    if plan.state is not rules.State.ACTIVE:
        save_plan(work, plan, look_at=None)
        return Progress(plan.state.value, over=True)
    owners = _owners(plan)
    asked = plan.steps.get(plan.p["stop_asked_by"] or "")
    if asked is not None and asked.standing.state in rules.ENDED:
        answer_stop(work, plan)
    for one in plan.open_requests:
        _advance_step(work, plan, one)
    later = open_ready(work, plan)
    for one in plan.open_requests:
        if one.request and not one.request.tasks:
            _leave_to_lead(work, one.request)
    if plan.p["restricted"] or _owners(plan) != owners:
        keep_readers(work, plan)
    settle_end(work, plan)
    _remind(work, plan)
    return _progress(work, plan, later)


def _owners(plan: LockedPlan) -> list[tuple[Any, bool]]:
    return [(one.s["organization_id"], one.s["restricted"]) for one in plan.steps.values()]


def answer_stop(work: Work, plan: LockedPlan) -> None:
    """The lead has decided about the step that asked the plan to stop, also by closing its request: the plan goes on,
    unless another asks the same meanwhile. In the caller's transaction.
    """
    before = plan.p["stop_asked_by"]
    save_plan(work, plan, stop_asked_by=None)
    for one in plan.open_requests:
        assert one.request is not None
        waits = one.key != before and one.request.referral.state is referral_rules.State.AWAITING_SOURCE
        if waits and rules.policy(one.step, _ended(one.request)) is Policy.STOP:
            _ask_to_stop(work, plan, one)
            return


def _ask_to_stop(work: Work, plan: LockedPlan, one: PlanStep) -> None:
    save_plan(work, plan, stop_asked_by=one.key)
    say_plan(work, plan, "plan_stop_asked", step=one)


def _ended(request: LockedReferral) -> TaskState | None:
    return request.current.task.state if request.current else None


def _advance_step(work: Work, plan: LockedPlan, one: PlanStep) -> None:
    assert one.request is not None
    advance_request(work, one.request)
    renew(one)
    if one.request.referral.state is referral_rules.State.AWAITING_SOURCE:
        _follow_policy(work, plan, one)


def _follow_policy(work: Work, plan: LockedPlan, one: PlanStep) -> None:
    """What the template says of a step that ended without success. Where it names nobody else, the lead decides."""
    assert one.request is not None
    task = _ended(one.request)
    match rules.policy(one.step, task):
        case Policy.OTHER_PROVIDER:
            offered = next_provider(work, plan, one)
            if offered is not None:
                offer_again(work, plan, one, offered)
            else:
                _leave_to_lead(work, one.request)
        case Policy.SKIP:
            declined = task in (TaskState.DECLINED, TaskState.EXPIRED)
            withdraw_request(work, one.request)
            skip_step(work, plan, one, rules.Skipped.DECLINED if declined else rules.Skipped.FAILED)
        case Policy.STOP if not plan.p["stop_asked_by"]:
            _ask_to_stop(work, plan, one)
        case _:
            pass


def _leave_to_lead(work: Work, request: LockedReferral) -> None:
    """Nobody is left to be asked, or nobody was there: said once each time that the request comes to wait."""
    referral, f = request.referral, request.f
    if work.row(_LEFT_TO_LEAD, id=f["id"], since=referral.clock_started_at):
        return
    save_referral(work, request, replace(referral, version=referral.version + 1))
    kind = f"{referral.noun}_unplaced"
    happened(work, about_referral(f), Happened(kind, None, None), version=f["version"])
    work.audit("step.unplaced", "referral", f["id"], f["version"])


def settle_end(work: Work, plan: LockedPlan) -> None:
    """All steps are done: the plan closes by itself if every goal has an outcome, else its lead is asked."""
    over = bool(plan.steps) and rules.is_over(plan.standings)
    missing = any(goal["outcome"] is None for goal in plan.goals)
    if over and not missing:
        save_plan(work, plan, state=rules.State.COMPLETED.value, goals_since=None, goals_due_at=None)
        say_plan(work, plan, "plan_closed", state=plan.p["state"], closed_by="steps")
    elif over and plan.p["goals_since"] is None:
        due = region_moment(work, plan.p["priority"]).due(Clock.GOALS)
        save_plan(work, plan, goals_since=work.now, goals_due_at=due, goals_rung=0)
    elif not over and plan.p["goals_since"] is not None:
        save_plan(work, plan, goals_since=None, goals_due_at=None, goals_rung=0)


def _remind(work: Work, plan: LockedPlan) -> None:
    at = region_moment(work, plan.p["priority"])
    for ticking in TICKING:
        while plan.state is rules.State.ACTIVE:
            due = plan_look(plan.p, ticking, _since(work, plan, ticking, at))
            if due is None or due > work.now:
                break
            _climb(work, plan, ticking, at)


def plan_look(p: Mapping[str, Any], ticking: Ticking, at: Moment) -> datetime | None:
    """When the next rung of one of the plan's own clocks is due; None: it does not run, or its ladder has ended."""
    due: datetime | None = p[ticking.due]
    if due is None:
        return None
    return next_rung(ticking.clock, p[ticking.rung], rested(due, p["excepted_until"]), at)


def waited_for(p: Mapping[str, Any], now: datetime, *, resting: bool = False) -> Ticking | None:
    """Which of an active plan's own clocks its lead is waited for by: of those that passed, the first. All steps are
    done: then also before. `resting`: whichever comes first, passed or not.
    """
    if p["state"] != rules.State.ACTIVE:
        return None
    ticking = [one for one in TICKING if p[one.due] is not None]
    late = [one for one in ticking if resting or p[one.due] <= now or one.clock is Clock.GOALS]
    return min(late, key=lambda one: p[one.due], default=None)


def _climb(work: Work, plan: LockedPlan, ticking: Ticking, at: Moment) -> None:
    said = next_word(work, "plan", plan.p, None, ticking.clock, plan.p[ticking.rung], at)
    save_plan(work, plan, **{ticking.rung: said.rung})
    if said.did is not None:
        say_plan(work, plan, f"plan_{said.did}", **said.facts)


def _since(work: Work, plan: LockedPlan, ticking: Ticking, at: Moment) -> Moment:
    return since_plan(work, plan.p["id"], ticking.clock, plan.p[ticking.rung], at)


def _progress(work: Work, plan: LockedPlan, later: dict[str, datetime]) -> Progress:
    at = region_moment(work, plan.p["priority"])
    times: list[datetime | None] = list(later.values())
    offers = []
    for one in plan.open_requests:
        assert one.request is not None
        times.append(keep_look(work, one.request))
        offers += one.request.tasks
    over = plan.state is not rules.State.ACTIVE
    if not over:
        times += [plan_look(plan.p, ticking, _since(work, plan, ticking, at)) for ticking in TICKING]
    look_at = None if over else min((when for when in times if when is not None), default=None)
    save_plan(work, plan, look_at=look_at)
    return Progress(plan.state.value, over, seconds_until(work.now, look_at), open_tasks(work, offers))


_LEFT_TO_LEAD = text(
    "select 1 from event where referral_id = :id and kind in ('step_unplaced', 'referral_unplaced') and at >= :since"
    " limit 1"
)
_START = text("select collaborative_id, clock_timestamp() as now from action_plan where id = :id")
