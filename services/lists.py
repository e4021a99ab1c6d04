"""Lists by keyset: an organization's inbox, its referrals, and what happened to one of them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import TextualSelect, text

from domain.task import ENDED, State
from services import shapes
from services.holders import foresee_actions
from services.proposals import proposals_of
from services.refusals import NotVisible
from services.rows import OWN_CLIENT, REFERRAL, SERVICE, TASK, known, referral_columns
from services.transaction import Call, Record, Tx, read
from services.views import f_of, hides, referral_view, task_view
from storage.tables.work import OPEN_TASK

After = tuple[Any, ...] | None


def list_tasks(
    record: Record,
    call: Call,
    *,
    state: State | None = None,
    mine: bool = False,
    unassigned: bool = False,
    overdue: bool = False,
    after: After = None,
    limit: int = 50,
) -> list[shapes.Task]:
    """The inbox: open tasks of my organization and tasks whose ball it holds, oldest due first;
    `after` is (due_at, id).

    With an ended `state`: my organization's tasks in it, newest first; `after` is (created_at, id).
    """
    filters = [
        "t.state = :state" if state else "",
        "t.assigned_to = app.person()" if mine else "",
        "t.assigned_to is null" if unassigned else "",
        "t.due_at <= clock_timestamp()" if overdue else "",
    ]
    where = "".join(f" and {each}" for each in filters if each)
    statement = _tasks((_ENDED_TASKS if state in ENDED else _INBOX).format(where=where))

    def look(tx: Tx) -> list[shapes.Task]:
        values = {"me": tx.here.organization_id, "limit": limit, "state": state} | _keyset(after)
        rows = [(row._mapping, f_of(row._mapping)) for row in tx.rows(statement, **values)]
        foresee_actions(tx, "task", rows)
        return [task_view(tx, *each) for each in rows]

    return read(record, call, look)


def list_referrals(
    record: Record,
    call: Call,
    *,
    state: str | None = None,
    role: str | None = None,
    after: After = None,
    limit: int = 50,
) -> list[shapes.Referral]:
    """Newest first; `role` source or target, both without it; for the backbone all that it may see.
    `after` (created_at, id).
    """

    def look(tx: Tx) -> list[shapes.Referral]:
        branches = _branches(tx, role)
        where = " and f.state = :state" if state else ""
        union = " union all ".join(f"({_BRANCH.format(whose=whose, where=where)})" for whose in branches)
        statement = _referrals(f"select * from ({union}) f order by created_at desc, id desc limit :limit")
        values = {
            "me": tx.here.organization_id,
            "all": tx.here.collaborative_id,
            "limit": limit,
            "state": state,
        }
        rows = tx.rows(statement, **values, **_keyset(after))
        tasks = tx.rows(_TASKS_OF, ids=[row.id for row in rows])
        of: dict[UUID, list[Any]] = {}
        for task in tasks:
            of.setdefault(task.referral_id, []).append(task._mapping)
        referrals = {row.id: row._mapping for row in rows}
        foresee_actions(tx, "referral", [(f, None) for f in referrals.values()])
        foresee_actions(tx, "task", [(task._mapping, referrals[task.referral_id]) for task in tasks])
        proposed = proposals_of(tx, [row._mapping for row in rows])
        return [referral_view(tx, row._mapping, of.get(row.id, []), proposed.get(row.id, ())) for row in rows]

    return read(record, call, look)


def timeline(record: Record, call: Call, referral_id: UUID) -> shapes.Timeline:
    """All that happened to a referral and all that was said, newest first, as far as the caller may see it."""

    def look(tx: Tx) -> shapes.Timeline:
        seen = tx.row(_SEE, id=referral_id)
        if seen is None:
            raise NotVisible
        events = [shapes.Event.model_validate(row) for row in tx.rows(_EVENTS, id=referral_id)]
        untold = {"reason": None} if hides(tx, seen._mapping) else {}
        return shapes.Timeline(
            items=[event.model_copy(update=untold) for event in events],
            messages=[shapes.Message.model_validate(row) for row in tx.rows(_MESSAGES, id=referral_id)],
        )

    return read(record, call, look)


def _branches(tx: Tx, role: str | None) -> list[str]:
    """Each branch walks its own index; the second leaves out what the first has (ADR 0002)."""
    if tx.here.backbone and role is None:
        return ["f.collaborative_id = :all"]
    source, target = "f.source_organization_id = :me", "f.target_organization_id = :me"
    others = f"{target} and f.source_organization_id <> :me"
    beside = f"{_BESIDE} and f.source_organization_id <> :me"
    return {"source": [source], "target": [target, beside]}.get(role or "", [source, others, beside])


def _keyset(after: After) -> dict[str, Any]:
    return {"after_at": after[0] if after else None, "after_id": after[1] if after else None}


_FROM = f"""
select {TASK}, {OWN_CLIENT}, {referral_columns("f_")}, {SERVICE}
  from task t left join referral f on f.id = t.referral_id left join service s on s.id = t.service_id
"""


@lru_cache
def _tasks(statement: str) -> TextualSelect:
    """One object for each choice of filters: made anew, a statement is read and compiled anew."""
    return known(statement, TASK, OWN_CLIENT, referral_columns("f_"), SERVICE)


@lru_cache
def _referrals(statement: str) -> TextualSelect:
    return known(statement, REFERRAL)


READ_TASK = _tasks(f"{_FROM} where t.id = :id")
_AFTER_DUE = "(cast(:after_at as timestamptz) is null or (t.due_at, t.id) > (:after_at, :after_id))"
_INBOX = f"""
select * from (
    ({_FROM} where t.organization_id = :me and t.{OPEN_TASK} and {_AFTER_DUE}{{where}} order by t.due_at, t.id limit
      :limit)
    union all
    ({_FROM} where t.ball_organization_id = :me and t.organization_id <> :me and t.{OPEN_TASK} and {_AFTER_DUE}{{where}}
      order by t.due_at, t.id limit :limit)) inbox
 order by due_at, id limit :limit
"""
_ENDED_TASKS = f"""
{_FROM} where t.organization_id = :me{{where}}
   and (cast(:after_at as timestamptz) is null or (t.created_at, t.id) < (:after_at, :after_id))
 order by t.created_at desc, t.id desc limit :limit
"""
# Asked beside others, so not the one that leads: found by my own open work.
_BESIDE = f"""
f.target_organization_id <> :me and (select app.me()) = any (f.asked)
   and f.id in (select t.referral_id from task t where t.organization_id = :me and t.{OPEN_TASK})
"""
_BRANCH = f"""
select {REFERRAL} from referral f
 where {{whose}}{{where}} and f.kind <> 'step'
   and (cast(:after_at as timestamptz) is null or (f.created_at, f.id) < (:after_at, :after_id))
 order by f.created_at desc, f.id desc limit :limit
"""
_TASKS_OF = known(
    f"""
select {TASK}, {OWN_CLIENT}, {SERVICE} from task t left join service s on s.id = t.service_id
 where t.referral_id = any(:ids) order by t.id
""",
    TASK,
    OWN_CLIENT,
    SERVICE,
)
_SEE = text("select sensitive, source_organization_id, target_organization_id, asked from referral where id = :id")
_EVENTS = text(
    """
select id, at, occurred_at, kind, task_id, referral_id, action_plan_id, organization_id, acting_organization_id,
       user_id,
       on_behalf_of, from_state, to_state,
       coalesce(reason, case when kind ~ '_excepted$' then facts ->> 'why' end) as reason,
       case when kind = 'task_answered_late'
            then jsonb_build_object('said', facts ->> 'said', 'why', facts ->> 'why',
                                    'fields', coalesce(facts -> 'fields', '[]')) end as unwritten
  from event where referral_id = :id order by seq desc limit 1000
"""
)
_MESSAGES = text(
    "select id, kind, at, organization_id, user_id, body from message where referral_id = :id order by at desc, id"
    " desc limit 1000"
)
