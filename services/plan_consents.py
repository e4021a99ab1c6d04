"""A plan's consent that the family gave since it began: who is named then knows who it is, as if it had been there."""

from __future__ import annotations

from uuid import UUID

from domain import plan as rules
from services.consents import disclose_since, holds, require_subject
from services.leading import as_lead
from services.plan_edits import edited
from services.plan_rows import LockedPlan, PlanStep, save_plan
from services.plan_shapes import ActionPlan
from services.rows import save_referral
from services.transaction import Answer, Call, Record, Tx


def consent_plan(record: Record, call: Call, plan_id: UUID, consent_id: UUID) -> Answer[ActionPlan]:
    """For all steps that open from now on, and those that are open.

    Whom it names and who works on a step gets its copy at once. A partner that only the consent before names keeps that
    one for the step that is open, for as long as it holds. The same consent once more copies what was missing.
    """

    def act(tx: Tx, plan: LockedPlan) -> None:
        rules.require_active(plan.state)
        require_subject(tx, consent_id, (plan.p["client_id"], plan.p["household_id"]))
        save_plan(tx, plan, consent_id=consent_id)
        for one in plan.open_requests:
            _use(tx, one, consent_id)
        edited(tx, plan, "plan_consented", None)

    return as_lead(record, call, plan_id, act)


def _use(tx: Tx, one: PlanStep, consent_id: UUID) -> None:
    request = one.request
    assert request is not None
    target, before = request.f["target_organization_id"], request.f["consent_id"]
    if before is not None and holds(tx, before, target) and not holds(tx, consent_id, target):
        return
    save_referral(tx, request, request.referral, consent_id=consent_id)
    if request.current is not None:
        disclose_since(tx, request.current)
