"""What stands still, whose turn it is, and what would free it: one indexed query on the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain import plan as plan_rules
from domain import referral as referral_rules
from domain import task as task_rules
from domain.clock import Clock
from domain.stall import STALLS, level
from services import shapes
from services.holders import watchers_actions
from services.rows import does_casework, referral_of, sides, sides_of
from services.transaction import Call, Record, Tx, read
from storage.tables.plans import OPEN_PLAN
from storage.tables.work import OPEN_REFERRAL, OPEN_TASK

After = tuple[Any, ...] | None


def list_stalled(record: Record, call: Call, after: After = None, limit: int = 50) -> list[shapes.Stalled]:
    """Longest overdue first. A partner sees what it takes part in,
    the backbone all but confidential work (decision 19).

    `after` is (limit, id) of the last item of the page before.
    """

    def look(tx: Tx) -> list[shapes.Stalled]:
        values = {
            "collaborative": tx.here.collaborative_id,
            "now": tx.now,
            "after_due": after[0] if after else None,
            "after_id": after[1] if after else None,
            "limit": limit,
        }
        return [_item(tx, row._mapping) for row in tx.rows(_STALLED, **values)]

    return read(record, call, look)


def _item(tx: Tx, row: Mapping[str, Any]) -> shapes.Stalled:
    stall = STALLS[Clock(row["clock"])]
    user: UUID | None = row["assigned_to"] if row["ball"] == row["organization_id"] else None
    nobody = "" if user or row["kind"] != "task" else " Nobody is assigned."
    return shapes.Stalled(
        kind=row["kind"],
        id=row["id"],
        referral_id=row["referral_id"],
        action_plan_id=row["action_plan_id"],
        reference=row["reference"],
        title=_title(tx, row),
        ball_in_court=shapes.BallInCourt(organization_id=row["ball"], user_id=user),
        since=row["since"],
        limit=row["due_at"],
        level=level(row["rung"]).value,
        reason_code=stall.code,
        reason=stall.sentence.format(who=row["who"]) + nobody,
        remedy=stall.remedy,
        version=row["version"],
        allowed_actions=_actions(tx, row),
    )


def _title(tx: Tx, row: Mapping[str, Any]) -> str:
    involved = tx.here.organization_id in (row["source_organization_id"], row["organization_id"])
    return "Answer a request" if row["sensitive"] and not involved else str(row["title"])


def _actions(tx: Tx, row: Mapping[str, Any]) -> list[str]:
    noun = "plan" if row["kind"] == "action_plan" else row["kind"]
    return _moves(tx, row) + watchers_actions(tx, noun, row)


def _moves(tx: Tx, row: Mapping[str, Any]) -> list[str]:
    if row["kind"] == "task":
        verbs = task_rules.allowed(task_rules.State(row["state"]), sides(tx, row), absent=row["on_behalf"])
        return [verb.value for verb in verbs]
    if row["kind"] == "action_plan":
        leads = row["organization_id"] == tx.here.organization_id and does_casework(tx)
        return [verb.value for verb in plan_rules.allowed(plan_rules.State(row["state"]), leads)]
    mine = sides_of(tx, row["source_organization_id"], row["organization_id"], False)
    rules = referral_of({**row, "clock_started_at": row["since"]})
    return [verb.value for verb in referral_rules.allowed(rules, mine)]


_STALLED = text(
    f"""
select s.*, o.name as who from (
    select 'task' as kind, t.id, t.referral_id, f.reference, t.title, t.ball_organization_id as ball, t.organization_id,
           t.source_organization_id, t.assigned_to, t.on_behalf, t.clock, t.clock_started_at as since, t.due_at, t.rung,
           t.state, f.sensitive, false as reported, t.version, t.action_plan_id
      from task t left join referral f on f.id = t.referral_id
     where t.collaborative_id = :collaborative and t.{OPEN_TASK} and t.due_at <= :now
    union all
    select 'referral', f.id, f.id, f.reference, 'Close the loop', f.source_organization_id, f.target_organization_id,
           f.source_organization_id, null, false, f.clock, f.clock_started_at, f.due_at, f.rung,
           f.state, f.sensitive, f.reported, f.version, f.action_plan_id
      from referral f
     where f.collaborative_id = :collaborative and f.{OPEN_REFERRAL} and f.clock is not null and f.due_at <= :now
    union all
    select 'action_plan', p.id, null, p.reference, p.name, p.organization_id, p.organization_id, p.organization_id,
           null, false, c.clock, c.since, c.due_at, c.rung, p.state, false, false, p.version, p.id
      from action_plan p
     cross join lateral (values
        ('plan', p.created_at, p.due_at, p.rung),
        ('review', p.created_at, p.next_review_at, p.review_rung),
        ('goals', p.goals_since, p.goals_due_at, p.goals_rung)) as c(clock, since, due_at, rung)
     where p.collaborative_id = :collaborative and p.{OPEN_PLAN} and c.due_at <= :now) s
  join organization o on o.id = s.ball
 where cast(:after_due as timestamptz) is null or (s.due_at, s.id) > (:after_due, :after_id)
 order by s.due_at, s.id limit :limit
"""
)
