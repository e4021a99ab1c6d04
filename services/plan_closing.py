"""What came of a plan: its reviews, and its end, with an outcome for each goal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain import plan as rules
from domain.clock import Clock
from domain.plan import State
from domain.referral import ConfirmedBy
from domain.task import Outcome
from services.endings import end_request, void_request
from services.happenings import about_plan
from services.leading import as_lead, say_to_lead
from services.moving import class_of
from services.needs import settle
from services.openings import say_plan
from services.plan_advance import settle_end, waited_for
from services.plan_rows import LockedPlan, save_plan
from services.plan_shapes import ActionPlan
from services.refusals import Unprocessable
from services.rows import lock_referral
from services.transaction import Answer, Call, Record, Tx
from storage.tables.work import OUTCOME

Outcomes = Mapping[str, Outcome]


def review_plan(
    record: Record,
    call: Call,
    plan_id: UUID,
    outcomes: Outcomes,
    note: str | None = None,
    by: ConfirmedBy = ConfirmedBy.SOURCE,
) -> Answer[ActionPlan]:
    """The lead and the family looked at the goals; the next review is as far away as the template says.

    `by` client: the lead passes on what the client said; that is heard also when the plan is over.
    """

    def act(tx: Tx, plan: LockedPlan) -> None:
        rules.require_review(plan.state, by)
        if plan.state is State.ACTIVE:
            _review_again(tx, plan)
        elif not outcomes:
            raise Unprocessable("The plan is over: say what the client says of which goal.", pointer="/outcomes")
        say_plan(tx, plan, "plan_reviewed", outcomes={key: one.value for key, one in outcomes.items()}, by=by)
        _settle_goals(tx, plan, outcomes, by)
        if plan.state is State.ACTIVE:
            settle_end(tx, plan)
        if note:
            say_to_lead(tx, plan, note)

    return as_lead(record, call, plan_id, act)


def _review_again(tx: Tx, plan: LockedPlan) -> None:
    every = plan.p["review_every_days"]
    first = waited_for(plan.p, tx.now, resting=True)
    if first is not None and first.clock is Clock.REVIEW:
        save_plan(tx, plan, excepted_until=None)  # it was for this review
    save_plan(tx, plan, next_review_at=tx.now + tx.agenda.day * every if every else None, review_rung=0)


def close_plan(
    record: Record,
    call: Call,
    plan_id: UUID,
    outcomes: Outcomes,
    reason: str | None = None,
    by: ConfirmedBy = ConfirmedBy.SOURCE,
) -> Answer[ActionPlan]:
    """With an outcome for each goal. Before all steps are done it needs a reason, and what is open is taken back."""

    def act(tx: Tx, plan: LockedPlan) -> None:
        rules.require_active(plan.state)
        over = rules.is_over(plan.standings)
        _check(tx, plan, outcomes, over, reason)
        for one in plan.open_requests:
            end_request(tx, one, reason or "")
        _settle_goals(tx, plan, outcomes, by)
        ended = State.COMPLETED if over else State.CLOSED_EARLY
        _end(tx, plan, ended, reason=reason)
        outcomes_now = {goal["key"]: goal["outcome"] for goal in plan.goals}
        say_plan(tx, plan, "plan_closed", state=ended.value, closed_by="lead", outcomes=outcomes_now)

    return as_lead(record, call, plan_id, act)


def void_plan(record: Record, call: Call, plan_id: UUID, words: str) -> Answer[ActionPlan]:
    """Entered in error, with everything that it and its steps counted."""

    def act(tx: Tx, plan: LockedPlan) -> None:
        if plan.state is State.ENTERED_IN_ERROR:
            rules.require_active(plan.state)
        for row in tx.rows(_REQUESTS, id=plan_id):
            void_request(tx, lock_referral(tx, row.id))
        reverses = [str(row.id) for row in tx.rows(_UNREVERSED, id=plan_id)]
        _end(tx, plan, State.ENTERED_IN_ERROR)
        say_plan(tx, plan, "plan_voided", reverses=reverses)
        for goal in plan.goals:
            _save_goal(tx, plan, goal, dict.fromkeys(WORDS))
        say_to_lead(tx, plan, words)

    return as_lead(record, call, plan_id, act)


def _end(tx: Tx, plan: LockedPlan, state: State, reason: str | None = None) -> None:
    save_plan(
        tx,
        plan,
        state=state.value,
        reason=reason,
        stop_asked_by=None,
        goals_since=None,
        goals_due_at=None,
        look_at=None,
        excepted_until=None,
    )


def _check(tx: Tx, plan: LockedPlan, outcomes: Outcomes, over: bool, reason: str | None) -> None:
    missing = [goal["key"] for goal in plan.goals if goal["outcome"] is None and goal["key"] not in outcomes]
    if missing:
        raise Unprocessable(
            "Say what came of each goal: need_met, partly_met or unmet.", pointer=f"/outcomes/{missing[0]}"
        )
    if not over and reason is None:
        raise Unprocessable("Not all steps are done: say why the plan closes early.", pointer="/reason")
    if reason is not None:
        class_of(tx, reason, "/reason")


def _settle_goals(tx: Tx, plan: LockedPlan, outcomes: Outcomes, by: ConfirmedBy) -> None:
    goals = {goal["key"]: goal for goal in plan.goals}
    for key, outcome in outcomes.items():
        goal = goals.get(key)
        if goal is None:
            raise Unprocessable("The plan has no goal of that key. Read it again.", pointer=f"/outcomes/{key}")
        words = {word: goal[word] for word in WORDS} | {f"outcome_{by}": outcome.value}
        _save_goal(tx, plan, goal, words)


def _save_goal(tx: Tx, plan: LockedPlan, goal: dict[str, Any], words: Mapping[str, str | None]) -> None:
    """What differs is all kept; the client's word counts, then the source's (decision 28)."""
    strongest = next((word for word in WORDS if words[word]), None)
    by = strongest.removeprefix("outcome_") if strongest else None
    goal.update(words, outcome=words[strongest] if strongest else None, outcome_by=by)
    tx.run(_SETTLE, plan=plan.p["id"], **{name: goal[name] for name in ("key", "outcome", "outcome_by", *WORDS)})
    settle(tx, goal["need_id"], about_plan(plan.p))


WORDS = ("outcome_client", "outcome_source")
"""Whose word on a goal, the strongest first. A later one of the same voice stands for its own earlier one."""

_SETTLE = text(
    """
update plan_goal set outcome = :outcome, outcome_by = :outcome_by, outcome_client = :outcome_client,
                     outcome_source = :outcome_source
 where action_plan_id = :plan and key = :key
"""
)
_REQUESTS = text(
    "select f.id from referral f where f.id in (select s.referral_id from plan_step s where s.action_plan_id = :id)"
    " and f.state <> 'entered_in_error' order by f.id"
)
_UNREVERSED = text(
    f"""
select e.id from event e
 where e.action_plan_id = :id and e.referral_id is null and not e.{OUTCOME}
   and not exists (select from event x where x.action_plan_id = e.action_plan_id and x.reverses ? cast(e.id as text))
 order by e.seq
"""
)
