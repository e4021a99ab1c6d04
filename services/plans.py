"""Action plans: made from a pathway and read. The first steps open in the transaction that makes the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from domain.moves import Happened
from domain.pathway import Goal, Owner, Step, Template, step_body
from domain.plan import Standing, State
from services import plan_shapes
from services.clients import NewClient
from services.consents import require_subject
from services.groups import counted_as
from services.happenings import about_plan, happened
from services.journal import new_id
from services.leading import fill_in, kept
from services.needs import insert_need
from services.openings import Owned, open_ready, owned
from services.plan_rows import PLAN, LockedPlan, PlanStep, keep_readers, keep_version
from services.plan_views import plan_view, summary
from services.references import reference
from services.refusals import NotVisible, Unprocessable
from services.rows import known, require_casework
from services.subjects import subject
from services.transaction import Answer, Call, Record, Tx, perform, read
from storage import tables

After = tuple[Any, ...] | None


@dataclass(frozen=True, slots=True)
class NewPlan:
    """A plan to be made from a template, its newest version unless one is named, for one client or household."""

    template: str
    template_version: int | None = None
    client_id: UUID | None = None
    client: NewClient | None = None
    household_id: UUID | None = None
    consent_id: UUID | None = None
    priority: str = "routine"
    due_on: date | None = None


def create_plan(record: Record, call: Call, new: NewPlan) -> Answer[plan_shapes.ActionPlan]:
    """The plan with its goals as needs, its steps, and the tasks of those that are ready, together."""

    def act(tx: Tx, _seen: None) -> plan_shapes.ActionPlan:
        require_casework(tx)
        plan = _make(tx, new)
        return plan_view(tx, plan.p["id"])

    return perform(record, call, lambda _tx: None, act, plan_shapes.ActionPlan, fill=fill_in, stores=kept, status=201)


def get_plan(record: Record, call: Call, plan_id: UUID) -> plan_shapes.ActionPlan:
    return read(record, call, lambda tx: plan_view(tx, plan_id))


def list_plans(
    record: Record, call: Call, *, state: State | None = None, after: After = None, limit: int = 50
) -> list[plan_shapes.ActionPlanSummary]:
    """Newest first: what my organization leads or has a step in; for the backbone all. `after` (created_at, id)."""

    def look(tx: Tx) -> list[plan_shapes.ActionPlanSummary]:
        values = {"collaborative": tx.here.collaborative_id, "state": state, "limit": limit}
        keyset = {"after_at": after[0] if after else None, "after_id": after[1] if after else None}
        return [summary(tx, row._mapping) for row in tx.rows(_LIST, **values, **keyset)]

    return read(record, call, look)


def plan_timeline(record: Record, call: Call, plan_id: UUID) -> plan_shapes.PlanTimeline:
    """All that happened to the plan and its steps, newest first, as far as the caller may see it."""

    def look(tx: Tx) -> plan_shapes.PlanTimeline:
        if tx.row(_SEE, id=plan_id) is None:
            raise NotVisible
        names = {row.key: row.name for row in tx.rows(_KEYS, id=plan_id, me=tx.here.organization_id)}
        goals = {row.key for row in tx.rows(_GOAL_KEYS, id=plan_id)}
        events = [_event(row._mapping, names, goals) for row in tx.rows(_EVENTS, id=plan_id)]
        return plan_shapes.PlanTimeline(
            items=[plan_shapes.PlanEvent.model_validate(event) for event in events],
            notes=[plan_shapes.PlanNote.model_validate(row) for row in tx.rows(_NOTES, id=plan_id)],
        )

    return read(record, call, look)


def get_version(record: Record, call: Call, plan_id: UUID, version: int) -> plan_shapes.PlanVersion:
    """What the plan was at that version: the last edit up to it. For the lead. NotVisible for one that has not been."""

    def look(tx: Tx) -> plan_shapes.PlanVersion:
        row = tx.row(_VERSION, id=plan_id, version=version)
        if row is None:
            raise NotVisible
        return plan_shapes.PlanVersion.model_validate(row)

    return read(record, call, look)


def _make(tx: Tx, new: NewPlan) -> LockedPlan:
    template = find_template(tx, new.template, new.template_version)
    about = subject(tx, new.client_id, new.client, new.household_id)
    if new.consent_id is not None:
        require_subject(tx, new.consent_id, (about.id, new.household_id))
    p = _row(tx, new, template, about)
    tx.connection.execute(tables.action_plan.insert(), p)
    goals = [goal_row(tx, p, nth, goal) for nth, goal in enumerate(template.goals)]
    if goals:
        tx.connection.execute(tables.plan_goal.insert(), goals)
    plan = LockedPlan(p, {}, goals)
    add_rows(tx, plan, [(step, owned(tx, p["organization_id"], step.owner)) for step in template.steps])
    happened(
        tx, about_plan(p), Happened("plan_created", None, None, facts={"template_version": template.version}), version=1
    )
    tx.audit("plan.create", "plan", p["id"], 1)
    open_ready(tx, plan)
    keep_readers(tx, plan)
    keep_version(tx, plan)
    tx.journal.look(f"plan-{p['id']}")
    return plan


def find_template(tx: Tx, code: str, version: int | None, pointer: str = "/template") -> Template:
    """The version, or the newest. Raises Unprocessable."""
    row = tx.row(_TEMPLATE, code=code, version=version, collaborative=tx.here.collaborative_id)
    if row is None:
        raise Unprocessable("No template of that code and version; GET /v1/plan-templates lists them.", pointer=pointer)
    return Template.parse({**row.body, "version": row.version})


def add_rows(tx: Tx, plan: LockedPlan, steps: list[tuple[Step, Owned]], *, own: bool = False) -> None:
    """Steps at the end of the plan, waiting; one taken out before is the same row again. The caller's transaction."""
    first = max((one.s["position"] for one in plan.steps.values()), default=0) + 1
    added = []
    for position, (step, whose) in enumerate(steps, first):
        s: dict[str, Any] = {column.name: None for column in tables.plan_step.c} | {
            "action_plan_id": plan.p["id"],
            "key": step.key,
            "lead_organization_id": plan.p["organization_id"],
            "position": position,
            "definition": step_body(step),
            "own": own,
            **whose.columns(),
        }
        s["restricted"] = s["restricted"] or plan.p["restricted"]
        added.append(PlanStep(s, Standing(step)))
    if added:
        tx.connection.execute(_ADD, [one.s for one in added])
    plan.steps.update({one.key: one for one in added})


def _row(tx: Tx, new: NewPlan, template: Template, about: Any) -> dict[str, Any]:
    counted = counted_as(tx, about.id, new.household_id)
    day = tx.agenda.day
    every = template.review_every_days
    return {column.name: None for column in tables.action_plan.c} | {
        "id": new_id(),
        "reference": reference("P"),
        "collaborative_id": tx.here.collaborative_id,
        "organization_id": tx.here.organization_id,
        "client_id": about.id,
        "household_id": None if about.id else new.household_id,
        "person_id": about.person_id,
        "consent_id": new.consent_id,
        "county": about.county,
        "groups": counted.groups,
        "household_key": counted.household_key,
        "template": template.code,
        "template_version": template.version,
        "name": template.name,
        "state": State.ACTIVE.value,
        "priority": new.priority,
        "restricted": tx.here.confidential or about.restricted,
        "review_every_days": every or None,
        "due_at": _due(tx, new.due_on) if new.due_on else tx.now + day * template.limit_days,
        "rung": 0,
        "next_review_at": tx.now + day * every if every else None,
        "review_rung": 0,
        "goals_rung": 0,
        "assigned_to": tx.here.user_id,
        "created_by": tx.here.user_id,
        "created_at": tx.now,
        "updated_at": tx.now,
        "version": 1,
    }


def _due(tx: Tx, day: date) -> datetime:
    """The end of that day in the region."""
    at = datetime.combine(day, time(23, 59, 59), ZoneInfo(tx.agenda.zone))
    if at <= tx.now:
        raise Unprocessable("The plan needs a day in the future by which it is to be done.", pointer="/due_on")
    return at


def goal_row(tx: Tx, p: Mapping[str, Any], nth: int, goal: Goal) -> dict[str, Any]:
    need_id = insert_need(tx, goal.term, client_id=p["client_id"], household_id=p["household_id"])
    return {
        "action_plan_id": p["id"],
        "key": goal.key,
        "organization_id": p["organization_id"],
        "position": nth,
        "name": goal.name,
        "need_id": need_id,
        "sensitive": owned(tx, p["organization_id"], Owner(term=goal.term)).sensitive,
        "outcome": None,
        "outcome_by": None,
        "outcome_client": None,
        "outcome_source": None,
    }


_NEW = insert(tables.plan_step)
_ADD = _NEW.on_conflict_do_update(
    constraint="plan_step_pkey",
    set_={one.name: _NEW.excluded[one.name] for one in tables.plan_step.c if not one.primary_key},
    where=tables.plan_step.c.removed_at.is_not(None),
)
_LIST = known(
    f"""
select {PLAN} from action_plan p
 where p.collaborative_id = :collaborative and (cast(:state as text) is null or p.state = :state)
   and (cast(:after_at as timestamptz) is null or (p.created_at, p.id) < (:after_at, :after_id))
 order by p.created_at desc, p.id desc limit :limit
""",
    PLAN,
)
_SEE = text("select 1 from action_plan where id = :id")
_TEMPLATE = text(
    """
select body, version from plan_template
 where collaborative_id = :collaborative and code = :code and (cast(:version as integer) is null or version = :version)
 order by version desc limit 1
"""
)
_VERSION = text(
    """
select version, at, template_version, steps from plan_version
 where action_plan_id = :id and version <= :version
   and exists (select from action_plan p where p.id = :id and p.version >= :version)
 order by version desc limit 1
"""
)
_EVENTS = text(
    """
select e.id, e.at, e.occurred_at, e.kind, e.task_id, e.referral_id, e.organization_id, e.acting_organization_id,
       e.user_id, e.from_state, e.to_state, e.facts, e.version,
       case when not exists (
           select from referral r where r.id = e.referral_id and r.sensitive
              and r.source_organization_id <> (select app.me())
              and e.organization_id is distinct from (select app.me()))
            then coalesce(e.reason, case when e.kind ~ '_excepted$' then e.facts ->> 'why' end) end as reason
  from event e
 where e.action_plan_id = :id and (e.kind <> 'need_outcome' or e.source_organization_id = (select app.me()))
 order by e.seq desc limit 1000
"""
)
_NOTES = text(
    "select id, at, user_id, body from message where action_plan_id = :id and referral_id is null order by at desc, id"
    " desc limit 1000"
)
_KEYS = text(
    """
select key, case when sensitive and lead_organization_id <> :me and organization_id is distinct from :me
                 then 'step-' || position else key end as name
  from plan_step where action_plan_id = :id
"""
)
_GOAL_KEYS = text("select key from plan_goal where action_plan_id = :id")
_WHOSE = {"holder", "cause"}
"""Whose turn it was, and why: the list of stalled work tells each reader what of that is theirs to know (ADR 15)."""
_KEY_LISTS = ("after", "before", "was", "added", "removed", "changed")


def _event(row: Mapping[str, Any], names: Mapping[str, str], goals: set[str]) -> dict[str, Any]:
    """`names` of the steps and `goals` that the caller may see: of the others neither key nor outcome is told."""
    facts = row["facts"]
    own = row["referral_id"] is None
    told = (
        {"said", "why", "fields"} if row["kind"] == "task_answered_late" else set() if not own else set(facts) - _WHOSE
    )
    changed = {name: value for name, value in facts.items() if name in told - {"template", "step"}}
    for name in _KEY_LISTS:
        if isinstance(changed.get(name), list):
            changed[name] = [names[key] for key in changed[name] if key in names]
    if "goals" in changed:
        changed["goals"] = [key for key in changed["goals"] if key in goals]
    if "outcomes" in changed:
        changed["outcomes"] = {key: outcome for key, outcome in changed["outcomes"].items() if key in goals}
    return {**row, "step_key": names.get(facts.get("step")), "changed": changed}
