"""A live plan goes over to another version of its template: shown first, then done by its lead."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from sqlalchemy import text

from domain import plan as rules
from domain.pathway import Step, Template
from domain.refusal import NotPossible
from domain.switching import Switch, switch
from services.leading import as_lead, require_lead
from services.openings import owned
from services.plan_edits import define, edited, own_step
from services.plan_rows import LockedPlan, lock_plan, save_plan, save_step
from services.plan_shapes import ActionPlan, StepChange, SwitchPreview
from services.plans import add_rows, find_template, goal_row
from services.transaction import Answer, Call, Record, Tx, read
from storage import tables


def preview_switch(record: Record, call: Call, plan_id: UUID, version: int | None) -> SwitchPreview:
    """What a switch would do; changes nothing."""

    def look(tx: Tx) -> SwitchPreview:
        plan = lock_plan(tx, plan_id)
        require_lead(tx, plan)
        template, found = _compared(tx, plan, version)
        refusal = found.refusal()
        return SwitchPreview(
            template_version=template.version,
            added=[step.key for step in found.added],
            removed=list(found.removed),
            changed=[step.key for step in found.changed],
            kept=list(found.kept),
            clashes=list(found.clashes),
            refused=refusal.sentence if refusal else None,
            steps=[StepChange(**asdict(change)) for change in found.steps_change],
            goals=[StepChange(**asdict(change)) for change in found.goals_change],
        )

    return read(record, call, look)


def switch_plan(record: Record, call: Call, plan_id: UUID, version: int | None) -> Answer[ActionPlan]:
    """To another version, the newest if none is named: what it changes in steps that have not begun, and its goals."""

    def act(tx: Tx, plan: LockedPlan) -> None:
        rules.require_active(plan.state)
        template, found = _compared(tx, plan, version)
        if template.version == plan.p["template_version"]:
            raise NotPossible("same-version", f"The plan follows version {template.version} of its pathway already.")
        if refusal := found.refusal():
            raise refusal
        _take_goals(tx, plan, found)
        for key in found.removed:
            save_step(tx, plan.steps.pop(key), removed_at=tx.now)
        for step in found.changed:
            _redefine(tx, plan, step)
        lead = plan.p["organization_id"]
        add_rows(tx, plan, [(step, owned(tx, lead, step.owner, _VERSION)) for step in found.added])
        was = plan.p["template_version"]
        save_plan(tx, plan, template_version=template.version)
        changed = {"to_version": template.version, "was": was, "removed": list(found.removed)}
        for name, those in (("added", found.added), ("changed", found.changed), ("goals", found.goals + found.renamed)):
            changed[name] = [each.key for each in those]
        edited(tx, plan, "plan_switched", None, **changed)

    return as_lead(record, call, plan_id, act)


def _compared(tx: Tx, plan: LockedPlan, version: int | None) -> tuple[Template, Switch]:
    code: str = plan.p["template"]
    template = find_template(tx, code, version, _VERSION)
    found = switch(
        find_template(tx, code, plan.p["template_version"]),
        plan.standings,
        template,
        own=frozenset(key for key, one in plan.steps.items() if one.s["own"]),
        dropped=frozenset(row.key for row in tx.rows(_DROPPED, id=plan.p["id"])),
        goals={goal["key"]: goal["name"] for goal in plan.goals},
    )
    return template, found


def _take_goals(tx: Tx, plan: LockedPlan, found: Switch) -> None:
    """Each new goal with its need, each other by its new name. One that the version has no more stays: the family has
    not given it up."""
    for goal in found.renamed:
        tx.run(_RENAME, plan=plan.p["id"], key=goal.key, name=goal.name)
    first = max((goal["position"] for goal in plan.goals), default=-1) + 1
    rows = [goal_row(tx, plan.p, nth, goal) for nth, goal in enumerate(found.goals, first)]
    if rows:
        tx.connection.execute(tables.plan_goal.insert(), rows)
    plan.goals += rows


def _redefine(tx: Tx, plan: LockedPlan, step: Step) -> None:
    one = plan.steps[step.key]
    owner_was = one.step.owner
    define(tx, one, step)
    save_step(tx, one, opens_at=None)
    if step.owner != owner_was:
        own_step(tx, plan, one, owned(tx, plan.p["organization_id"], step.owner, _VERSION))


_VERSION = "/version"
_RENAME = text("update plan_goal set name = :name where action_plan_id = :plan and key = :key")
_DROPPED = text(
    """
select k.key from plan_step k
 where k.action_plan_id = :id and k.removed_at is not null and not k.own
   and exists (select from event e
                where e.action_plan_id = :id and e.kind = 'plan_step_dropped' and e.facts ->> 'step' = k.key)
"""
)
