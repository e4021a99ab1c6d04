"""Opening the steps of a plan: each becomes a request from the plan's lead to whoever does it (ADR 0010).

In the transaction of whoever made it ready: the one that makes the plan, else the engine's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain import plan as rules
from domain import referral as referral_rules
from domain.clock import Clock
from domain.moves import Happened
from domain.pathway import Owner, StepKind, step_body
from services.happenings import about_plan, about_referral, happened
from services.journal import new_id
from services.offers import Offered, find_organization, find_service, first_look, insert_offer, new_offer
from services.plan_rows import LockedPlan, PlanStep, released, renew, save_plan, save_step
from services.references import reference
from services.refusals import Unprocessable
from services.rows import LockedReferral, referral_of, region_moment, save_referral
from services.transaction import Work
from storage import tables


@dataclass(frozen=True, slots=True)
class Owned:
    """Whose a step is as far as that is known before it opens; `term`: what another provider must offer."""

    organization_id: UUID | None
    service_id: UUID | None = None
    term: str | None = None
    sensitive: bool = False
    restricted: bool = False

    def columns(self) -> dict[str, Any]:
        return {
            "organization_id": self.organization_id,
            "service_id": self.service_id,
            "term": self.term,
            "sensitive": self.sensitive,
            "restricted": self.restricted,
        }


def open_ready(work: Work, plan: LockedPlan) -> dict[str, Any]:
    """Skip what is not wanted, open what is ready; answers when the next step opens by itself, by key."""
    if plan.p["stop_asked_by"]:
        return {}
    found = rules.next_steps(plan.standings, work.now, plan.p["created_at"], work.agenda.day)
    for key in found.back:
        _take_back(work, plan, plan.steps[key])
    for key in found.skip:
        skip_step(work, plan, plan.steps[key], rules.Skipped.CONDITION)
    for key in found.open:
        open_step(work, plan, plan.steps[key])
    for key, one in plan.steps.items():
        if one.standing.state is rules.StepState.WAITING:
            save_step(work, one, opens_at=found.later.get(key))
    return dict(found.later)


def skip_step(work: Work, plan: LockedPlan, one: PlanStep, why: rules.Skipped) -> None:
    save_step(work, one, skipped_at=work.now, skipped_because=why.value)
    one.standing = replace(
        one.standing,
        state=rules.StepState.SKIPPED,
        ended_at=work.now,
        closed=True,
        answers={},
        unwanted=why is rules.Skipped.CONDITION,
    )
    say_plan(work, plan, "step_skipped", step=one, why=why.value)


def _take_back(work: Work, plan: LockedPlan, one: PlanStep) -> None:
    """It was left out because of an answer that was corrected since."""
    save_step(work, one, skipped_at=None, skipped_because=None)
    one.standing = replace(one.standing, state=rules.StepState.WAITING, ended_at=None, unwanted=False)
    say_plan(work, plan, "step_taken_back", step=one)


def open_step(work: Work, plan: LockedPlan, one: PlanStep) -> None:
    """The request and its first task; where nobody can be asked, the request waits for the lead."""
    offered = _whom(work, plan, one)
    f = _request(work, plan, one, offered)
    offer = new_offer(work, f, offered) if offered else None
    if offer:
        f["look_at"] = first_look(offer)
    work.connection.execute(tables.referral.insert(), f)
    one.request = LockedReferral(referral_of(f), f, [offer] if offer else [])
    plain = f["kind"] == "step"
    facts = {"priority": f["priority"], "kind": f["kind"], "origin": f["origin"]}
    what = Happened("step_opened" if plain else "referral_created", None, None, facts=facts)
    happened(work, about_referral(f), what, version=1)
    work.audit("step.open", "referral", f["id"], 1)
    if offer:
        insert_offer(work, offer)
    owner = offered.organization_id if offered else None
    save_step(
        work,
        one,
        referral_id=f["id"],
        organization_id=owner,
        service_id=offered.service_id if offered else None,
        sensitive=one.s["sensitive"] or f["sensitive"],
        restricted=plan.p["restricted"] or bool(offered and offered.confidential),
        opens_at=None,
    )
    renew(one)


def offer_again(work: Work, plan: LockedPlan, one: PlanStep, offered: Offered) -> None:
    """The next round of a step's request, which waits for it: by policy, or because the lead re-assigned the step."""
    request = one.request
    assert request is not None
    after = referral_rules.move(request.referral, referral_rules.Verb.REROUTE)
    save_referral(
        work,
        request,
        after,
        target_organization_id=offered.organization_id,
        service_id=offered.service_id,
        round=request.f["rounds"] + 1,
        rounds=request.f["rounds"] + 1,
        restricted=request.f["restricted"] or offered.confidential,
        sensitive=request.f["sensitive"] or offered.sensitive,
        outcome_task=None,
    )
    kind = f"{request.referral.noun}_rerouted"
    happened(work, about_referral(request.f), Happened(kind, None, None), version=after.version)
    work.audit("referral.reroute", "referral", request.f["id"], after.version)
    offer = new_offer(work, request.f, offered)
    save_referral(work, request, after, look_at=first_look(offer))
    insert_offer(work, offer)
    request.tasks.append(offer)
    save_step(
        work,
        one,
        organization_id=offered.organization_id,
        service_id=offered.service_id,
        sensitive=one.s["sensitive"] or offered.sensitive,
        restricted=plan.p["restricted"] or offered.confidential,
    )
    renew(one)


def next_provider(work: Work, plan: LockedPlan, one: PlanStep) -> Offered | None:
    """Who offers the same and was not asked for this step yet; None if nobody is left."""
    asked = [t.t["service_id"] for t in one.request.tasks if t.t["service_id"]] if one.request else []
    term = one.s["term"]
    if term is None or not one.step.owner.may_be_replaced:
        return None
    values = {"collaborative": plan.p["collaborative_id"], "term": term, "county": plan.p["county"]}
    for row in work.rows(_PROVIDERS, **values, asked=[str(i) for i in asked]):
        try:
            offered = find_service(work, row.service_id)
        except Unprocessable:  # the backbone's own, or since this statement no partner's: nobody named it
            continue
        if may_be_asked(work, plan, offered):
            return offered
    return None


def may_be_asked(work: Work, plan: LockedPlan, offered: Offered) -> bool:
    """Also when the engine asks."""
    return released(work, plan, offered.organization_id)


def _whom(work: Work, plan: LockedPlan, one: PlanStep) -> Offered | None:
    s = one.s
    if s["service_id"] is None and s["organization_id"] is None:
        return next_provider(work, plan, one)
    try:
        named = s["service_id"] is not None
        offered = find_service(work, s["service_id"]) if named else find_organization(work, s["organization_id"])
    except Unprocessable:
        return None  # it takes no requests any more: the lead decides
    return offered if may_be_asked(work, plan, offered) else None


def _request(work: Work, plan: LockedPlan, one: PlanStep, offered: Offered | None) -> dict[str, Any]:
    p, step = plan.p, one.step
    serves = next((g["need_id"] for g in plan.goals if g["key"] == step.goal), None)
    due = None if offered else region_moment(work, p["priority"]).due(Clock.AWAITING_SOURCE)
    state = referral_rules.State.ACTIVE if offered else referral_rules.State.AWAITING_SOURCE
    row: dict[str, Any] = dict.fromkeys(_PLAIN) | {
        "id": new_id(),
        "reference": reference("R"),
        "collaborative_id": p["collaborative_id"],
        "source_organization_id": p["organization_id"],
        "target_organization_id": offered.organization_id if offered else p["organization_id"],
        "service_id": offered.service_id if offered else None,
        "need_id": serves if step.kind is StepKind.REFERRAL else None,
        "client_id": p["client_id"],
        "household_id": p["household_id"],
        "person_id": p["person_id"],
        "consent_id": p["consent_id"],
        "kind": "step" if step.kind is StepKind.STEP else "referral",
        "origin": "partner",
        "priority": p["priority"],
        "term": one.s["term"] or (offered.term if offered else None),
        "county": p["county"],
        "sensitive": one.s["sensitive"] or bool(offered and offered.sensitive),
        "restricted": p["restricted"] or bool(offered and offered.confidential),
        "transfer": False,
        "state": state.value,
        "reported": False,
        "round": 1 if offered else 0,
        "rounds": 1 if offered else 0,
        "asked": [],
        "clock": None if offered else Clock.AWAITING_SOURCE.value,
        "clock_started_at": None if offered else work.now,
        "due_at": due,
        "look_at": due,
        "rung": 0,
        "action_plan_id": p["id"],
        "step_key": one.key,
        "step": {"template": p["template"]} | step_body(step),
        "handed_over_at": _handed_over(plan, one, offered),
        "assigned_to": p["assigned_to"],
        "created_by": p["created_by"],
        "requested_at": work.now,
        "created_at": work.now,
        "updated_at": work.now,
        "version": 1,
    }
    return row | {name: p[name] for name in ("groups", "household_key") if name in row}


def _handed_over(plan: LockedPlan, one: PlanStep, offered: Offered | None) -> Any:
    """When the last of those before, other organizations than this one, had done its work."""
    before = [plan.steps[key] for key in one.step.after if key in plan.steps]
    owner = offered.organization_id if offered else None
    return max((b.worked_at for b in before if b.worked_at and b.s["organization_id"] != owner), default=None)


def say_plan(
    work: Work,
    plan: LockedPlan,
    kind: str,
    *,
    step: PlanStep | None = None,
    restricted: bool = False,
    reverses: list[str] | None = None,
    **facts: Any,
) -> None:
    """The plan's next version: its event, its audit record. In the caller's transaction."""
    save_plan(work, plan, version=plan.version + 1)
    about = about_plan(plan.p)
    about["restricted"] = about["restricted"] or restricted
    if step is not None:
        about["restricted"] = about["restricted"] or step.s["restricted"]
        facts = {"step": step.key} | facts
    happened(work, about, Happened(kind, None, None, facts=facts), version=plan.version, reverses=reverses)
    work.audit(f"plan.{kind}", "plan", plan.p["id"], plan.version)


def owned(work: Work, lead: UUID, owner: Owner, pointer: str = "/template") -> Owned:
    """Who the template's words mean in this directory. Raises Unprocessable."""
    if owner.is_lead:
        return Owned(lead)
    if owner.term is not None:
        row = work.row(_TERM, code=owner.term)
        if row is None:
            raise Unprocessable("It asks for a term that the taxonomy does not have.", pointer=pointer)
        return Owned(None, None, owner.term, row.sensitive)
    row = work.row(_NAMED, slug=owner.organization, service=owner.service)
    if row is None or (owner.service is not None and row.service_id is None):
        raise Unprocessable("It names an organization or a service that the directory does not have.", pointer=pointer)
    return Owned(row.id, row.service_id, row.term, bool(row.sensitive), row.confidential)


_PLAIN = [column.name for column in tables.referral.c if not column.info["personal"]]
_PROVIDERS = text(
    "select service_id from app.providers(:collaborative, :term, :county, cast(:asked as uuid[])) limit 20"
)
_TERM = text("select sensitive from taxonomy_term where code = :code")
_NAMED = text(
    """
select o.id, o.confidential, s.id as service_id, s.term, x.sensitive
  from organization o
  left join service s on s.organization_id = o.id and s.name = :service
  left join taxonomy_term x on x.code = s.term
 where o.slug = :slug
"""
)
