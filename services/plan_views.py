"""A plan as whoever asks may see it: read in one statement, however many steps it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from domain import plan as rules
from domain.pathway import parse_step
from domain.plan import Standing
from domain.referral import State as RequestState
from services.holders import Holder, foresee_actions, holder_of, watchers_actions, who_acts, who_blocks
from services.plan_advance import Ticking, waited_for
from services.plan_rows import PLAN, STEP
from services.plan_shapes import ActionPlan, ActionPlanSummary, PlanGoal, PlanStep
from services.refusals import NotVisible
from services.rows import OWN_CLIENT, SERVICE, TASK, does_casework, known, referral_columns
from services.shapes import BallInCourt, Task
from services.stalls import AT_ONCE_OF_PLAN
from services.supervisors import blocker
from services.transaction import Tx
from services.views import ball_of, resting, task_view

HIDDEN = "A step of another partner"
"""The title of a step whose term is sensitive, for all but the lead and its own organization."""


def plan_view(tx: Tx, plan_id: UUID) -> ActionPlan:
    """In the caller's transaction. Raises NotVisible."""
    rows = [row._mapping for row in tx.rows(_GET, id=plan_id)]
    if not rows:
        raise NotVisible
    p = _prefixed(rows[0], "p_")
    leads = p["organization_id"] == tx.here.organization_id and does_casework(tx)
    mine = p["organization_id"] == tx.here.organization_id
    shown = [row for row in rows if row["k_key"] is not None]
    names = {row["k_key"]: _name(tx, row) for row in shown}
    seen = [(row, _prefixed(row, "f_")) for row in shown]
    foresee_actions(tx, "task", [(row, f) for row, f in seen if row["id"] is not None])
    foresee_actions(tx, "referral", [(f, None) for _, f in seen if f["id"] is not None])
    steps = [_step(tx, p, row, names, leads) for row in shown]
    return ActionPlan.model_construct(
        **_summary(p, mine),
        template_version=p["template_version"],
        consent_id=p["consent_id"] if mine else None,
        county=p["county"],
        reason=p["reason"],
        goals=[_goal(goal, mine) for goal in rows[0]["goals"] or ()],
        steps=steps,
        ball_in_court=_ball(tx, p, list(zip(shown, steps, strict=True))),
        stop_asked_by=names.get(p["stop_asked_by"]),
        updated_at=p["updated_at"],
        assigned_to=p["assigned_to"],
        excepted_until=resting(tx, p),
        allowed_actions=[verb.value for verb in rules.allowed(rules.State(p["state"]), leads)] + _beside(tx, p, leads),
    )


def _beside(tx: Tx, p: Mapping[str, Any], leads: bool) -> list[str]:
    """What may be done with a plan that runs besides changing it."""
    if p["state"] != rules.State.ACTIVE:
        return []
    late = waited_for(p, tx.now)
    now = _running(p, waited_for(p, tx.now, resting=True))
    stands = bool(late or p["at_once"])
    found = watchers_actions(tx, "plan", now, holder=_lead(tx, p) if stands else holder_of("plan", p), stands=stands)
    found = [verb for verb in found if late or (verb != "escalate" and (stands or verb != "nudge"))]
    return found + (["assign"] if leads else [])


def _running(p: Mapping[str, Any], ticking: Ticking | None) -> dict[str, Any]:
    return dict(p) | ({"clock": ticking.clock, "rung": p[ticking.rung]} if ticking else {"clock": None})


def _lead(tx: Tx, p: Mapping[str, Any]) -> Holder:
    """Who is waited for where the lead is: once one of its dates has passed, or the plan stands still without that, it
    may be somebody else. Asked only then: a plan in time is read by one statement.
    """
    found = blocker(tx, "plan", p["id"]) if p["at_once"] or waited_for(p, tx.now) else None
    return Holder(found.organization_id, found.user_id) if found else who_acts(tx, holder_of("plan", p))


def summary(tx: Tx, p: Mapping[str, Any]) -> ActionPlanSummary:
    return ActionPlanSummary.model_construct(**_summary(p, p["organization_id"] == tx.here.organization_id))


def _summary(p: Mapping[str, Any], mine: bool) -> dict[str, Any]:
    same = ("id", "reference", "template", "name", "state", "priority", "organization_id", "due_at", "next_review_at")
    return {name: p[name] for name in (*same, "created_at", "version")} | {
        "client_id": p["client_id"] if mine else None,
        "household_id": p["household_id"] if mine else None,
    }


def _goal(goal: Mapping[str, Any], mine: bool) -> PlanGoal:
    return PlanGoal.model_validate(
        {**{name: goal[name] for name in PlanGoal.model_fields}, "need_id": goal["need_id"] if mine else None}
    )


def _involved(tx: Tx, row: Mapping[str, Any]) -> bool:
    return tx.here.organization_id in (row["p_organization_id"], row["k_organization_id"])


def _hides(tx: Tx, row: Mapping[str, Any]) -> bool:
    return bool(row["k_sensitive"]) and not _involved(tx, row)


def _name(tx: Tx, row: Mapping[str, Any]) -> str:
    """A key may say as much as a title."""
    return f"step-{row['k_position']}" if _hides(tx, row) else str(row["k_key"])


def _step(tx: Tx, p: Mapping[str, Any], row: Mapping[str, Any], names: Mapping[str, str], leads: bool) -> PlanStep:
    step, hidden, involved = parse_step(row["k_definition"]), _hides(tx, row), _involved(tx, row)
    request = RequestState(row["x_state"]) if row["x_state"] else None
    state = rules.state_of(request, row["x_reported"] or False, row["k_skipped_at"] is not None)
    task = _task(tx, row)
    return PlanStep.model_construct(
        key=names[step.key],
        title=HIDDEN if hidden else step.title,
        kind=step.kind.value,
        state=state.value,
        position=row["k_position"],
        after=[names[key] for key in step.after if key in names],
        organization_id=row["k_organization_id"],
        service_id=row["k_service_id"] if involved else None,
        term=row["k_term"] if involved else None,
        goal=step.goal if involved else None,
        ball_in_court=_step_ball(tx, row, task) if state is rules.StepState.OPEN else None,
        due_at=row["x_due_at"] if state is rules.StepState.OPEN and not hidden else None,
        opens_at=row["k_opens_at"],
        ended_at=row["k_skipped_at"] or row["x_ended_at"] if state in rules.ENDED else None,
        skipped_because=row["k_skipped_because"]
        or (rules.Skipped.WITHDRAWN.value if state is rules.StepState.SKIPPED else None),
        referral_id=row["x_referral_id"] if involved else None,
        task=task,
        allowed_actions=[
            verb.value for verb in rules.allowed_on_step(rules.State(p["state"]), Standing(step, state), leads)
        ],
    )


def _task(tx: Tx, row: Mapping[str, Any]) -> Any:
    """Null where the task is somebody else's: row security has left its columns empty."""
    if row["id"] is None:
        return None
    return task_view(tx, row, _prefixed(row, "f_"))


def _step_ball(tx: Tx, row: Mapping[str, Any], task: Task | None) -> BallInCourt | None:
    """As its request or its task names them, as far as the caller sees those; else whose turn the clock makes it."""
    if row["f_clock"] is not None:
        return ball_of(who_blocks(tx, "referral", _prefixed(row, "f_")))
    if task is not None and task.ball_in_court is not None:
        return task.ball_in_court
    ball = row["x_ball_organization_id"]
    return BallInCourt(organization_id=ball) if ball else None


def _ball(tx: Tx, p: Mapping[str, Any], steps: Sequence[tuple[Mapping[str, Any], PlanStep]]) -> BallInCourt | None:
    """The lead's, once one of the plan's own dates has passed or the list of stalled work shows the plan without that;
    else of its open steps that is due first.
    """
    if p["state"] != rules.State.ACTIVE:
        return None
    waiting = [(row["x_due_at"], step) for row, step in steps if step.ball_in_court is not None]
    if p["stop_asked_by"] is not None or waited_for(p, tx.now) or p["at_once"] or not waiting:
        return ball_of(_lead(tx, p))
    return min(waiting, key=lambda one: (one[0] is None, one[0], one[1].position))[1].ball_in_court


def _prefixed(row: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name[2:]: value for name, value in row.items() if name.startswith(prefix)}


def _as(columns: str, prefix: str) -> str:
    return ", ".join(f"{each} as {prefix}{each.partition('.')[2]}" for each in columns.split(", "))


_X = ("key", "referral_id", "task_id", "state", "reported", "ball_organization_id", "due_at", "ended_at")
_REQUEST = ", ".join(f"x.{name} as x_{name}" for name in _X)
_GET = known(
    f"""
with x as materialized (select * from app.plan_requests(:id))
select {TASK}, {OWN_CLIENT}, {referral_columns("f_")}, {SERVICE}, {_as(PLAN, "p_")}, {_as(STEP, "k_")}, {_REQUEST},
       {AT_ONCE_OF_PLAN} as p_at_once,
       (select jsonb_agg(to_jsonb(g) order by g.position) from plan_goal g where g.action_plan_id = p.id) as goals
  from action_plan p
  left join plan_step k on k.action_plan_id = p.id and k.removed_at is null
  left join x on x.key = k.key
  left join task t on t.id = x.task_id
  left join referral f on f.id = x.referral_id
  left join service s on s.id = t.service_id
 where p.id = :id
 order by k.position, k.key
""",
    TASK,
    OWN_CLIENT,
    referral_columns("f_"),
    SERVICE,
    _as(PLAN, "p_"),
    _as(STEP, "k_"),
    _REQUEST,
    "p_at_once",
    "goals",
)
