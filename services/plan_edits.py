"""Changing a live plan: steps added, dropped, moved, re-assigned, skipped.

Only the lead, with If-Match. What has begun keeps its history; the workflow is asked to look and nobody notices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain import plan as rules
from domain.pathway import Owner, Policy, Step, StepKind, step_body
from domain.plan import Skipped, StepState, StepVerb
from domain.referral import State as RequestState
from domain.refusal import NotPossible
from domain.taxonomy import akin
from services.endings import PLAN_CHANGED, cancel_tasks, end_request
from services.leading import as_lead, say_to_lead
from services.offers import Offered, find_organization, find_service
from services.openings import Owned, may_be_asked, offer_again, open_ready, owned, say_plan, skip_step
from services.plan_advance import answer_stop, settle_end
from services.plan_rows import (
    LockedPlan,
    PlanStep,
    keep_readers,
    keep_version,
    renew,
    save_step,
)
from services.plan_shapes import ActionPlan
from services.plans import add_rows
from services.refusals import NotVisible, Unprocessable
from services.rows import save_referral
from services.transaction import Answer, Call, Record, Tx


@dataclass(frozen=True, slots=True)
class Whose:
    """Who does a step: an organization, a service of the directory, whoever offers a term, or (none named) the lead."""

    organization_id: UUID | None = None
    service_id: UUID | None = None
    term: str | None = None


@dataclass(frozen=True, slots=True)
class NewStep:
    """`before`: waiting steps that shall come after this one."""

    key: str
    title: str
    whose: Whose
    kind: str = "step"
    after: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    may_skip: bool = False
    goal: str | None = None
    opens_after_days: int = 0
    on_decline: str = "lead"
    on_failure: str = "lead"


def add_step(record: Record, call: Call, plan_id: UUID, new: NewStep) -> Answer[ActionPlan]:
    def act(tx: Tx, plan: LockedPlan) -> None:
        rules.require_active(plan.state)
        after, before = _once(new.after), _once(new.before)
        _check_new(tx, plan, new)
        owner, whose = _whose(tx, plan, new.whose)
        _require_same_need(tx, plan, StepKind(new.kind), new.goal, whose.term, "/goal")
        step = Step(
            key=new.key,
            title=new.title,
            owner=owner,
            kind=StepKind(new.kind),
            after=after,
            may_skip=new.may_skip,
            goal=new.goal,
            opens_after_days=new.opens_after_days,
            on_decline=Policy(new.on_decline),
            on_failure=Policy(new.on_failure),
        )
        for pointer, policy in (("/on_decline", step.on_decline), ("/on_failure", step.on_failure)):
            if policy is Policy.OTHER_PROVIDER and not owner.may_be_replaced:
                raise Unprocessable("No other provider can be looked for: name a service or a term.", pointer=pointer)
        rules.reordered([one.step for one in plan.steps.values()], step)
        add_rows(tx, plan, [(step, whose)], own=True)
        for key in before:
            _reorder(tx, plan, _waiting(plan, key, "/before"), [*plan.steps[key].step.after, new.key])
        edited(tx, plan, "plan_step_added", plan.steps[new.key], after=list(after), before=list(before))

    return as_lead(record, call, plan_id, act, status=201)


def drop_step(record: Record, call: Call, plan_id: UUID, key: str) -> Answer[ActionPlan]:
    """Out of the plan; what came after it waits for what it waited for. Its open task is cancelled."""

    def act(tx: Tx, plan: LockedPlan) -> None:
        one = _step(plan, key)
        rules.require_active(plan.state)
        rules.require(StepVerb.DROP, one.standing)
        if one.request is not None:
            end_request(tx, one)
        was = plan.standings
        for other in list(plan.steps.values()):
            if key in other.step.after:
                after = [each for each in other.step.after if each != key] + list(one.step.after)
                define(tx, other, replace(other.step, after=_once(after)))
        save_step(tx, one, removed_at=tx.now)
        del plan.steps[key]
        rules.require_answers(was, plan.standings)
        _answered_stop(tx, plan, key)
        edited(tx, plan, "plan_step_dropped", one)

    return as_lead(record, call, plan_id, act)


def move_step(record: Record, call: Call, plan_id: UUID, key: str, after: Sequence[str]) -> Answer[ActionPlan]:
    """Another place in the order: it comes after these from now on. Only while it waits."""

    def act(tx: Tx, plan: LockedPlan) -> None:
        one = _step(plan, key)
        rules.require_active(plan.state)
        rules.require(StepVerb.MOVE, one.standing)
        was = list(one.step.after)
        _reorder(tx, plan, one, after)
        edited(tx, plan, "plan_step_moved", one, after=list(one.step.after), was=was)

    return as_lead(record, call, plan_id, act)


def skip_plan_step(record: Record, call: Call, plan_id: UUID, key: str, words: str | None = None) -> Answer[ActionPlan]:
    """Left out this time, where the pathway permits it; what comes after it goes on."""

    def act(tx: Tx, plan: LockedPlan) -> None:
        one = _step(plan, key)
        rules.require_active(plan.state)
        rules.require(StepVerb.SKIP, one.standing)
        if one.request is not None:
            end_request(tx, one)
        skip_step(tx, plan, one, Skipped.LEAD)
        _answered_stop(tx, plan, key)
        if words:
            say_to_lead(tx, plan, words)
        _settle(tx, plan)

    return as_lead(record, call, plan_id, act)


def reassign_step(record: Record, call: Call, plan_id: UUID, key: str, whose: Whose) -> Answer[ActionPlan]:
    """Somebody else does it. Where it is open, the old task is cancelled and the new one is born, together."""

    def act(tx: Tx, plan: LockedPlan) -> None:
        one = _step(plan, key)
        rules.require_active(plan.state)
        rules.require(StepVerb.REASSIGN, one.standing)
        was, behind_the_wall = one.s["organization_id"], one.s["restricted"]
        owner, found = _whose(tx, plan, whose)
        if one.step.kind is StepKind.REFERRAL and owner.organization and not owner.may_be_replaced:
            raise Unprocessable(_NAMES_NONE, pointer="/service_id")
        _require_same_need(tx, plan, one.step.kind, one.step.goal, found.term, "/term" if whose.term else "/service_id")
        define(tx, one, replace(one.step, owner=owner))
        if one.request is None:
            own_step(tx, plan, one, found)
        else:
            _hand_over(tx, plan, one, whose, found)
        _answered_stop(tx, plan, key)
        changed = {"organization": _text(one.s["organization_id"]), "was": _text(was)}
        edited(tx, plan, "plan_step_reassigned", one, restricted=behind_the_wall, **changed)

    return as_lead(record, call, plan_id, act)


# ---------------------------------------------------------------------------------------------- what edits share


def edited(
    tx: Tx, plan: LockedPlan, kind: str, one: PlanStep | None, *, restricted: bool = False, **changed: Any
) -> None:
    """`restricted`: what is told names somebody of whom the plan's partners do not know, though the step does not."""
    say_plan(tx, plan, kind, step=one, restricted=restricted, **changed)
    _settle(tx, plan)


def _settle(tx: Tx, plan: LockedPlan) -> None:
    """What became ready opens in the same transaction; the version is kept, and who may read the plan."""
    open_ready(tx, plan)
    settle_end(tx, plan)
    keep_readers(tx, plan)
    keep_version(tx, plan)


def _step(plan: LockedPlan, key: str) -> PlanStep:
    if key not in plan.steps:
        raise NotVisible
    return plan.steps[key]


def _waiting(plan: LockedPlan, key: str, pointer: str) -> PlanStep:
    one = plan.steps.get(key)
    if one is None:
        raise Unprocessable("The plan has no step of that key. Read it again.", pointer=pointer)
    if one.standing.state is not StepState.WAITING:
        raise NotPossible("wrong-state", "What has begun cannot wait for something else any more.")
    return one


def define(tx: Tx, one: PlanStep, step: Step) -> None:
    one.standing = replace(one.standing, step=step)
    save_step(tx, one, definition=step_body(step))


def _reorder(tx: Tx, plan: LockedPlan, one: PlanStep, after: Sequence[str]) -> None:
    step = replace(one.step, after=_once(after))
    rules.reordered([each.step for each in plan.steps.values()], step)
    was = plan.standings
    define(tx, one, step)
    rules.require_answers(was, plan.standings)
    save_step(tx, one, opens_at=None)


def _once(keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(keys))


def _check_new(tx: Tx, plan: LockedPlan, new: NewStep) -> None:
    if tx.row(_TAKEN, plan=plan.p["id"], key=new.key) is not None:
        raise Unprocessable("The plan has, or had, a step of that key. Choose another one.", pointer="/key")
    for key in new.after:
        if key not in plan.steps:
            raise Unprocessable("The plan has no step of that key. Read it again.", pointer="/after")
    for key in new.before:
        _waiting(plan, key, "/before")
    if new.kind == "referral" and new.whose.service_id is None and new.whose.term is None:
        raise Unprocessable(_NAMES_NONE, pointer="/service_id")
    if new.goal is not None and new.goal not in {goal["key"] for goal in plan.goals}:
        raise Unprocessable("The plan has no goal of that key. Read it again.", pointer="/goal")


def _whose(tx: Tx, plan: LockedPlan, whose: Whose) -> tuple[Owner, Owned]:
    """The owner as a pathway would say it, and whom that means. Raises Unprocessable."""
    lead = plan.p["organization_id"]
    if whose.term is not None and (whose.organization_id is not None or whose.service_id is not None):
        raise Unprocessable("A term means whoever offers it: name that or an owner, not both.", pointer="/term")
    if whose.service_id is not None:
        service = find_service(tx, whose.service_id)
        if whose.organization_id not in (None, service.organization_id):
            raise Unprocessable("That service is another organization's: name one of the two.", pointer="/service_id")
        row = tx.connection.execute(_NAMES, {"id": whose.service_id}).one()
        _require_release(tx, plan, service, "/service_id")
        found = Owned(
            service.organization_id, service.service_id, service.term, service.sensitive, service.confidential
        )
        return Owner(row.slug, row.name), found
    if whose.organization_id is not None and whose.organization_id != lead:
        partner = find_organization(tx, whose.organization_id)
        _require_release(tx, plan, partner, "/organization_id")
        slug = tx.connection.execute(_SLUG, {"id": whose.organization_id}).scalar_one()
        return Owner(slug), Owned(partner.organization_id, restricted=partner.confidential)
    owner = Owner(term=whose.term)
    return owner, owned(tx, lead, owner, "/term")


def _require_same_need(
    tx: Tx, plan: LockedPlan, kind: StepKind, goal: str | None, asked: str | None, pointer: str
) -> None:
    """A referral settles the need that its goal is: so it asks for just that, as in a pathway."""
    need = next((one["need_id"] for one in plan.goals if one["key"] == goal), None)
    if kind is not StepKind.REFERRAL or need is None or asked is None:
        return
    term = tx.connection.execute(_TERM_OF, {"id": need}).scalar_one()
    if not akin(asked, term):
        raise Unprocessable(
            f"It asks for {asked}, and its goal '{goal}' is {term}: what came of it would be said of another need."
            f" Choose a service of that need (GET /v1/services?taxonomy={term}), or a step with another goal or none.",
            pointer=pointer,
        )


def _require_release(tx: Tx, plan: LockedPlan, offered: Offered, pointer: str) -> None:
    if not may_be_asked(tx, plan, offered):
        raise Unprocessable(
            "A victim-service provider's client leaves it only by a release, and none names this organization.",
            pointer=pointer,
        )


def own_step(tx: Tx, plan: LockedPlan, one: PlanStep, whose: Owned) -> None:
    columns = whose.columns()
    sensitive = whose.sensitive or one.s["sensitive"]  # what it is about does not change with who does it
    save_step(tx, one, **columns | {"sensitive": sensitive, "restricted": whose.restricted or plan.p["restricted"]})


def _hand_over(tx: Tx, plan: LockedPlan, one: PlanStep, whose: Whose, found: Owned) -> None:
    request = one.request
    assert request is not None
    if found.organization_id is None:
        raise Unprocessable("Name who shall do it: a service or an organization.", pointer="/service_id")
    offered = find_service(tx, whose.service_id) if whose.service_id else find_organization(tx, found.organization_id)
    if request.referral.reported:
        raise NotPossible("wrong-state", "Its work was reported: confirm what came of it.")
    cancel_tasks(tx, request, PLAN_CHANGED)
    _give_back(tx, one)
    save_step(tx, one, term=found.term or one.s["term"])
    offer_again(tx, plan, one, offered)


def _give_back(tx: Tx, one: PlanStep) -> None:
    """The request waits for its source for as long as this transaction takes: its old round is over."""
    request = one.request
    assert request is not None
    waiting = replace(request.referral, state=RequestState.AWAITING_SOURCE, version=request.referral.version + 1)
    if request.referral.state is not RequestState.AWAITING_SOURCE:
        save_referral(tx, request, waiting)
    renew(one)


def _answered_stop(tx: Tx, plan: LockedPlan, key: str) -> None:
    """The lead has decided about the step after whose end the plan asked to be closed."""
    if plan.p["stop_asked_by"] == key:
        answer_stop(tx, plan)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


_NAMES_NONE = "A referral asks for a service or a term: name one."
_TERM_OF = text("select term from need where id = :id")
_TAKEN = text("select 1 from plan_step where action_plan_id = :plan and key = :key")
_NAMES = text("select o.slug, s.name from service s join organization o on o.id = s.organization_id where s.id = :id")
_SLUG = text("select slug from organization where id = :id")
