"""Who follows a referral at its source, a plan at its lead; and all that somebody leaves behind, handed on at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.moves import Happened
from domain.task import Verb
from services import plan_shapes, shapes
from services.happenings import about_referral, happened
from services.leading import require_lead
from services.moving import handed, move_task
from services.openings import say_plan
from services.plan_rows import PLAN, LockedPlan, save_plan
from services.refusals import Conflict, Forbidden, Unprocessable
from services.rows import (
    NOBODY_THERE,
    NOW,
    OWN_CLIENT,
    REFERRAL,
    SERVICE,
    TASK,
    Locked,
    LockedReferral,
    does_casework,
    known,
    locked_of,
    referral_columns,
    referral_of,
    save_referral,
    works_there,
)
from services.transaction import Answer, Call, Record, Tx, perform
from services.watching import WatchedPlan, WatchedReferral, watch_plan, watch_referral
from storage.tables.plans import OPEN_PLAN
from storage.tables.work import OPEN_REFERRAL, OPEN_TASK

AT_MOST = 500
"""At once; what is left is said, and handed on by asking again."""
ABOVE = frozenset({"supervisor", "agency_admin"})


def assign_referral(record: Record, call: Call, referral_id: UUID, user_id: UUID) -> Answer[shapes.Referral]:
    """Who at the source hears of it from now on, and is waited for where the source owes something."""

    def act(tx: Tx, watched: WatchedReferral) -> None:
        if not does_casework(tx) or watched.row["source_organization_id"] != tx.here.organization_id:
            raise Forbidden("Who follows it is said by the referral source's caseworkers.")
        if watched.state not in ("active", "awaiting_source"):
            raise Conflict("It is over; nobody follows it.", code="wrong-state", current={"state": watched.state})
        _require_colleague(tx, user_id, "/user_id")
        _hand_referral(tx, watched.locked, user_id)

    return watch_referral(record, call, referral_id, act)


def assign_plan(record: Record, call: Call, plan_id: UUID, user_id: UUID) -> Answer[plan_shapes.ActionPlan]:
    """Who at the lead follows the plan, and what opens from now on; open requests keep who follows them."""

    def act(tx: Tx, watched: WatchedPlan) -> None:
        require_lead(tx, watched.plan)
        if watched.state != "active":
            raise Conflict("It is over; nobody follows it.", code="wrong-state", current={"state": watched.state})
        _require_colleague(tx, user_id, "/user_id")
        _hand_plan(tx, watched.plan, user_id)

    return watch_plan(record, call, plan_id, act)


def reassign(record: Record, call: Call, from_user: UUID, to_user: UUID | None) -> Answer[shapes.Reassigned]:
    """A caseworker leaves: their open tasks, and the referrals and plans that they follow, go to a colleague together.

    `to_user` None: to nobody, they show as unassigned. By a supervisor or administrator of their organization.
    """

    def act(tx: Tx, _seen: None) -> shapes.Reassigned:
        if not tx.here.roles & ABOVE:
            raise Forbidden(
                "A supervisor or an administrator of your agency hands over what a colleague leaves behind."
            )
        if tx.row(_EVER_HERE, user=from_user, organization=tx.here.organization_id) is None:
            raise Unprocessable("Nobody of that id works or worked here; GET /v1/people.", pointer="/from_user_id")
        if to_user == from_user:
            raise Unprocessable("Name somebody else, or nobody.", pointer="/to_user_id")
        if to_user is not None:
            _require_colleague(tx, to_user, "/to_user_id")
        return _hand_over(tx, from_user, to_user)

    return perform(record, call, lambda _tx: None, act, shapes.Reassigned)


def _hand_over(tx: Tx, from_user: UUID, to_user: UUID | None) -> shapes.Reassigned:
    """In the one order: plans and referrals by id, then tasks by id; all is locked before anything is written."""
    whose = {"me": tx.here.organization_id, "user": from_user}
    plans = [LockedPlan(dict(row._mapping), {}, []) for row in tx.rows(_PLANS, **whose, most=AT_MOST)]
    requests = list(_requests(tx, whose, AT_MOST - len(plans)))
    offers = list(_offers(tx, whose, AT_MOST - len(plans) - len(requests)))
    tx.now = tx.connection.execute(NOW).scalar_one()
    for plan in plans:
        _hand_plan(tx, plan, to_user)
    for request in requests:
        _hand_referral(tx, request, to_user)
    for offer in offers:
        facts = handed(offer.t["assigned_to"], to_user)
        move_task(tx, offer, Verb.ASSIGN, more=lambda _tx, _locked: {"assigned_to": to_user}, facts=facts)
    done = len(plans) + len(requests) + len(offers)
    return shapes.Reassigned(reassigned=done, left=sum(tx.connection.execute(_COUNT, whose).one()))


def _requests(tx: Tx, whose: dict[str, Any], most: int) -> Iterator[LockedReferral]:
    for row in tx.rows(_REFERRALS, **whose, most=most):
        f = dict(row._mapping)
        yield LockedReferral(referral_of(f), f, [])


def _offers(tx: Tx, whose: dict[str, Any], most: int) -> Iterator[Locked]:
    for row in tx.rows(_TASKS, **whose, most=most):
        yield locked_of(row._mapping)


def _hand_referral(tx: Tx, locked: LockedReferral, user_id: UUID | None) -> None:
    facts = handed(locked.f["assigned_to"], user_id)
    after = replace(locked.referral, version=locked.referral.version + 1)
    save_referral(tx, locked, after, assigned_to=user_id)
    what = Happened("referral_assigned", None, None, facts=facts)
    happened(tx, about_referral(locked.f), what, version=after.version)
    tx.audit("referral.assign", "referral", locked.f["id"], after.version)


def _hand_plan(tx: Tx, plan: LockedPlan, user_id: UUID | None) -> None:
    facts = handed(plan.p["assigned_to"], user_id)
    save_plan(tx, plan, assigned_to=user_id)
    say_plan(tx, plan, "plan_assigned", **facts)


def _require_colleague(tx: Tx, user_id: UUID, pointer: str) -> None:
    if not works_there(tx, user_id, tx.here.organization_id):
        raise Unprocessable(NOBODY_THERE, pointer=pointer)


_EVER_HERE = text("select 1 from membership where user_id = :user and organization_id = :organization limit 1")
_MY_PLANS = f"action_plan p where p.organization_id = :me and p.assigned_to = :user and p.{OPEN_PLAN}"
_MY_REFERRALS = f"referral f where f.source_organization_id = :me and f.assigned_to = :user and f.{OPEN_REFERRAL}"
_MY_TASKS = f"t.organization_id = :me and t.assigned_to = :user and t.{OPEN_TASK}"
_COUNT = text(
    f"""
select (select count(*) from {_MY_PLANS}), (select count(*) from {_MY_REFERRALS}),
       (select count(*) from task t where {_MY_TASKS})
"""
)
_PLANS = known(f"select {PLAN} from {_MY_PLANS} order by p.id limit :most for update", PLAN)
_REFERRALS = known(f"select {REFERRAL} from {_MY_REFERRALS} order by f.id limit :most for update", REFERRAL)
_TASKS = known(
    f"""
select {TASK}, {OWN_CLIENT}, {referral_columns("f_")}, {SERVICE}
  from task t join referral f on f.id = t.referral_id left join service s on s.id = t.service_id
 where {_MY_TASKS} order by t.id limit :most for update of t
""",
    TASK,
    OWN_CLIENT,
    referral_columns("f_"),
    SERVICE,
)
