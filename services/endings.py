"""Ending a step's request from the plan: taken back, or void with everything that it counted."""

from __future__ import annotations

from typing import Any

from domain import referral as rules
from domain.moves import Details, Happened, move
from domain.reason import ReasonClass
from domain.referral import Verb
from domain.task import OPEN, State
from domain.task import Verb as TaskVerb
from services.happenings import about_referral, happened
from services.ladder import note_overdue
from services.moving import WORDS, settle_move, unreversed
from services.needs import settle_need
from services.plan_rows import PlanStep, renew
from services.rows import LockedReferral, moment, save_referral
from services.transaction import Work

PLAN_CHANGED = "plan_changed"
"""The reason where the lead takes a step back: it says nothing about anybody."""


def withdraw_request(work: Work, request: LockedReferral, reason: str | None = None) -> None:
    """The plan goes on without it. Its tasks have ended, or the caller ends them."""
    after = rules.move(request.referral, Verb.WITHDRAW)
    save_referral(work, request, after, reason=reason)
    what = Happened(f"{after.noun}_withdrawn", None, None, reason)
    happened(work, about_request(request), what, version=after.version)
    work.audit("referral.withdraw", "referral", request.f["id"], after.version)


def end_request(work: Work, one: PlanStep, reason: str = PLAN_CHANGED) -> None:
    """Take back what is open. Where the work was reported already, it is closed as reported, unconfirmed."""
    request = one.request
    assert request is not None
    cancel_tasks(work, request, reason)
    if request.referral.reported:
        close_unconfirmed(work, request)
    else:
        withdraw_request(work, request, reason)
    renew(one)


def cancel_tasks(work: Work, request: LockedReferral, reason: str) -> None:
    """The request leads: it does not follow tasks that it ends itself."""
    details = Details(reason=reason, reason_class=work.agenda.reasons.get(reason, ReasonClass.CANNOT_SAY))
    for offer in request.tasks:
        if offer.task.state in OPEN:
            offer.f, offer.referral = request.f, request.referral
            at = moment(work, offer.t)
            note_overdue(work, offer, at)
            after, what = move(offer.task, TaskVerb.CANCEL, at, details)
            settle_move(work, offer, after, what, at, leads=False)
            work.audit("task.cancel", "task", offer.t["id"], after.version)


def void_request(work: Work, request: LockedReferral) -> None:
    """Entered in error, open or not, with all its tasks, also those that had ended."""
    after = rules.move(request.referral, Verb.VOID)
    reverses = unreversed(work, referral_id=request.f["id"])
    save_referral(work, request, after, **dict.fromkeys(WORDS))
    what = Happened(f"{after.noun}_voided", None, None)
    happened(work, about_request(request), what, version=after.version, reverses=reverses)
    work.audit("referral.void", "referral", request.f["id"], after.version)
    for offer in request.tasks:
        if offer.task.state is not State.ENTERED_IN_ERROR:
            offer.f, offer.referral = request.f, request.referral
            at = moment(work, offer.t)
            ended, what = move(offer.task, TaskVerb.VOID, at, Details())
            settle_move(work, offer, ended, what, at, leads=False, reverses=[])
            work.audit("task.void", "task", offer.t["id"], ended.version)
    settle_need(work, request.f)


def about_request(request: LockedReferral) -> dict[str, Any]:
    """What an event of the request itself says about it: also for whom its source acted, where that has no login."""
    current = request.current
    absent = current is not None and current.t["on_behalf"]
    return about_referral(request.f) | {"on_behalf_of": request.f["target_organization_id"] if absent else None}


def close_unconfirmed(work: Work, request: LockedReferral) -> None:
    """As its partner reported it; who asked may still confirm it, and the client say otherwise."""
    after = rules.close_unconfirmed(request.referral)
    outcome = request.f["outcome_task"]
    save_referral(work, request, after, outcome=outcome)
    facts = {"outcome": outcome, "confirmed_by": after.confirmed_by}
    happened(work, about_request(request), Happened("referral_closed", None, None, facts=facts), version=after.version)
    settle_need(work, request.f)
    work.audit("referral.close", "referral", request.f["id"], after.version)
