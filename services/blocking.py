"""Who holds somebody up: the one organization, and the person there, that must act on a piece of work now."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.holders import Holder
from services.stalls import OFFERS, PLANS, REFERRALS, SHARED, TASKS
from services.transaction import Work


def blocking(work: Work, kind: str, id: UUID) -> Holder | None:  # noqa: A002 - an item's id is called so everywhere
    """Whose turn it is on a `task`, a `referral` or an `action_plan`: as the list of stalled work says, and by the
    same SQL;
    also before anything is late. Of a referral that waits for its task, the task's. None where it is over, or not the
    caller's to see. In the caller's transaction."""
    row = _find(work, kind, id)
    if row is None and kind == "referral":
        task = work.row(_CURRENT, id=id)
        row = _find(work, "task", task.id) if task else None
    return Holder(row.ball, row.user_id) if row else None


def _find(work: Work, kind: str, id: UUID) -> Any:  # noqa: A002
    values = {
        "collaborative": work.agenda.collaborative_id,
        "now": work.now,
        "zone": work.agenda.zone,
        "today": work.agenda.region().local_date(work.now),
    }
    return work.row(_ONE[kind], id=id, **values)


def _one(part: str) -> Any:
    return text(
        f"""
with {SHARED % "not materialized"}, {OFFERS}
select s.ball, case when b.user_id is null then s.person else b.delegate_user_id end as user_id
  from ({part % "(select cast(:id as uuid) as id) k"}) s
  left join away b on b.user_id = s.person and b.organization_id = s.ball
 where s.clock is not null or s.cause is not null or s.kind = 'action_plan'
 order by s.due_at limit 1
"""
    )


_ONE = {"task": _one(TASKS), "referral": _one(REFERRALS), "action_plan": _one(PLANS)}
_CURRENT = text(
    "select t.id from task t join referral f on f.id = t.referral_id and t.round = f.round where f.id = :id"
)
