"""How a plan's lead changes it: one way for every edit, under the plan's lock, with the version that was read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from services import plan_shapes
from services.journal import new_id
from services.plan_rows import LockedPlan, lock_plan
from services.plan_views import plan_view
from services.refusals import Forbidden
from services.rows import does_casework
from services.transaction import Answer, Call, Record, Tx, perform

Act = Callable[[Tx, LockedPlan], None]


def as_lead(
    record: Record, call: Call, plan_id: UUID, act: Act, *, status: int = 200
) -> Answer[plan_shapes.ActionPlan]:
    """`act` says what happened by one event at least; then the engine is asked to look. If-Match is required."""

    def see(tx: Tx) -> LockedPlan:
        plan = lock_plan(tx, plan_id)
        require_lead(tx, plan)
        return plan

    def decide(tx: Tx, plan: LockedPlan) -> plan_shapes.ActionPlan:
        act(tx, plan)
        tx.journal.look(f"plan-{plan_id}")
        return plan_view(tx, plan_id)

    return perform(
        record,
        call,
        see,
        decide,
        plan_shapes.ActionPlan,
        again=lambda tx: plan_view(tx, plan_id),
        fill=fill_in,
        stores=kept,
        version=lambda plan: plan.version,
        need_if_match=True,
        status=status,
    )


def require_lead(tx: Tx, plan: LockedPlan) -> None:
    """Raises Forbidden."""
    if not does_casework(tx) or plan.p["organization_id"] != tx.here.organization_id:
        raise Forbidden("Only the caseworkers of the plan's lead change it. You may read it.")


def say_to_lead(tx: Tx, plan: LockedPlan, words: str) -> None:
    """What the lead notes for itself."""
    tx.journal.messages.append(
        {
            "id": new_id(),
            "action_plan_id": plan.p["id"],
            "kind": "note",
            "organization_id": tx.here.organization_id,
            "user_id": tx.here.user_id,
            "about_client": True,
            "consent_id": plan.p["consent_id"],
            "body": words,
            "at": tx.now,
        }
    )


def kept(body: plan_shapes.ActionPlan) -> dict[str, Any]:
    """Its id alone: a replay reads the plan as it is then, under what the caller may see then."""
    return {"id": str(body.id)}


def fill_in(tx: Tx, _seen: object, body: dict[str, Any]) -> dict[str, Any]:
    return plan_view(tx, UUID(body["id"])).model_dump(mode="json")
